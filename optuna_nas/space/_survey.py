"""``survey``: the decisions of a search space, when each is asked, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import Any
import warnings

from optuna.distributions import BaseDistribution
import torch

from optuna_nas.space._build import construct
from optuna_nas.space._conditions import agrees
from optuna_nas.space._conditions import Condition
from optuna_nas.space._conditions import find_conditions
from optuna_nas.space._count import estimated_size
from optuna_nas.space._count import factored_size
from optuna_nas.space._decisions import describe
from optuna_nas.space._decisions import grid
from optuna_nas.space._decisions import SearchSpaceError
from optuna_nas.space._explore import CANNOT_BE_BUILT
from optuna_nas.space._explore import Explorer
from optuna_nas.space._protocol import Network
from optuna_nas.space._walk import SurveyTrial


MAX_LEAVES = 100
MAX_PAIR_RUNS = 200
MAX_RUNS = 600
RANDOM_RUNS = 32
RANDOM_RUNS_IF_CONDITIONAL = 200


@dataclass(frozen=True)
class Survey:
    """What a search space holds.

    Attributes:
        search_space:
            The distribution of each decision, by name, in the order first asked.
        conditions:
            For each decision that is not always asked, when it is; empty if no such table exists
            (a condition looks at three decisions at once).
        size:
            The number of architectures; ``math.inf`` with a continuous decision.
        how:
            How the size is known: ``"walked"`` (every architecture was run), ``"factored"``
            (counted from the table of conditions), ``"estimated"``, ``"infinite"``.
        standard_error:
            Of an estimated size; else 0. Zero on an estimate certifies nothing: runs that all had
            equally many options may have missed what they did not meet.
        runs:
            How often the network was run.
        device:
            ``"meta"``, or ``"cpu"`` for a network that cannot be built on the meta device.
    """

    search_space: Mapping[str, BaseDistribution]
    conditions: Mapping[str, Condition]
    size: float
    how: str
    standard_error: float
    runs: int
    device: str

    def __str__(self) -> str:
        error = f" +- {self.standard_error:.2g}" if self.how == "estimated" else ""
        size = f"{self.size:.4g}" if self.how == "estimated" else f"{self.size:,}"
        lines = [f"{len(self.search_space)} decisions, {size}{error} architectures ({self.how})"]
        for name, distribution in self.search_space.items():
            when = f"  if {self.conditions[name]}" if name in self.conditions else ""
            lines.append(f"  {name}: {describe(distribution)}{when}")
        return "\n".join(lines)


def survey(network: Network, *, seed: int = 0) -> Survey:
    """Lists the decisions of a search space and counts its architectures.

    The network is run on the meta device: first through every option of every module, then with
    each value of each decision alone, with every two values together, and with random answers.
    Sizes are exact if no condition looks at three decisions at once (or at single values in the
    middle of two long numbers, of which only some are tried together). A network is a black box:
    whatever is run, a decision may hide behind one answer in a billion, and no method can know.

    Args:
        network:
            The search space.
        seed:
            Of the random answers.

    Returns:
        A :class:`Survey`.

    Raises:
        SearchSpaceError:
            If one name has two distributions, or a question is wrong in itself.
        ValueError:
            If no run could build the network; the last reason is the cause.

    Example:

        .. code-block:: python

            print(optuna_nas.survey(optuna_nas.spaces.NASBench201()))
    """
    explorer = _explorer(network, seed)
    explorer.pairs(MAX_PAIR_RUNS)
    if not explorer.runs:
        raise ValueError(
            f"network could not be built in any of {explorer.count} runs: {explorer.error}"
        ) from explorer.error
    conditions = _conditions_that_hold(explorer)
    size, how, error = _size(explorer, conditions)
    return Survey(
        search_space=explorer.search_space,
        conditions={n: c for n, c in (conditions or {}).items() if c.parents},
        size=size,
        how=how,
        standard_error=error,
        runs=explorer.count,
        device=explorer.device,
    )


def decisions(network: Network) -> tuple[dict[str, BaseDistribution], str]:
    """Lists the decisions of a search space, by the first and cheapest runs of :func:`survey`.

    Args:
        network:
            The search space.

    Returns:
        The distribution of each decision, by name, and the device to build on: ``"meta"`` or
        ``"cpu"``.
    """
    explorer = _explorer(network, seed=0)
    return explorer.search_space, explorer.device


def _explorer(network: Network, seed: int) -> Explorer:
    """An explorer that has walked the network and tried each value of each decision alone."""
    explorer = Explorer(network, _device(network), seed)
    explorer.walk()
    explorer.run({})
    explorer.singles()
    return explorer


def _conditions_that_hold(explorer: Explorer) -> dict[str, Condition] | None:
    """Conditions that random runs agree with. One that contradicts is a run more to learn from."""
    while explorer.count < MAX_RUNS:
        conditions = find_conditions(list(explorer.search_space), explorer.runs)
        if conditions is None:
            return None
        conditional = any(condition.parents for condition in conditions.values())
        for _ in range(RANDOM_RUNS_IF_CONDITIONAL if conditional else RANDOM_RUNS):
            (run,) = explorer.random(1)
            if run is not None and not agrees(conditions, run):
                explorer.singles()  # of what this run met for the first time
                break
        else:
            return conditions
    return None


def _size(
    explorer: Explorer, conditions: Mapping[str, Condition] | None
) -> tuple[float, str, float]:
    values = {name: grid(d) for name, d in explorer.search_space.items()}
    finite = {name: v for name, v in values.items() if v is not None}
    if len(finite) < len(values):
        return math.inf, "infinite", 0.0
    size = factored_size(conditions, finite) if conditions else None
    if size is not None and size <= MAX_LEAVES:
        leaves = explorer.leaves(MAX_LEAVES)
        if leaves is not None:
            return leaves, "walked", 0.0
    elif size is not None and not explorer.unbuildable and _all_seen(explorer, conditions, finite):
        return size, "factored", 0.0
    runs = explorer.random(RANDOM_RUNS_IF_CONDITIONAL)
    mean, error = estimated_size(runs, {name: len(v) for name, v in finite.items()})
    return mean, "estimated", error


def _all_seen(
    explorer: Explorer,
    conditions: Mapping[str, Condition] | None,
    values: Mapping[str, Sequence[Any]],
) -> bool:
    """Whether each value of each decision that others depend on occurred in some run."""
    parents = {parent for c in (conditions or {}).values() for parent in c.parents}
    seen = {(parent, run[parent]) for parent in parents for run in explorer.runs if parent in run}
    return len(seen) == sum(len(values[parent]) for parent in parents)


def _device(network: Network) -> str:
    """The meta device, if the network can be built there."""
    with torch.random.fork_rng(devices=[]):
        try:
            with torch.device("meta"):
                construct(network, SurveyTrial())
        except SearchSpaceError:
            raise
        except Exception as error:  # meta tensors have no values: torch raises errors of all kinds
            on_meta = error
        else:
            return "meta"
        try:
            construct(network, SurveyTrial())
        except CANNOT_BE_BUILT:
            return "meta"
    warnings.warn(
        f"network cannot be built on the meta device ({on_meta}); it is surveyed on the CPU, "
        "which takes longer. Do not read tensors' values in __init__ (.item(), if tensor), "
        "or silence this: warnings.filterwarnings('ignore', message='network cannot be built').",
        stacklevel=3,
    )
    return "cpu"
