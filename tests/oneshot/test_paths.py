"""How often which path comes, and that what comes are architectures."""

from collections import Counter
from itertools import product

import optuna
from optuna.trial import TrialState
import pytest
from scipy.stats import chisquare
import torch
from torch import nn

from optuna_nas import build
from optuna_nas import Supernet
from optuna_nas.oneshot._paths import fair
from optuna_nas.oneshot._paths import Proposed
from optuna_nas.oneshot._paths import uniform
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers import ReinforceSampler
from tests.oneshot.networks import Sketch
from tests.oneshot.networks import SKETCH_VALUES
from tests.oneshot.networks import Sum
from tests.oneshot.test_mixtures import spread


def layers(trial):
    """Decisions of 2, 3 and 4 options."""
    at = dict.fromkeys("abcd", nn.Identity)
    return nn.Sequential(
        trial.suggest_module("two", {name: at[name] for name in "ab"}),
        trial.suggest_module("three", {name: at[name] for name in "abc"}),
        trial.suggest_module("four", at),
        trial.suggest_repeat("depth", 0, 3, lambda i: nn.Linear(4, 4)),
    )


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def sketch():
    torch.manual_seed(0)
    return spread(Supernet(Sketch, SKETCH_VALUES))


def test_uniform_paths_are_uniform_whatever_the_gates_say(generator):
    supernet = spread(Supernet(layers))
    paths = Counter(tuple(uniform(supernet, generator)[0].values()) for _ in range(4800))
    every = list(product("ab", "abc", "abcd", range(4)))
    assert set(paths) <= set(every)
    assert chisquare([paths[path] for path in every]).pvalue > 0.01


def test_uniform_paths_of_inputs_are_uniform_over_the_combinations(generator):
    supernet = spread(Supernet(Sum))
    paths = Counter(uniform(supernet, generator)[0]["node"] for _ in range(1200))
    assert len(paths) == 6
    assert chisquare(list(paths.values())).pvalue > 0.01


def test_a_fair_draw_takes_each_option_of_the_largest_decision_once(generator):
    supernet = Supernet(layers)
    for _ in range(50):
        paths = fair(supernet, generator)
        assert len(paths) == 4
        assert sorted(path["four"] for path in paths) == ["a", "b", "c", "d"]
        assert sorted(path["depth"] for path in paths) == [0, 1, 2, 3]


def test_a_fair_draw_repeats_the_options_of_smaller_decisions_evenly(generator):
    supernet = Supernet(layers)
    for _ in range(50):
        paths = fair(supernet, generator)
        assert Counter(path["two"] for path in paths) == {"a": 2, "b": 2}
        assert sorted(Counter(path["three"] for path in paths).values()) == [1, 1, 2]


def test_fair_paths_are_uniform_each(generator):
    supernet = Supernet(layers)
    firsts = Counter(tuple(fair(supernet, generator)[0].values()) for _ in range(4800))
    assert len(firsts) == 96
    assert chisquare(list(firsts.values())).pvalue > 0.01


@pytest.mark.parametrize("draw", [uniform, fair])
def test_paths_have_exactly_the_names_that_are_active(sketch, generator, draw):
    for _ in range(10):
        for params in draw(sketch, generator):
            sketch.activate(params)
            build(Sketch, params)


@pytest.mark.parametrize("draw", [uniform, fair])
def test_dropped_options_do_not_come(sketch, generator, draw):
    sketch.drop("twice", "linear")
    sketch.drop("node", 0)
    paths = [params for _ in range(20) for params in draw(sketch, generator)]
    assert {params["twice"] for params in paths} == {"scaled"}
    assert {params["node"] for params in paths} == {"1+2"}


@pytest.mark.parametrize("draw", [uniform, fair])
def test_paths_follow_their_generator_and_leave_torchs_alone(sketch, draw):
    before = torch.get_rng_state()
    first, again = (
        [draw(sketch, generator) for _ in range(5)]
        for generator in (torch.Generator().manual_seed(1), torch.Generator().manual_seed(1))
    )
    assert first == again
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "sampler",
    [
        ReinforceSampler(seed=0),
        RegularizedEvolutionSampler(seed=0),
        optuna.samplers.TPESampler(seed=0),
        optuna.samplers.RandomSampler(seed=0),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
def test_any_sampler_proposes_paths(sketch, generator, sampler):
    proposed = Proposed(sketch, sampler, "maximize")
    for _ in range(10):
        (params,) = proposed(sketch, generator)
        sketch.activate(params)
    assert proposed.learn(sketch, lambda params: float(params["depth"]), 30) <= 3
    states = Counter(trial.state for trial in proposed.trials)
    assert states == {TrialState.FAIL: 10, TrialState.COMPLETE: 30}
    assert "wide/width" not in {name for trial in proposed.trials for name in trial.params}


def test_a_sampler_is_not_asked_for_what_was_dropped(sketch, generator):
    sketch.drop("depth", 0, 3)
    sketch.drop("twice", "linear")
    proposed = Proposed(sketch, optuna.samplers.RandomSampler(seed=0), "maximize")
    paths = [proposed(sketch, generator)[0] for _ in range(20)]
    assert {params["depth"] for params in paths} == {1, 2}
    assert {params["twice"] for params in paths} == {"scaled"}
