"""``compare``: did one search find more than another, or was it luck?

A search is one sample of what its method does, so methods are compared over several of them: by
permutation tests, which suppose nothing of how scores are distributed and are exact for few.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from statistics import stdev

from optuna.study import Study
from optuna.study import StudyDirection
from optuna.trial import TrialState

from optuna_nas.study._front import feasible_trials
from optuna_nas.study._hypervolume import checked_reference
from optuna_nas.study._hypervolume import hypervolume
from optuna_nas.study._names import metric_names
from optuna_nas.study._permutation import by_exchanging
from optuna_nas.study._permutation import by_flipping
from optuna_nas.study._permutation import least_by_exchanging
from optuna_nas.study._permutation import least_by_flipping
from optuna_nas.study._progress import worst_values
from optuna_nas.study._seeds import SEED


SIGNIFICANT = 0.05
TRAINED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Runs:
    """The searches of one method.

    Args:
        name:
            Of the method.
        scores:
            What each came to in the end.
        trials:
            How many trials, complete or pruned, each had.
        seeds:
            Of each, as :func:`create_study` keeps it, or None.
    """

    name: str
    scores: tuple[float, ...]
    trials: tuple[int, ...]
    seeds: tuple[int | None, ...]

    @property
    def mean(self) -> float:
        """Of the scores."""
        return fmean(self.scores)

    @property
    def deviation(self) -> float | None:
        """The standard deviation of one search; None of one search."""
        return stdev(self.scores) if len(self.scores) > 1 else None


@dataclass(frozen=True)
class Difference:
    """Between two methods.

    Args:
        better:
            The one with the better mean.
        other:
            The other.
        by:
            How much better, at least 0.
        test:
            How it was tested, in words; None if it could not be.
        p:
            How often chance alone gives a difference as large, corrected for the number of
            methods (Holm 1979); None without a test.
        least_p:
            The least that so few searches can give, before that correction.
    """

    better: str
    other: str
    by: float
    test: str | None
    p: float | None
    least_p: float | None

    @property
    def significant(self) -> bool:
        """Whether ``p`` is below 0.05."""
        return self.p is not None and self.p < SIGNIFICANT

    @property
    def verdict(self) -> str:
        """What may be said, in a sentence."""
        if self.p is None:
            came = f"{self.better} came out {self.by:.4g} better than {self.other}"
            if self.by == 0:
                came = f"{self.better} and {self.other} came out equal"
            return (
                f"{came}, but one run is one sample: nothing follows from it. Search with more "
                "seeds."
            )
        told = f"by {self.by:.4g} on average, p = {self.p:.2g}"
        if self.significant:
            return f"{self.better} is better than {self.other} ({told})."
        if self.least_p is not None and self.least_p >= SIGNIFICANT:
            return (
                f"{self.better} is not shown to be better than {self.other} ({told}); so few runs "
                f"cannot show it, p would be {self.least_p:.2g} at best. Search with more seeds."
            )
        return f"{self.better} is not shown to be better than {self.other} ({told})."


@dataclass(frozen=True)
class Comparison:
    """What several methods came to.

    Args:
        measure:
            What the scores are: the objective's name, or ``"hypervolume"`` of several.
        maximize:
            Whether more of it is better.
        reference:
            Of the hypervolume, a value for each objective; None with one.
        methods:
            The best mean first.
        differences:
            Of each two of them.
        notes:
            What makes the comparison unfair, in sentences.
    """

    measure: str
    maximize: bool
    reference: tuple[float, ...] | None
    methods: tuple[Runs, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


def compare(
    studies: Mapping[str, Study | Sequence[Study]], *, reference: Sequence[float] | None = None
) -> Comparison:
    """Compares what methods found in the end, over one or more searches each.

    With one objective a search's score is its best value; with several, the :func:`hypervolume` of
    its front from a reference point that all share. Searches of two methods are compared in pairs
    if they have the same seeds (so the same split and the same luck in much else), each seed
    once, by flipping the signs of the differences; else by exchanging runs between the two. Both
    are permutation tests of the mean, two-sided, exact up to 20,000 permutations (Edgington &
    Onghena 2007, "Randomization tests").

    Example:

        .. code-block:: python

            for difference in compare({"evolution": [a, b, c], "random": [d, e, f]}).differences:
                print(difference.verdict)

    Args:
        studies:
            By the method's name a study, or one for each seed.
        reference:
            With several objectives; by default the worst value of all trials in each.

    Raises:
        ValueError:
            If there are fewer than two methods, one has no studies, studies have other objectives
            or directions, one has no feasible complete trial, or the reference does not fit.
    """
    groups = {
        name: [given] if isinstance(given, Study) else list(given)
        for name, given in studies.items()
    }
    several = _check(groups, reference)
    first = next(iter(groups.values()))[0]
    maximize = several or first.directions[0] == StudyDirection.MAXIMIZE
    point = None
    if several:
        everyone = [study for group in groups.values() for study in group]
        given = _worst(everyone) if reference is None else reference
        point = tuple(checked_reference(first, given).tolist())
    runs = [_runs(name, group, point) for name, group in groups.items()]
    runs.sort(key=lambda one: -one.mean if maximize else one.mean)
    return Comparison(
        measure="hypervolume" if several else metric_names(first)[0],
        maximize=maximize,
        reference=point,
        methods=tuple(runs),
        differences=_differences(runs),
        notes=_notes(runs),
    )


def _check(groups: Mapping[str, Sequence[Study]], reference: Sequence[float] | None) -> bool:
    """Whether there are several objectives, the same in all studies."""
    if len(groups) < 2:
        raise ValueError(f"compare needs two methods or more, but got {len(groups)}.")
    empty = [name for name, group in groups.items() if not group]
    if empty:
        raise ValueError(f"method {empty[0]!r} has no studies.")
    everyone = [study for group in groups.values() for study in group]
    first = everyone[0]
    for study in everyone[1:]:
        if _objectives(study) != _objectives(first):
            raise ValueError(
                f"studies of other objectives cannot be compared: {first.study_name!r} has "
                f"{_told(first)}, and {study.study_name!r} has {_told(study)}."
            )
    several = len(first.directions) > 1
    if reference is not None and not several:
        raise ValueError("reference is of a hypervolume, but the studies have one objective.")
    return several


def _objectives(study: Study) -> list[tuple[str, str]]:
    named = zip(study.directions, metric_names(study), strict=True)
    return [(direction.name, name) for direction, name in named]


def _told(study: Study) -> str:
    return " and ".join(f"{how.lower()} {name}" for how, name in _objectives(study))


def _worst(studies: Sequence[Study]) -> list[float]:
    for study in studies:
        feasible_trials(study)  # or it says that there are none
    values = worst_values(studies)
    assert values is not None
    return values


def _runs(name: str, studies: Sequence[Study], point: Sequence[float] | None) -> Runs:
    return Runs(
        name,
        scores=tuple(_score(study, point) for study in studies),
        trials=tuple(len(s.get_trials(deepcopy=False, states=TRAINED)) for s in studies),
        seeds=tuple(study.user_attrs.get(SEED) for study in studies),
    )


def _score(study: Study, point: Sequence[float] | None) -> float:
    if point is not None:
        return hypervolume(study, point)
    values: list[float] = [trial.values[0] for trial in feasible_trials(study)]
    return max(values) if study.directions[0] == StudyDirection.MAXIMIZE else min(values)


def _differences(runs: Sequence[Runs]) -> tuple[Difference, ...]:
    """Of each two, the better named first, with Holm's correction."""
    tested = [(better, other, *_test(better, other)) for better, other in combinations(runs, 2)]
    order = sorted((p, i) for i, (_, _, _, p, _) in enumerate(tested) if p is not None)
    corrected, most = {}, 0.0
    for rank, (p, i) in enumerate(order):
        most = max(most, min(1.0, p * (len(order) - rank)))
        corrected[i] = most
    return tuple(
        Difference(
            better.name,
            other.name,
            abs(better.mean - other.mean),
            test,
            corrected.get(i),
            least,
        )
        for i, (better, other, test, _, least) in enumerate(tested)
    )


