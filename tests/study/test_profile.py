from __future__ import annotations

from collections.abc import Callable
import math
from typing import Any

import pytest
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas.metrics import Metric
from optuna_nas.space import SearchSpaceError
from optuna_nas.space import Trial
from optuna_nas.study import profile
from optuna_nas.study._profile import NoneFound


class Net(nn.Module):
    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self.width = trial.suggest_int("width", 4, 32, step=4)
        act = trial.suggest_module("act", {"relu": nn.ReLU, "tanh": nn.Tanh})
        self.layers = nn.Sequential(nn.Linear(5, self.width), act, nn.Linear(self.width, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Width(Metric):
    """A metric that asks the built network."""

    name = "width"
    unit = "channels"
    static = False

    def __init__(self, measured: Callable[[Any], float] = lambda net: net.width) -> None:
        self.measured = measured
        self.count = 0

    def measure(self, module: nn.Module) -> float:
        assert not any(parameter.is_meta for parameter in module.parameters())
        self.count += 1
        return float(self.measured(module))


def test_the_candidates_are_those_that_random_search_proposes() -> None:
    study = create_study(sampler="random", direction="minimize", seed=3)
    study.optimize(Objective(Net, metrics.Parameters()), n_trials=8)
    told = profile(Net, metrics.Parameters(), n=8, seed=3)
    assert told.values["parameters"] == tuple(trial.values[0] for trial in study.trials)
    assert told.values != profile(Net, metrics.Parameters(), n=8, seed=4).values


def test_the_shares_are_of_all_that_were_drawn() -> None:
    size = metrics.Parameters()
    told = profile(Net, [size <= 100, size >= 50, Width() <= 28], n=40)
    assert list(told.values) == ["parameters", "width"]
    assert len(told.values["width"]) == told.drawn == 40
    sizes, widths = told.values["parameters"], told.values["width"]
    assert told.feasible["parameters <= 100"] == sum(size <= 100 for size in sizes) / 40
    assert told.feasible["width <= 28"] == sum(width <= 28 for width in widths) / 40
    assert told.all_feasible == sum(50 <= size <= 100 for size in sizes) / 40
    assert told.rejected == {}


def test_metrics_that_are_equal_are_measured_once_and_others_of_one_name_are_told_apart() -> None:
    width = Width()
    told = profile(Net, [width, width <= 28, Width(lambda net: 7)], n=5)
    assert width.count == 5
    assert list(told.values) == ["width", "width 2"]
    assert told.values["width 2"] == (7.0,) * 5


def test_a_measurement_may_keep_a_record_in_the_trial() -> None:
    class Recorded(Width):
        def __call__(self, module: nn.Module, trial: Any) -> float:
            trial.set_user_attr("width", {"low": 1.0})
            return self.measure(module)

    assert len(profile(Net, Recorded(), n=3).values["width"]) == 3


def test_the_table_has_the_spread_the_shares_and_what_was_rejected() -> None:
    def sometimes(trial: Trial) -> nn.Module:
        net = Net(trial)
        if net.width == 32:
            raise ValueError("too wide")
        return net

    told = profile(sometimes, [metrics.Parameters() <= 100, Width() <= 99], n=30)
    rejected = 30 - len(told.values["width"])
    assert told.rejected == {"cannot be built: too wide": rejected}
    lines = str(told).splitlines()
    assert lines[0] == f"30 random candidates, {30 - rejected} of them measured"
    assert lines[2].split() == ["min", "median", "max"]
    assert lines[3].split()[::3] == ["parameters", "226"]
    assert lines[4].split()[::3] == ["width", "28"]
    share = f"{100 * told.feasible['parameters <= 100']:.0f}"
    assert lines[7].split() == ["parameters", "<=", "100", share, "%"]
    assert lines[9].split() == ["all", "of", "them", share, "%"]
    assert lines[-1] == f"{rejected} rejected: cannot be built: too wide"
    assert "all of them" not in str(profile(Net, metrics.Parameters() <= 100, n=30))


def test_what_cannot_be_measured_is_rejected_with_the_reason() -> None:
    def measure(net: Any) -> float:
        if net.width == 4:
            raise RuntimeError("a shape that does not fit")
        return math.nan if net.width == 8 else net.width

    told = profile(Net, Width(measure), n=40)
    assert set(told.rejected) == {
        "width cannot be measured: a shape that does not fit",
        "metric width returned NaN",
    }
    assert min(told.values["width"]) == 12


def test_of_many_reasons_the_most_frequent_are_shown() -> None:
    def odd(trial: Trial) -> nn.Module:
        net = Net(trial)
        if net.width > 8:
            raise ValueError(f"width {net.width}")
        return net

    lines = str(profile(odd, Width(), n=60)).splitlines()
    counts = [int(line.split()[0]) for line in lines[-4:]]
    assert counts[:3] == sorted(counts[:3], reverse=True)
    assert lines[-1] == f"{counts[3]} for other reasons"


def test_a_candidate_that_is_too_large_is_not_built() -> None:
    width = Width()
    told = profile(Net, width, n=30, max_parameters=100)
    assert list(told.rejected) == ["too large: over 100 parameters"]
    assert width.count == 30 - told.rejected["too large: over 100 parameters"]
    assert profile(Net, width, n=30, max_parameters=None).rejected == {}


def test_a_network_that_cannot_be_built_on_meta_is_built_on_the_cpu_and_said_once() -> None:
    def reads_values(trial: Trial) -> nn.Module:
        torch.ones(1).item()
        return Net(trial)

    with pytest.warns(UserWarning, match=r"cannot be built on the meta device") as warned:
        told = profile(reads_values, metrics.Parameters(), n=3)
    assert len(warned) == 1
    assert len(told.values["parameters"]) == 3


def test_torchs_random_numbers_and_optunas_studies_are_left_as_they_were() -> None:
    before = torch.get_rng_state()
    profile(Net, Width(), n=2)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_constraint_that_nothing_satisfies_is_an_error_with_the_numbers() -> None:
    message = (
        r"(?s)none of 20 random candidates satisfies parameters <= 10; of all, fewer than 13.9% "
        r"do so \(95 % sure\)\. Set a limit within what there is.*\nparameters +34 .*feasible"
    )
    with pytest.raises(ValueError, match=message):
        profile(Net, [metrics.Parameters() <= 10, Width() <= 8], n=20)


def test_the_error_has_the_problem_apart_from_a_remedy_in_python() -> None:
    with pytest.raises(NoneFound, match=r"or draw more \(n=\.\.\.\)\.\n\n20 random") as told:
        profile(Net, metrics.Parameters() <= 10, n=20)
    assert told.value.problem.endswith(" do so (95 % sure)")
    assert min(told.value.profile.values["parameters"]) > 10


def test_constraints_that_nothing_satisfies_together_are_an_error() -> None:
    message = r"none of 20 random candidates satisfies width <= 8 and width >= 24 together; of all"
    width = Width()
    with pytest.raises(ValueError, match=message):
        profile(Net, [width <= 8, width >= 24], n=20)


def test_a_network_that_can_never_be_measured_is_an_error_with_the_reasons() -> None:
    def never(trial: Trial) -> nn.Module:
        raise ValueError("wrong")

    message = r"(?s)none of 3 random candidates makes a network .* 3 rejected: cannot be built: wr"
    with pytest.raises(ValueError, match=message.replace(" 3 rej", "\n3 rej")):
        profile(never, Width(), n=3)


def test_an_error_of_the_space_itself_is_no_candidates_fault() -> None:
    def drifts(trial: Trial) -> nn.Module:
        trial.suggest_int("width", 1, 2)
        trial.suggest_int("width", 1, 3)
        return nn.Identity()

    with pytest.raises(SearchSpaceError, match=r"'width'"):
        profile(drifts, metrics.Parameters())
    with pytest.raises(TypeError, match=r"network must be a function of a trial"):
        profile(nn.Identity(), metrics.Parameters())  # type: ignore[arg-type]


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"metrics is empty; give some"):
        profile(Net, [])
    with pytest.raises(TypeError, match=r"metrics must be metrics or constraints, .* has 5 \(int"):
        profile(Net, [5])  # type: ignore[list-item]
    for n in (0, 1.5, True):
        with pytest.raises(ValueError, match=rf"n must be an int of at least 1, but got {n}"):
            profile(Net, metrics.Parameters(), n=n)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"seed must be an int of at least 0, but got -1"):
        profile(Net, metrics.Parameters(), seed=-1)
