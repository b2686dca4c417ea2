from __future__ import annotations

from functools import partial
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
import optuna.samplers
import pytest
from scipy import stats

from optuna_nas.samplers import LocalSearchSampler
from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import ProgressiveSampler
from optuna_nas.samplers import ProposalSampler
from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers import ReinforceSampler
from optuna_nas.samplers._draw import checked_seed
from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator
from optuna_nas.samplers._draw import legal
from optuna_nas.samplers._draw import Quantile
from tests.samplers.strategies import distributions


SAMPLERS = [
    LocalSearchSampler,
    PredictorSampler,
    partial(ProgressiveSampler, ["depth"]),
    partial(ProposalSampler, lambda history: None),
    RandomSampler,
    RegularizedEvolutionSampler,
    ReinforceSampler,
]


@given(distributions(), st.integers(0, 2**32))
def test_what_is_drawn_is_legal(distribution: BaseDistribution, seed: int) -> None:
    value = draw(distribution, generator(seed))
    assert legal(distribution, value)
    assert isinstance(value, int) == isinstance(distribution, IntDistribution) or isinstance(
        distribution, CategoricalDistribution
    )


@given(distributions(), st.integers(1, 40))
def test_quantiles_are_legal_and_in_order(distribution: BaseDistribution, n: int) -> None:
    values = [draw(distribution, Quantile(i / n)) for i in range(n)]
    assert all(legal(distribution, value) for value in values)
    places = [distribution.to_internal_repr(value) for value in values]
    assert places == sorted(places)


def test_quantiles_draw_each_option_equally_often() -> None:
    drawn = [draw(CategoricalDistribution("abcde"), Quantile((i + 0.5) / 10)) for i in range(10)]
    assert "".join(drawn) == "aabbccddee"
    steps = [draw(IntDistribution(2, 6, step=2), Quantile((i + 0.5) / 6)) for i in range(6)]
    assert steps == [2, 2, 4, 4, 6, 6]


@given(distributions(), st.integers(0, 2**40), st.integers(0, 999), st.text())
def test_the_same_keys_draw_the_same(
    distribution: BaseDistribution, seed: int, number: int, name: str
) -> None:
    first, second = (draw(distribution, generator(seed, number, name)) for _ in range(2))
    assert first == second


def test_any_other_key_draws_other_numbers() -> None:
    keys = [(seed, number, name) for seed in range(5) for number in range(5) for name in "abcde"]
    assert len({generator(*key).random() for key in keys}) == len(keys)


def ours(distribution: BaseDistribution, n: int) -> list[Any]:
    return [draw(distribution, generator(1, number, "x")) for number in range(n)]


def optunas(distribution: BaseDistribution, n: int) -> list[Any]:
    study = optuna.create_study()
    trial, sampler = study.ask(), optuna.samplers.RandomSampler(seed=0)
    frozen = study.trials[trial.number]
    return [sampler.sample_independent(study, frozen, "x", distribution) for _ in range(n)]


@pytest.mark.parametrize(
    "distribution", [FloatDistribution(-3.0, 5.0), FloatDistribution(1e-5, 10.0, log=True)]
)
def test_floats_are_distributed_as_optunas_random_sampler_has_them(
    distribution: FloatDistribution,
) -> None:
    drawn = stats.ks_2samp(ours(distribution, 2000), optunas(distribution, 2000))
    assert drawn.pvalue > 0.01


@pytest.mark.parametrize(
    "distribution",
    [
        IntDistribution(-2, 5),
        IntDistribution(16, 64, step=16),
        IntDistribution(1, 8, log=True),
        FloatDistribution(0.0, 1.0, step=0.2),
        CategoricalDistribution(["a", "b", None]),
    ],
)
def test_what_can_be_counted_is_as_frequent_as_with_optunas_random_sampler(
    distribution: BaseDistribution,
) -> None:
    drawn, theirs = ours(distribution, 2000), optunas(distribution, 2000)
    values = list(dict.fromkeys(theirs))
    table = [[some.count(value) for value in values] for some in (drawn, theirs)]
    assert sum(table[0]) == 2000
    assert stats.chi2_contingency(table).pvalue > 0.01


def test_a_single_value_is_drawn() -> None:
    assert draw(IntDistribution(3, 3, log=True), generator(0)) == 3
    assert draw(FloatDistribution(0.5, 0.5), generator(0)) == 0.5
    assert draw(CategoricalDistribution(["a"]), generator(0)) == "a"


@pytest.mark.parametrize(
    ("distribution", "value", "expected"),
    [
        (IntDistribution(0, 8, step=2), 4, True),
        (IntDistribution(0, 8, step=2), 3, False),
        (IntDistribution(0, 8), 9, False),
        (IntDistribution(0, 8), "many", False),
        (IntDistribution(0, 8), None, False),
        (FloatDistribution(0.0, 1.0), 1.5, False),
        (FloatDistribution(0.0, 1.0), float("nan"), False),
        (CategoricalDistribution(["a", None]), None, True),
        (CategoricalDistribution(["a", None]), "b", False),
        (CategoricalDistribution(["a", None]), [1], False),
    ],
)
def test_legal_says_what_can_be_answered(
    distribution: BaseDistribution, value: Any, expected: bool
) -> None:
    assert legal(distribution, value) is expected


def test_a_seed_is_kept_and_none_draws_one() -> None:
    assert checked_seed(0) == 0
    assert checked_seed(7) == 7
    assert len({checked_seed(None) for _ in range(5)}) == 5
    assert isinstance(generator(checked_seed(None)), np.random.Generator)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_a_seed_that_is_no_int_of_at_least_0_is_an_error(seed: Any) -> None:
    message = f"seed must be an int of at least 0, or None, but got {seed!r}."
    with pytest.raises(ValueError, match=rf"^{re.escape(message)}$"):
        checked_seed(seed)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("seed", [1.5, "a"])
def test_all_samplers_refuse_such_a_seed(sampler: Any, seed: Any) -> None:
    with pytest.raises(ValueError, match=rf"^seed must be an int of .*, but got {seed!r}\.$"):
        sampler(seed=seed)
