from __future__ import annotations

import math
import pickle
from typing import Any

from optuna.trial import FixedTrial
import pytest
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import proxies
from optuna_nas.proxies import Proxy
from optuna_nas.space import Trial
from tests.proxies.networks import network


def space(trial: Trial) -> nn.Module:
    width = trial.suggest_int("width", 4, 32, step=4)
    return nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, 4))


def test_a_proxy_with_its_batch_is_an_evaluator() -> None:
    net, batch = network("mlp")
    trial = FixedTrial({})
    assert Proxy(proxies.snip, batch)(net, trial) == proxies.snip(net, batch)
    assert not trial.user_attrs


def test_a_search_by_a_proxy_alone_finds_the_widest_network() -> None:
    objective = Objective(space, Proxy(proxies.synflow, network("mlp")[1]))
    study = create_study(sampler="random", direction="maximize", seed=0)
    study.optimize(objective, n_trials=15)
    widths = {trial.params["width"]: trial.value for trial in study.trials}
    assert study.best_params["width"] == max(widths)
    assert objective.example is not None


def test_a_proxy_wants_to_be_large() -> None:
    objective = Objective(space, Proxy(proxies.synflow, network("mlp")[1]))
    with pytest.raises(ValueError, match=r"create the study with directions=\['maximize'\]"):
        create_study(direction="minimize").optimize(objective, n_trials=1)


@pytest.mark.parametrize(
    ("net", "reason"),
    [(nn.Linear(5, 3), "naswot: the network has no activations"), (nn.ReLU(), "no parameters")],
)
def test_why_a_network_has_no_score_is_noted_in_the_trial(net: nn.Module, reason: str) -> None:
    trial = FixedTrial({})
    assert Proxy(proxies.naswot, network("mlp")[1])(net, trial) == -math.inf
    assert reason in trial.user_attrs["unscored"]["naswot"]


def test_a_proxy_can_be_sent_to_a_worker_with_its_batch() -> None:
    net, batch = network("mlp")
    proxy = pickle.loads(pickle.dumps(Proxy(proxies.grad_norm, batch)))
    assert proxy.name == "grad_norm"
    assert proxy(net, FixedTrial({})) == proxies.grad_norm(net, batch)


def test_any_function_of_a_module_and_a_batch_is_a_proxy() -> None:
    def depth(module: nn.Module, batch: Any) -> float:
        return float(len(list(module.modules())))

    proxy = Proxy(depth, network("mlp")[1])
    assert proxy.name == "depth"
    assert proxy(nn.Linear(5, 3), FixedTrial({})) == 1


def test_labels_are_missed_before_any_network_is_built() -> None:
    with pytest.raises(ValueError, match=r"fisher needs labels, but batch has none"):
        Proxy(proxies.fisher, (torch.rand(4, 5), None))


def test_what_is_no_proxy_is_refused() -> None:
    with pytest.raises(TypeError, match=r"score must be a proxy.*but is 'snip' \(str\)"):
        Proxy("snip", network("mlp")[1])  # type: ignore[arg-type]


def test_a_search_goes_on_after_a_network_without_a_score() -> None:
    def linear(trial: Trial) -> nn.Module:
        return nn.Linear(5, trial.suggest_int("width", 3, 4))

    study = create_study(sampler="random", direction="maximize", seed=0)
    study.optimize(Objective(linear, Proxy(proxies.naswot, network("mlp")[1])), n_trials=2)
    assert study.best_value == -math.inf
    assert "naswot" in study.trials[1].user_attrs["unscored"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_batch_goes_where_the_network_is() -> None:
    net, batch = network("residual")
    on_gpu = Proxy(proxies.snip, batch)(net.cuda(), FixedTrial({}))
    assert on_gpu == pytest.approx(proxies.snip(net.cpu(), batch), rel=1e-3)
