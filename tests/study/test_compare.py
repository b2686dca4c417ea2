from __future__ import annotations

from collections.abc import Sequence
import warnings

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
import pytest
from scipy import stats

from optuna_nas.study import compare
from optuna_nas.study import create_study
from optuna_nas.study._compare import Comparison
from optuna_nas.study._permutation import by_exchanging
from optuna_nas.study._permutation import by_flipping
from optuna_nas.study._permutation import least_by_exchanging
from optuna_nas.study._permutation import least_by_flipping
from tests.study.studies import told_study


def search(best: float, seed: int | None = None, trials: int = 3) -> optuna.Study:
    """A study that found this."""
    study = create_study(direction="maximize", sampler="random", seed=seed)
    for i in range(trials):
        study.add_trial(optuna.create_trial(value=best if i == 1 else best - 0.5))
    return study


def searches(bests: Sequence[float], seeds: Sequence[int | None]) -> list[optuna.Study]:
    return [search(best, seed) for best, seed in zip(bests, seeds, strict=True)]


def only(comparison: Comparison) -> str:
    (difference,) = comparison.differences
    return difference.verdict


A, B = [0.91, 0.93, 0.95, 0.92, 0.96, 0.94], [0.90, 0.91, 0.90, 0.90, 0.92, 0.93]


def test_searches_of_the_same_seeds_are_compared_in_pairs() -> None:
    one, two = searches(A, range(6)), searches(B, range(6))[::-1]
    comparison = compare({"random": two, "evolution": one})
    (difference,) = comparison.differences
    assert (difference.better, difference.other) == ("evolution", "random")
    assert difference.test == "permutation test of 6 pairs of the same seed"
    assert difference.by == pytest.approx(np.mean(A) - np.mean(B))
    assert difference.p == 2 / 2**6
    assert difference.significant
    assert difference.verdict == (
        "evolution is better than random (by 0.025 on average, p = 0.031)."
    )
    best = comparison.methods[0]
    assert (best.name, best.scores, best.trials) == ("evolution", tuple(A), (3,) * 6)
    assert best.deviation == pytest.approx(np.std(A, ddof=1))
    assert (comparison.measure, comparison.maximize) == ("value 0", True)


def test_searches_of_other_seeds_are_exchanged() -> None:
    comparison = compare({"a": searches(A, range(6)), "b": searches(B[:5], range(10, 15))})
    (difference,) = comparison.differences
    assert difference.test == "permutation test of 6 against 5 runs"
    known = stats.permutation_test(
        (A, B[:5]), lambda x, y: np.mean(x) - np.mean(y), n_resamples=np.inf
    )
    assert difference.p == pytest.approx(known.pvalue)


def test_flipping_is_that_of_scipy() -> None:
    differences = np.random.default_rng(0).normal(0.3, size=8)
    known = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=np.inf
    )
    assert by_flipping(differences) == pytest.approx(known.pvalue)


def test_of_many_runs_some_permutations_are_drawn() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=30), rng.normal(0.8, size=30)
    assert by_flipping(one - two) == pytest.approx(stats.ttest_rel(one, two).pvalue, abs=0.01)
    assert by_exchanging(one, two) == pytest.approx(stats.ttest_ind(one, two).pvalue, abs=0.01)


def test_the_least_p_is_that_of_the_most_extreme_numbers() -> None:
    assert by_flipping([1.0] * 4) == least_by_flipping(4) == 0.125
    assert by_exchanging([5.0, 6.0], [1.0, 2.0]) == least_by_exchanging(2, 2) == 1 / 3
    assert by_exchanging([5.0, 6.0], [1.0, 2.0, 3.0]) == least_by_exchanging(2, 3) == 0.1


def test_without_a_difference_p_is_1() -> None:
    assert by_flipping([0.0, 0.0]) == 1.0
    assert by_exchanging([0.1 + 0.2, 0.3], [0.3, 0.1 + 0.2]) == 1.0


def test_one_run_is_one_sample() -> None:
    comparison = compare({"a": search(0.9), "b": searches(A, range(6))})
    (difference,) = comparison.differences
    assert (difference.test, difference.p) == (None, None)
    assert not difference.significant
    assert only(comparison) == (
        "b came out 0.035 better than a, but one run is one sample: nothing follows from it. "
        "Search with more seeds."
    )
    same = compare({"a": search(0.9), "b": search(0.9)})
    assert only(same).startswith("a and b came out equal, but one run is one sample: nothing")