def _test(one: Runs, two: Runs) -> tuple[str | None, float | None, float | None]:
    """How two methods were tested, p, and the least p that there can be."""
    a, b = len(one.scores), len(two.scores)
    if min(a, b) < 2:
        return None, None, None
    if _pairs(one, two):
        there = dict(zip(two.seeds, two.scores, strict=True))
        differences = [x - there[seed] for x, seed in zip(one.scores, one.seeds, strict=True)]
        test = f"permutation test of {a} pairs of the same seed"
        return test, by_flipping(differences), least_by_flipping(a)
    test = f"permutation test of {a} against {b} runs"
    return test, by_exchanging(one.scores, two.scores), least_by_exchanging(a, b)


def _pairs(one: Runs, two: Runs) -> bool:
    seeds = set(one.seeds)
    return (
        None not in seeds
        and len(seeds) == len(one.seeds)
        and sorted(map(str, one.seeds)) == sorted(map(str, two.seeds))
    )


def _notes(runs: Sequence[Runs]) -> tuple[str, ...]:
    if len({number for one in runs for number in one.trials}) == 1:
        return ()
    told = ", ".join(f"{one.name} {_range(one.trials)}" for one in runs)
    return (f"The searches were not equally long: {told} trials. Compare them at equal length.",)


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low} to {high}"
