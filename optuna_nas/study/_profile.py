"""``profile``: what random candidates of a search space cost, before any is trained.

It tells whether limits leave anything to search for, and whether they limit anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from typing import NoReturn

from optuna.distributions import BaseDistribution

from optuna_nas._arguments import checked_int
from optuna_nas.metrics import Constraint
from optuna_nas.metrics import Metric
from optuna_nas.metrics import Parameters
from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator
from optuna_nas.space import AnsweredTrial
from optuna_nas.space import CANNOT_BE_BUILT
from optuna_nas.space import construct
from optuna_nas.space import Network
from optuna_nas.space import SampledTrial
from optuna_nas.space import SearchSpaceError
from optuna_nas.space import sketch
from optuna_nas.study._costs import Costs
from optuna_nas.study._objective import MAX_PARAMETERS
from optuna_nas.study._text_table import aligned
from optuna_nas.study._text_table import texts
from optuna_nas.training import Rejected
from optuna_nas.training._seeds import seeded


SHOWN_REASONS = 3


@dataclass(frozen=True)
class Profile:
    """What random candidates cost; ``print`` gives it as a table.

    Attributes:
        drawn:
            How many candidates were drawn.
        values:
            For each metric, by name, its values, one for each candidate that could be measured.
        feasible:
            For each constraint, by name, the share of those drawn that it holds for.
        all_feasible:
            The share that all constraints hold for; without any, the share that could be measured.
        rejected:
            Why candidates could not be built or measured, with how many it was.
    """

    drawn: int
    values: Mapping[str, tuple[float, ...]]
    feasible: Mapping[str, float]
    all_feasible: float
    rejected: Mapping[str, int]

    def __str__(self) -> str:
        rejected = sum(self.rejected.values())
        parts = [f"{self.drawn} random candidates, {self.drawn - rejected} of them measured"]
        if rejected < self.drawn:
            parts.append(_spread(self.values))
        if self.feasible:
            together = {"all of them": self.all_feasible} if len(self.feasible) > 1 else {}
            parts.append(_shares({**self.feasible, **together}))
        if self.rejected:
            parts.append(_reasons(self.rejected))
        return "\n\n".join(parts)


class NoneFound(ValueError):
    """That no candidate drawn will do.

    Args:
        problem:
            What none of them does, and how sure that is of all.
        remedy:
            What to do about it, for who calls :func:`profile`.
        profile:
            What they cost.
    """

    def __init__(self, problem: str, remedy: str, profile: Profile) -> None:
        super().__init__(f"{problem}. {remedy}, or draw more (n=...).\n\n{profile}")
        self.problem = problem
        self.profile = profile


def profile(
    network: Network,
    metrics: Metric | Constraint | Sequence[Metric | Constraint],
    *,
    n: int = 50,
    seed: int = 0,
    max_parameters: int | None = MAX_PARAMETERS,
) -> Profile:
    """Measures random candidates of a search space, without training.

    They are those that ``create_study(sampler="random", seed=seed)`` proposes first.

    Example:

        .. code-block:: python

            print(profile(Net, [metrics.Flops(example), metrics.Parameters() <= 50_000]))

    Args:
        network:
            The search space.
        metrics:
            Metrics, and constraints with the metrics they are on.
        n:
            How many candidates; static metrics take milliseconds each, a latency seconds.
        seed:
            Of the candidates and their weights.
        max_parameters:
            As in :class:`optuna_nas.Objective`: larger candidates are rejected; None for no limit.

    Raises:
        TypeError:
            If ``metrics`` has something else.
        ValueError:
            If there is none, if ``n`` is below 1 or the seed below 0, or if no candidate can be
            measured, satisfies one of the constraints, or all of them together; with the table.
        SearchSpaceError:
            If the network asks something wrong in itself.
    """
    constraints, asked = _checked_metrics(metrics)
    checked_int("n", n, 1)
    checked_int("seed", seed, 0)
    measured: list[list[float]] = []
    rejected: Counter[str] = Counter()
    device = "meta"
    for number in range(n):
        with seeded(seed):
            candidate = _Candidate(network, seed, number)
            try:
                device = candidate.sketch(device, max_parameters)
                measured.append(candidate.measure(asked))
            except Rejected as rejection:
                rejected[rejection.reason] += 1
    holds = [
        [c.violation(values[asked.index(c.metric)]) <= 0 for c in constraints]
        for values in measured
    ]
    result = Profile(
        drawn=n,
        values={name: tuple(v[i] for v in measured) for i, name in enumerate(_names(asked))},
        feasible={c.name: sum(h[i] for h in holds) / n for i, c in enumerate(constraints)},
        all_feasible=sum(map(all, holds)) / n,
        rejected=dict(rejected.most_common()),
    )
    _check_feasible(result)
    return result


class _Candidate:
    """One random candidate, first on the meta device, and for real once a metric needs that."""

    def __init__(self, network: Network, seed: int, number: int) -> None:
        def answer(name: str, distribution: BaseDistribution) -> Any:
            return draw(distribution, generator(seed, number, name))

        self._network = network
        self._trial = SampledTrial(AnsweredTrial(answer))

    def sketch(self, device: str, max_parameters: int | None) -> str:
        """Builds it where size costs nothing; returns the device to use from now on."""
        try:
            self._sketched, device = sketch(self._network, self._trial, device)
        except CANNOT_BE_BUILT as error:
            self._reject(error)
        parameters = Parameters().measure(self._sketched)
        if max_parameters is not None and parameters > max_parameters:
            raise Rejected(f"too large: over {max_parameters:,} parameters")
        return device

    def measure(self, metrics: Sequence[Metric]) -> list[float]:
        """Returns what it costs, one number for each metric."""
        costs = Costs(self._trial, ())
        known = {i: costs.of(m, self._sketched) for i, m in enumerate(metrics) if m.static}
        if len(known) < len(metrics):
            try:
                module = construct(self._network, self._trial)
            except CANNOT_BE_BUILT as error:
                self._reject(error)
            known |= {i: costs.of(m, module) for i, m in enumerate(metrics) if i not in known}
        return [known[i] for i in range(len(metrics))]

    def _reject(self, error: Exception) -> NoReturn:
        if isinstance(error, SearchSpaceError) or error is self._trial.failure:
            raise error
        raise Rejected(f"cannot be built: {error}") from error


def _spread(values: Mapping[str, Sequence[float]]) -> str:
    rows = [(name, *texts([min(v), median(v), max(v)])) for name, v in values.items()]
    return aligned(("", "min", "median", "max"), rows, (False, True, True, True))


def _shares(feasible: Mapping[str, float]) -> str:
    rows = [(name, f"{100 * share:.0f} %") for name, share in feasible.items()]
    return aligned(("", "feasible"), rows, (False, True))


def _reasons(rejected: Mapping[str, int]) -> str:
    told = [f"{count} rejected: {reason}" for reason, count in rejected.items()]
    more = sum(list(rejected.values())[SHOWN_REASONS:])
    return "\n".join([*told[:SHOWN_REASONS], *([f"{more} for other reasons"] if more else [])])


def _names(metrics: Sequence[Metric]) -> list[str]:
    names: list[str] = []
    for metric in metrics:
        taken = metric.name in names
        names.append(f"{metric.name} {len(names) + 1}" if taken else metric.name)
    return names


def _check_feasible(profile: Profile) -> None:
    if sum(profile.rejected.values()) == profile.drawn:
        problem = "makes a network that can be measured"
        remedy = "Correct the network or the metrics"
    elif never := [name for name, share in profile.feasible.items() if not share]:
        problem = f"satisfies {' or '.join(never)}"
        remedy = "Set a limit within what there is, or let the network be of other sizes"
    elif not profile.all_feasible:
        problem = f"satisfies {' and '.join(profile.feasible)} together"
        remedy = "Loosen one, or let the network be of other sizes"
    else:
        return
    most = 1 - 0.05 ** (1 / profile.drawn)  # a larger share would have shown up, 19 times in 20
    raise NoneFound(
        f"none of {profile.drawn} random candidates {problem}; of all, fewer than {most:.1%} do "
        "so (95 % sure)",
        remedy,
        profile,
    )


def _checked_metrics(given: Any) -> tuple[list[Constraint], list[Metric]]:
    """The constraints, and all metrics, those that are equal once."""
    items = [given] if isinstance(given, Metric | Constraint) else list(given)
    metrics: list[Metric] = []
    for item in items:
        if not isinstance(item, Metric | Constraint):
            raise TypeError(
                "metrics must be metrics or constraints, [metrics.Flops(example), "
                f"metrics.Parameters() <= 1e6], but has {item!r} ({type(item).__name__})."
            )
        metric = item.metric if isinstance(item, Constraint) else item
        if metric not in metrics:
            metrics.append(metric)
    if not metrics:
        raise ValueError("metrics is empty; give some, [metrics.Parameters()].")
    return [item for item in items if isinstance(item, Constraint)], metrics
