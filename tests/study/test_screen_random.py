from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import proxies
from optuna_nas import warm_start
from optuna_nas.proxies import Proxy
from optuna_nas.samplers import RandomSampler
from optuna_nas.space import Trial
from optuna_nas.study import screen
from optuna_nas.study import Surrogate
from tests.study.test_screen import accuracy
from tests.study.test_screen import Net
from tests.study.test_screen import search


def test_the_best_of_random_candidates_are_kept_best_first_and_all_different() -> None:
    best = screen(Net, accuracy, 50, 10, seed=3)
    drawn = search(accuracy, None, 50, seed=3).trials
    distinct = {(t.params["worth"], t.params["width"]) for t in drawn}
    expected = sorted((worth for worth, _ in distinct), reverse=True)[:10]
    assert [params["worth"] for params in best] == expected


def test_what_is_kept_begins_a_study() -> None:
    best = screen(Net, accuracy, 20, 3)
    study = create_study(sampler="random", direction="maximize", seed=0)
    assert warm_start(study, best, user_attrs={"origin": "screen"}) == 3
    study.optimize(Objective(Net, accuracy), n_trials=3)
    assert [t.params for t in study.trials] == best


def test_candidates_drawn_twice_are_kept_once() -> None:
    def small(trial: Trial) -> nn.Module:
        return nn.Linear(5, trial.suggest_int("width", 1, 3))

    best = screen(small, lambda module, trial: module.out_features, 30, 30)  # type: ignore[arg-type, return-value]
    assert [params["width"] for params in best] == [3, 2, 1]


def test_several_proxies_vote() -> None:
    def size(module: Any, trial: Any) -> float:
        return float(module.layers[0].out_features)

    best = screen(Net, [accuracy, size, accuracy], 30, 5)
    assert best == screen(Net, accuracy, 30, 5)


def test_candidates_without_a_score_or_that_cannot_be_built_are_left_out() -> None:
    def sometimes(trial: Trial) -> nn.Module:
        width = trial.suggest_int("width", 1, 20)
        if width < 5:
            raise ValueError("too narrow")
        return nn.Sequential(nn.Linear(5, width), nn.ReLU())

    rows = torch.rand(8, 5, generator=torch.Generator().manual_seed(0))
    best = screen(sometimes, Proxy(proxies.naswot, (rows, None)), 30, 30)
    assert best
    assert all(params["width"] >= 5 for params in best)


def test_if_no_candidate_can_be_scored_the_reasons_are_told() -> None:
    def linear(trial: Trial) -> nn.Module:
        return nn.Linear(5, trial.suggest_int("width", 1, 2))

    message = r"none of 9 random.*: naswot: the network has no activations \(2 times\)"
    with pytest.raises(ValueError, match=message):
        screen(linear, Proxy(proxies.naswot, (torch.rand(4, 5), None)), 9, 3)


