from __future__ import annotations

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import FixedTrial
import pytest
import torch
from torch import nn

from optuna_nas.space import ARCHITECTURE
from optuna_nas.space import build
from optuna_nas.space import SampledTrial
from optuna_nas.space import SearchSpaceError
from tests.space.networks import Net


PARAMS = {"width": 32, "depth": 1, "block0/act": "relu", "block0/dropout": 0.1}


def test_params_give_their_architecture() -> None:
    module = build(Net, PARAMS)
    assert isinstance(module.body[0][1], nn.ReLU)
    assert module.head.in_features == 32
    assert module.training


def test_the_weights_come_from_torchs_rng() -> None:
    torch.manual_seed(0)
    first = build(Net, PARAMS)
    torch.manual_seed(0)
    second = build(Net, PARAMS)
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )


def test_every_problem_of_params_is_in_one_error_with_the_nearest_name() -> None:
    params = {"width": 33, "dept": 1, "block0/act": "elu", "block0/dropout": 0.1}
    with pytest.raises(ValueError, match="params do not fit the network") as error:
        build(Net, params)
    message = str(error.value)
    assert "missing 'depth' (did you mean 'dept'?)" in message
    assert "unknown 'dept' (did you mean 'depth'?)" in message
    assert "'width' = 33 (int 16..64 in steps of 16)" in message
    assert "'block0/act' = 'elu' (one of 'relu', 'gelu', 'none')" in message


def test_a_name_that_these_params_do_not_ask_is_unknown() -> None:
    with pytest.raises(ValueError, match="unknown 'block1/act'"):
        build(Net, {**PARAMS, "block1/act": "relu"})


def test_of_a_trial_the_names_that_the_network_asks_are_taken() -> None:
    study = optuna.create_study(sampler=RandomSampler(seed=0))

    def objective(trial: optuna.Trial) -> float:
        Net(SampledTrial(trial))
        return trial.suggest_float("lr", 0.0, 1.0)

    study.optimize(objective, n_trials=1)
    assert len(build(Net, study.best_trial).body) == study.best_params["depth"]


def test_a_fixed_trial_gives_its_architecture() -> None:
    assert build(Net, FixedTrial({**PARAMS, "lr": 0.1})).head.in_features == 32


def test_of_a_trial_whose_network_asked_more_than_this_one_the_rest_is_unknown() -> None:
    trial = FixedTrial({**PARAMS, "pool": "max"})
    Net(SampledTrial(trial))
    trial.suggest_categorical("pool", ["max", "avg"])
    trial.set_user_attr(ARCHITECTURE, [*PARAMS, "pool"])
    with pytest.raises(ValueError, match="unknown 'pool'"):
        build(Net, trial)


def test_numbers_and_choices_come_in_the_type_that_the_network_asked_for() -> None:
    def network(trial: SampledTrial) -> nn.Module:
        assert type(trial.suggest_int("width", 1, 4)) is int
        assert trial.suggest_categorical("bias", [True, False]) is True
        return nn.Identity()

    build(network, {"width": 2.0, "bias": 1})


def test_neither_params_nor_trial_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"build takes params .* but got 3 \(int\)"):
        build(Net, 3)


def test_a_network_that_gives_no_module_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"network <lambda> must give an nn\.Module, but gave 7"):
        build(lambda trial: 7, {})


def test_a_network_that_was_built_already_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"network must be a function of a trial .* Linear"):
        build(nn.Linear(2, 2), {})


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_lazy_modules_are_refused_with_the_remedy() -> None:
    with pytest.raises(
        SearchSpaceError, match=r"lazy parameters.*weight.*nn\.Linear\(in_features"
    ):
        build(lambda trial: nn.LazyLinear(3), {})


def test_the_error_of_a_network_is_not_hidden_by_what_it_had_not_asked_yet() -> None:
    def network(trial: SampledTrial) -> nn.Module:
        if trial.suggest_int("width", 1, 4) == 3:
            raise ValueError("width 3 is not supported")
        trial.suggest_int("depth", 1, 4)
        return nn.Identity()

    with pytest.raises(ValueError, match=r"^width 3 is not supported$"):
        build(network, {"width": 3, "depth": 2})


def test_what_follows_from_a_misspelt_answer_is_not_reported() -> None:
    def network(trial: SampledTrial) -> nn.Module:
        if trial.suggest_categorical("op", ["conv", "pool"]) == "conv":
            trial.suggest_int("kernel", 1, 3)
        else:
            trial.suggest_int("stride", 1, 3)
        return nn.Identity()

    with pytest.raises(ValueError, match="params do not fit") as error:
        build(network, {"op": "pol", "stride": 2})
    assert str(error.value) == (
        "params do not fit the network: illegal 'op' = 'pol' (one of 'conv', 'pool')."
    )


@pytest.mark.parametrize("width", ["2", True, float("nan"), None, 2.5])
def test_a_number_must_be_one(width: object) -> None:
    def network(trial: SampledTrial) -> nn.Module:
        return nn.Linear(trial.suggest_int("width", 1, 4), 1)

    with pytest.raises(ValueError, match=r"illegal 'width' = .* \(int 1\.\.4\)"):
        build(network, {"width": width})
