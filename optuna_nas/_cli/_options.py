"""What ``optuna-nas search`` was asked for, checked."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields
import math
from pathlib import Path
import shlex

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest


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

PRUNERS = ("successive_halving", "hyperband", "learning_curve", "median", "none")
COSTS = ("parameters", "flops", "latency")


@dataclass(frozen=True)
class Options:
    """The command line of a search; the fields are named as its options are.

    Raises:
        BadInput:
            If a number is out of range, or a name unknown.
    """

    data: str
    target: str | None = None
    task: str | None = None
    drop: tuple[str, ...] = ()
    space: str | None = None
    sampler: str | None = None
    pruner: str | None = None
    trials: int = 20
    timeout: float | None = None
    epochs: int | None = None
    also: str | None = None
    limit: tuple[str, ...] = ()
    control: bool = False
    out: Path | None = None
    storage: str | None = None
    seed: int = 0
    device: str = "auto"
    threads: int = 1

    def __post_init__(self) -> None:
        for name, low in (("trials", 1), ("epochs", 1), ("seed", 0), ("threads", 1)):
            value = getattr(self, name)
            if value is not None and value < low:
                raise BadInput(f"--{name} must be at least {low}, not {value}.")
        if self.timeout is not None and not self.timeout > 0:
            raise BadInput(f"--timeout must be more than 0 seconds, not {self.timeout:g}.")
        for name, legal in (("sampler", SAMPLERS), ("pruner", PRUNERS), ("also", COSTS)):
            value = getattr(self, name)
            if value not in (*legal, None):
                guess = nearest(value, legal)
                raise BadInput(f"--{name} must be one of {list(legal)}, not {value!r}.{guess}")

        if len(self.limits) < len(self.limit):
            raise BadInput(f"--limit names a cost twice: {', '.join(self.limit)}.")

    @property
    def limits(self) -> dict[str, float]:
        """The most that a network may cost, by the cost's name."""
        return dict(_limit(text) for text in self.limit)

    @property
    def folder(self) -> Path:
        """Where the files go."""
        return self.out if self.out is not None else Path("studies") / Path(self.data).stem

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
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if value == field.default:
                continue
            for one in value if isinstance(value, tuple) else (value,):
                words += [f"--{field.name}"] if one is True else [f"--{field.name}", str(one)]
        return shlex.join(words)


def _limit(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    if name not in COSTS:
        raise BadInput(
            f"--limit must be a cost and its limit, as in parameters=10000, with one of "
            f"{list(COSTS)}, not {text!r}.{nearest(name, COSTS)}"
        )
    try:
        limit = float(value)
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        raise BadInput(f"--limit {name} must be a number above 0, not {value!r}.")
    return name, limit