def test_a_candidate_whose_forward_asserts_what_does_not_hold_is_left_out() -> None:
    class Attention(nn.Module):
        def __init__(self, trial: Trial) -> None:
            super().__init__()
            width = trial.suggest_categorical("width", [4, 8])
            self.attention = nn.MultiheadAttention(width, 2, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.attention(x, x, x, need_weights=False)[0].mean(1)

    batch = torch.rand(8, 3, 4), torch.arange(8) % 3
    assert screen(Attention, Proxy(proxies.snip, batch), 10, 5) == [{"width": 4}]


@pytest.mark.parametrize("seed", range(3))
def test_evolved_candidates_score_better_than_as_many_random_ones(seed: int) -> None:
    drawn = screen(Net, accuracy, 60, 5, seed=seed)
    evolved = screen(Net, accuracy, 60, 5, sampler="regularized_evolution", seed=seed)
    assert worth(evolved) > worth(drawn)
    assert len({tuple(params.values()) for params in evolved}) == 5


def worth(kept: list[dict[str, Any]]) -> int:
    return sum(params["worth"] for params in kept)


def test_the_sampler_random_proposes_what_is_drawn_without_one() -> None:
    drawn = screen(Net, accuracy, 20, 10, seed=2)
    assert screen(Net, accuracy, 20, 10, sampler="random", seed=2) == drawn
    assert screen(Net, accuracy, 20, 10, sampler=RandomSampler(seed=2)) == drawn


class Watching(RandomSampler):
    """Keeps what it is told of each trial."""

    def __init__(self, *, seed: int) -> None:
        super().__init__(seed=seed)
        self.told: list[tuple[dict[str, Any], tuple[float, ...]]] = []

    def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
        self.told.append((trial.params, tuple(values)))


def test_candidates_without_a_score_are_the_worst_to_a_sampler_and_never_kept() -> None:
    def sometimes(trial: Trial) -> nn.Module:
        if trial.suggest_int("worth", 0, 99) < 20:
            raise ValueError("too poor")
        return Net(trial)

    def picky(module: Any, trial: Any) -> float:
        return {0: math.inf, 1: math.nan}.get(module.worth % 3, float(module.worth))

    sampler = Watching(seed=0)
    best = screen(sometimes, picky, 40, 40, sampler=sampler)
    assert best
    assert all(params["worth"] >= 20 and params["worth"] % 3 == 2 for params in best)
    told = {params["worth"]: value for params, (value,) in sampler.told}
    assert min(told) < 20
    for w, value in told.items():
        assert value == (w if w >= 20 and w % 3 == 2 else -math.inf)


@pytest.mark.parametrize("limit", [30, 101])
@pytest.mark.parametrize("sampler", ["gp", "tpe", "nsga2"])
def test_samplers_of_optunas_take_candidates_without_a_score_and_warn_of_nothing(
    sampler: str, limit: int
) -> None:
    def picky(module: Any, trial: Any) -> float:
        return -math.inf if module.worth < limit else float(module.worth)

    if limit < 100:
        assert screen(Net, picky, 13, 1, sampler=sampler)[0]["worth"] >= limit
    else:
        with pytest.raises(ValueError, match=r"none of 13 proposed candidates can be scored"):
            screen(Net, picky, 13, 1, sampler=sampler)


def test_of_several_proxies_a_sampler_has_several_objectives() -> None:
    def size(module: Any, trial: Any) -> float:
        return float(module.layers[0].out_features)

    sampler = Watching(seed=0)
    best = screen(Net, [accuracy, size], 20, 3, sampler=sampler)
    assert [(t["worth"], t["width"]) for t, _ in sampler.told] == [v for _, v in sampler.told]
    assert best == screen(Net, [accuracy, size], 20, 3)


def test_a_grid_ends_when_it_has_scored_every_candidate() -> None:
    def small(trial: Trial) -> nn.Module:
        return nn.Linear(5, trial.suggest_int("width", 1, 3))

    best = screen(small, lambda module, trial: module.out_features, 30, 30, sampler="grid")  # type: ignore[arg-type, return-value]
    assert [params["width"] for params in best] == [3, 2, 1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"keep": 0}, ValueError, r"keep must be an int of at least 1, but got 0"),
        ({"keep": 1.5}, ValueError, r"keep must be an int of at least 1, but got 1.5"),
        ({"keep": 6}, ValueError, r"keep must be at most n=5, but is 6"),
        ({"n": 2.5}, ValueError, r"n must be an int of at least 1, but got 2.5"),
        ({"seed": -1}, ValueError, r"seed must be an int of at least 0, but got -1"),
        ({"proxy": []}, TypeError, r"proxy must be a Proxy.* or several, but is \[\]"),
        ({"proxy": ["snip"]}, TypeError, r"proxy must be a callable.*but is 'snip' \(str\)"),
        ({"proxy": None}, TypeError, r"proxy must be a callable.*but is None \(NoneType\)"),
        ({"proxy": proxies.naswot}, TypeError, r"write Proxy\(naswot, batch\)"),
        (
            {"proxy": Surrogate()},
            TypeError,
            r"a Surrogate learns from the trials of a study: give",
        ),
        ({"sampler": "evolution"}, ValueError, r"sampler must be one of.*but got 'evolution'"),
    ],
)
def test_a_choice_of_nothing_is_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        screen(**{"network": Net, "proxy": accuracy, "n": 5, "keep": 2, **arguments})