def test_too_few_runs_are_said_to_be_too_few() -> None:
    comparison = compare(
        {"a": searches([3.0, 4.0, 5.0], range(3)), "b": searches([1] * 3, range(3))}
    )
    assert only(comparison) == (
        "a is not shown to be better than b (by 3 on average, p = 0.25); so few runs cannot show "
        "it, p would be 0.25 at best. Search with more seeds."
    )


def test_with_three_methods_p_is_corrected_as_holm_did() -> None:
    rng = np.random.default_rng(0)
    scores = {name: rng.normal(mean, size=8) for name, mean in (("a", 0), ("b", 2), ("c", 4))}
    groups = {name: searches(xs, range(8)) for name, xs in scores.items()}
    comparison = compare(groups)
    raw = {
        (d.better, d.other): by_flipping(scores[d.better] - scores[d.other])
        for d in comparison.differences
    }
    assert [one.name for one in comparison.methods] == ["c", "b", "a"]
    sizes = dict(zip(sorted(raw, key=lambda pair: raw[pair]), (3, 2, 1), strict=True))
    least = 0.0
    for pair in sizes:
        least = max(least, min(1.0, raw[pair] * sizes[pair]))
        (given,) = (d.p for d in comparison.differences if (d.better, d.other) == pair)
        assert given == pytest.approx(least)


def test_of_several_objectives_it_is_the_hypervolume_from_one_reference() -> None:
    large, small = told_study([(0.9, 10.0), (0.8, 5.0)]), told_study([(0.7, 10.0), (0.5, 20.0)])
    comparison = compare({"small": small, "large": large})
    assert comparison.measure == "hypervolume"
    assert comparison.reference == (0.5, 20.0)
    assert [one.name for one in comparison.methods] == ["large", "small"]
    assert comparison.methods[0].scores == pytest.approx([0.4 * 10 + 0.3 * 5])
    assert comparison.methods[1].scores == pytest.approx([0.2 * 10])
    given = compare({"small": small, "large": large}, reference=[0.0, 30.0])
    assert given.reference == (0.0, 30.0)


def test_of_what_is_minimized_less_is_better() -> None:
    one, two = (told_study([(x,)], ["minimize"], ["loss"]) for x in (0.5, 0.4))
    comparison = compare({"a": one, "b": two})
    assert [one.name for one in comparison.methods] == ["b", "a"]
    assert not comparison.maximize
    assert comparison.differences[0].by == pytest.approx(0.1)


def test_searches_of_other_lengths_are_noted() -> None:
    comparison = compare({"a": [search(1.0), search(2.0, trials=5)], "b": search(1.0)})
    assert comparison.notes == (
        "The searches were not equally long: a 3 to 5, b 3 trials. Compare them at equal length.",
    )
    assert compare({"a": search(1.0), "b": search(1.0)}).notes == ()


# Bad input


def test_one_method_is_no_comparison() -> None:
    with pytest.raises(ValueError, match=r"compare needs two methods or more, but got 1\."):
        compare({"a": search(1.0)})


def test_a_method_has_studies() -> None:
    with pytest.raises(ValueError, match=r"method 'b' has no studies\."):
        compare({"a": search(1.0), "b": []})


def test_studies_of_other_objectives_are_refused() -> None:
    one = told_study([(1.0,)], ["maximize"], ["accuracy"])
    for other, told in (
        (told_study([(1.0,)], ["minimize"], ["loss"]), r"minimize loss"),
        (told_study([(1.0,)], ["maximize"], ["r2"]), r"maximize r2"),
        (told_study([(1.0, 2.0)]), r"maximize accuracy and minimize latency_ms"),
    ):
        with pytest.raises(ValueError, match=rf"'s' has maximize accuracy, and 's' has {told}\."):
            compare({"a": one, "b": other})


def test_a_search_without_a_score_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        empty = create_study(direction="maximize", study_name="empty")
    with pytest.raises(ValueError, match=r"study 'empty' has no complete trial that is feasible"):
        compare({"a": search(1.0), "b": empty})


def test_a_reference_fits() -> None:
    one = told_study([(1.0, 2.0)])
    with pytest.raises(ValueError, match=r"reference must be a finite number for each objective"):
        compare({"a": one, "b": one}, reference=[1.0])
    with pytest.raises(ValueError, match=r"reference is of a hypervolume, but the studies have o"):
        compare({"a": search(1.0), "b": search(1.0)}, reference=[1.0])
