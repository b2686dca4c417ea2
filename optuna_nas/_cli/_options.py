"""What ``optuna-nas search`` was asked for, checked."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields
import math
from pathlib import Path
import shlex
from typing import Any

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest
from optuna_nas._cli._units import seconds


DATA = (
    "a table (.csv, .tsv, .parquet), arrays (.npz), a folder with a folder of images for each "
    "class, or 'digits'"
)
"""What it may be."""

SAMPLERS = (
    "regularized_evolution",
    "predictor",
    "local_search",
    "reinforce",
    "random",
    "tpe",
    "gp",
    "nsga2",
    "grid",
)
"""The first is the default. Those of ``create_study``, which help texts must not wait for."""

SPACES = (
    "tabular",
    "mlp",
    "cnn",
    "rnn",
    "transformer",
    "nasbench201",
    "mobilenet",
    "darts",
    "hierarchical",
)
"""Those that are shipped, by the kind of data that they are for."""

TASKS = ("classification", "regression")

TRIALS = 20
"""How many networks, if neither ``--trials`` nor ``--timeout`` says when to end."""

PRUNERS = ("successive_halving", "hyperband", "learning_curve", "median", "none")
COSTS = ("parameters", "flops", "latency")
WARM_STARTS = ("darts",)

PROXIES = (
    "naswot",
    "synflow",
    "snip",
    "grad_norm",
    "jacob_cov",
    "fisher",
    "grasp",
    "zen",
    "zico",
    "l2_norm",
)
"""Those of :mod:`optuna_nas.proxies`."""


@dataclass(frozen=True)
class Options:
    """The command line of a search; the fields are named as its options are.

    Raises:
        BadInput:
            If a number is out of range, or a name unknown.
    """

    data: str
    target: str | None = None
    test: str | None = None
    task: str | None = None
    drop: tuple[str, ...] = ()
    image_size: int | None = None
    space: str | None = None
    sampler: str | None = None
    pruner: str | None = None
    trials: int | None = None
    timeout: str | None = None
    epochs: int | None = None
    warm_start: str | None = None
    proxy: str | None = None
    also: str | None = None
    under: str | None = None
    limit: tuple[str, ...] = ()
    control: bool = False
    out: Path | None = None
    storage: str | None = None
    seed: int = 0
    device: str = "auto"
    threads: int = 1
    workers: int = 1

    def __post_init__(self) -> None:
        at_least_1 = ("trials", "epochs", "image_size", "threads", "workers")
        for name, low in {**dict.fromkeys(at_least_1, 1), "seed": 0}.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise BadInput(f"{_option(name)} must be at least {low}, not {value}.")
        legal = {
            "task": TASKS,
            "sampler": SAMPLERS,
            "pruner": PRUNERS,
            "also": COSTS,
            "warm_start": WARM_STARTS,
            "proxy": PROXIES,
        }
        for name, names in legal.items():
            value = getattr(self, name)
            if value not in (*names, None):
                raise BadInput(
                    f"{_option(name)} must be {_one_of(names)}, not {value!r}."
                    f"{nearest(value, names)}"
                )
        if self.space is not None and ":" not in self.space and self.space not in SPACES:
            raise BadInput(
                f"--space must be {_one_of(SPACES)}, or module:function, not {self.space!r}."
                f"{nearest(self.space, SPACES)}"
            )
        _check_once([name for name, _ in self._limits()], self.limit, self.under)
        if self.timeout is not None:
            seconds("--timeout", self.timeout)

    @property
    def total(self) -> int | None:
        """How many networks the search ends with; None if the timeout alone ends it."""
        return TRIALS if self.trials is None and self.timeout is None else self.trials

    @property
    def timeout_seconds(self) -> float | None:
        """How long the search may take."""
        return None if self.timeout is None else seconds("--timeout", self.timeout)

    @property
    def limits(self) -> dict[str, float]:
        """The most that a network may cost, by the cost's name; latency in milliseconds."""
        return dict(self._limits())

    def _limits(self) -> list[tuple[str, float]]:
        limits = [_limit(text) for text in self.limit]
        if self.under is not None:
            limits.append(("latency", round(1000 * seconds("--under", self.under, "ms"), 9)))
        return limits

    @property
    def folder(self) -> Path:
        """Where the files go."""
        return (
            self.out if self.out is not None else Path("studies") / Path(self.data).resolve().stem
        )

    @property
    def where(self) -> str:
        """The storage of the study."""
        return self.storage if self.storage is not None else str(self.folder / "study.journal")

    @property
    def study_name(self) -> str:
        """The study's name in its storage."""
        return self.folder.resolve().name

    def command(self) -> str:
        """The command line that gives these options."""
        words = ["optuna-nas", "search", self.data]
        for name, value in self.given().items():
            for one in value if isinstance(value, tuple) else (value,):
                words += [_option(name)] if one is True else [_option(name), str(one)]
        return shlex.join(words)

    def given(self) -> dict[str, Any]:
        """The options that are not the defaults."""
        values = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        defaults = {field.name: field.default for field in fields(self)[1:]}
        return {name: value for name, value in values.items() if value != defaults[name]}


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _one_of(names: tuple[str, ...]) -> str:
    return f"one of {', '.join(names)}" if len(names) > 2 else " or ".join(names)


def _check_once(names: list[str], limit: tuple[str, ...], under: str | None) -> None:
    if len(set(names)) < len(names):
        also = [] if under is None else [f"--under {under}"]
        raise BadInput(f"--limit names a cost twice: {', '.join([*limit, *also])}.")


def _limit(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    if name not in COSTS:
        raise BadInput(
            "--limit must be a cost and its limit, as in parameters=10000, with "
            f"{_one_of(COSTS)}, not {text!r}.{nearest(name, COSTS)}"
        )
    try:
        limit = float(value)
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        raise BadInput(f"--limit {name} must be a number above 0, not {value!r}.")
    return name, limit
