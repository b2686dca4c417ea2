"""``survey``: the decisions of a search space, when each is asked, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import math

from optuna.distributions import BaseDistribution

from optuna_nas.space._conditions import agrees
from optuna_nas.space._conditions import Condition
from optuna_nas.space._conditions import find_conditions
from optuna_nas.space._count import estimated_size
from optuna_nas.space._count import factored_size
from optuna_nas.space._decisions import cardinality
from optuna_nas.space._decisions import describe
from optuna_nas.space._explore import Explorer
from optuna_nas.space._protocol import Network


MAX_LEAVES = 100
MAX_PAIR_RUNS = 200
MAX_RANDOM_RUNS = 400
RANDOM_RUNS = 32
RANDOM_RUNS_IF_CONDITIONAL = 200


@dataclass(frozen=True)
class Survey:
    """What a search space holds.

    Attributes:
        search_space:
            The distribution of each decision, by name, in the order first asked.
        conditions:
            For each decision that is not always asked, when it is. None if that is not known: a
            condition looks at three decisions at once, or at a number of more than 32 values.
        size:
            The number of architectures; ``math.inf`` with a continuous decision.
        how:
            How the size is known: ``"walked"`` (every architecture was run), ``"factored"``
            (counted from the table of conditions), ``"estimated"``, ``"infinite"``.
        standard_error:
            Of an estimated size; else 0. Zero on an estimate certifies nothing: runs that all had
            equally many options may have missed what they did not meet.
        runs:
            With how many sets of answers the network was run.
        device:
            ``"meta"``, or ``"cpu"`` for a network that cannot be built on the meta device.
    """

    search_space: Mapping[str, BaseDistribution]
    conditions: Mapping[str, Condition] | None
    size: float
    how: str
    standard_error: float
    runs: int
    device: str

    def __str__(self) -> str:
        size = f"{self.size:,}"
        if self.how == "estimated":
            size = f"{_short(self.size)} +- {_short(self.standard_error)}"
        lines = [f"{len(self.search_space)} decisions, {size} architectures ({self.how})"]
        conditions = self.conditions or {}
        for name, distribution in self.search_space.items():
            when = f"  if {conditions[name]}" if name in conditions else ""
            lines.append(f"  {name}: {describe(distribution)}{when}")
        if self.conditions is None:
            lines.append("  (under which conditions these are asked could not be told)")
        return "\n".join(lines)


def survey(network: Network, *, seed: int = 0) -> Survey:
    """Lists the decisions of a search space and counts its architectures.

    The network is run on the meta device: first through every option of every module, then with
    each value of each decision alone, with every two values together, and with random answers.
    Sizes are exact if no condition looks at three decisions at once, or at numbers of so many
    values that only some are tried (32 alone, 14 with another). A network is a black box: whatever
    is run, a decision may hide behind one answer in a billion, and no method can know.

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
    conditions = _conditions_that_hold(explorer)
    size, how, error = _size(explorer, conditions)
    return Survey(
        search_space=explorer.search_space,
        conditions=conditions and {n: c for n, c in conditions.items() if c.parents},
        size=size,
        how=how,
        standard_error=error,
        runs=explorer.count,
        device=explorer.device,
    )


def decisions(network: Network) -> tuple[dict[str, BaseDistribution], str]:
    """Lists the decisions of a search space, by the runs of :func:`survey` that are not random.

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
    """An explorer that has walked the network and tried values alone and in pairs."""
    explorer = Explorer(network, seed)
    explorer.walk()
    explorer.run({})
    explorer.singles()
    explorer.pairs(MAX_PAIR_RUNS)
    if not explorer.runs:
        raise ValueError(
            f"network could not be built in any of {explorer.count} runs: {explorer.error}"
        ) from explorer.error
    return explorer


def _short(number: float) -> str:
    return f"{number:.4g}" if number < 1e300 else f"10^{len(str(number)) - 1}"


def _conditions_that_hold(explorer: Explorer) -> dict[str, Condition] | None:
    """Conditions that random runs agree with. One that contradicts is a run more to learn from."""
    started = explorer.count
    while explorer.count < started + MAX_RANDOM_RUNS:
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
    counted = {name: cardinality(d) for name, d in explorer.search_space.items()}
    sizes = {name: size for name, size in counted.items() if size is not None}
    if len(sizes) < len(counted):
        return math.inf, "infinite", 0.0
    size = None if conditions is None else _factored(explorer, conditions, sizes)
    if size is None or size <= MAX_LEAVES:
        leaves = explorer.leaves(MAX_LEAVES)
        if leaves is not None:
            return leaves, "walked", 0.0
    elif not explorer.unbuildable:
        return size, "factored", 0.0
    mean, error = estimated_size(explorer.random(RANDOM_RUNS_IF_CONDITIONAL), sizes)
    return mean, "estimated", error


def _factored(
    explorer: Explorer, conditions: Mapping[str, Condition], sizes: Mapping[str, int]
) -> int | None:
    """The size by the table of conditions, if each answer that others depend on was seen."""
    parents = {parent for condition in conditions.values() for parent in condition.parents}
    seen = {p: list({run[p]: None for run in explorer.runs if p in run}) for p in parents}
    if any(len(seen[parent]) < sizes[parent] for parent in parents):
        return None
    return factored_size(conditions, sizes, seen)
