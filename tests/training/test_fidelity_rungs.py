"""Training at one fidelity after the other."""

from functools import partial
import pickle
from threading import Lock
from typing import Any

import numpy as np
import optuna
import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas.pruners import ParetoSuccessiveHalvingPruner
from optuna_nas.space import smaller
from optuna_nas.training import Fidelity
from optuna_nas.training import Recipe
from optuna_nas.training import Rejected
from optuna_nas.training import Train
from tests.training.samples import blobs
from tests.training.samples import Listed
from tests.training.samples import net
from tests.training.samples import sgd
from tests.training.samples import Stream
from tests.training.samples import train
from tests.training.samples import Trial
from tests.training.samples import weights


THIRDS = [Fidelity(data=1 / 9), Fidelity(data=1 / 3), Fidelity()]


class Asked(Trial):
    """A trial that has params."""

    def __init__(self, params: Any = (), **rest: Any) -> None:
        super().__init__(**rest)
        self.params = dict(params)


def images(rows: int = 60, side: int = 8) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(rows) % 2
    return np.random.default_rng(0).random((rows, 1, side, side)) + y[:, None, None, None], y


def any_size() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )


def table(trial: Any) -> nn.Module:
    width = trial.suggest_categorical("width", [4, 8, 16])
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 2))


def test_steps_are_costs_in_percent_of_the_last() -> None:
    trial = Trial()
    value = train(fidelities=THIRDS)(net(), trial)
    assert list(trial.reports) == [11, 33, 100]
    assert value == trial.reports[100]


def test_the_attributes_say_what_each_fidelity_came_to() -> None:
    trial = Trial()
    train(epochs=9, fidelities=[Fidelity(data=1 / 3), Fidelity()])(net(), trial)
    low, high = trial.user_attrs["fidelities"]
    assert low["step"] == 33
    assert max(low["curve"]) == trial.reports[33]
    assert high["curve"] == trial.user_attrs["curve"]
    assert trial.user_attrs["seconds"] == low["seconds"] + high["seconds"] > 0
    assert (low["epochs"], high["epochs"]) == (9, 9)
    assert trial.user_attrs["epochs"] == 3 + 9  # of all rows


class Noisy(nn.Sequential):
    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))


@pytest.mark.parametrize("seed", [None, 3])
def test_the_last_training_is_bit_for_bit_what_it_would_be_alone(seed: int | None) -> None:
    alone, after = Noisy(), Noisy()
    trials = Trial(), Trial()
    for module, trial, fidelities in zip((alone, after), trials, ([], THIRDS), strict=True):
        torch.manual_seed(5)
        train(seed=seed, metric="loss", fidelities=fidelities)(module, trial)
    assert trials[0].user_attrs["curve"] == trials[1].user_attrs["curve"]
    assert torch.equal(weights(alone), weights(after))


def test_a_trial_that_should_be_pruned_stops_between_two_fidelities() -> None:
    trial, module = Trial(prune_at=33), net()
    before = weights(module)
    message = r"stopped after fidelity 2 of 3, 33 % of the cost"
    with pytest.raises(optuna.TrialPruned, match=message):
        train(fidelities=THIRDS)(module, trial)
    assert [told["step"] for told in trial.user_attrs["fidelities"]] == [11, 33]
    assert trial.user_attrs["curve"] == trial.user_attrs["fidelities"][-1]["curve"]
    assert torch.equal(before, weights(module))


def test_what_was_trained_at_all_fidelities_is_not_pruned() -> None:
    assert train(fidelities=THIRDS)(net(), Trial(prune_at=100)) > 0.5


def test_a_single_fidelity_reports_each_epoch() -> None:
    trial = Trial()
    value = train(epochs=4, fidelities=[Fidelity(data=0.5, epochs=2)])(net(), trial)
    assert list(trial.reports) == [1, 2]
    assert value == max(trial.user_attrs["curve"])
    assert trial.user_attrs["epochs"] == 2


def test_it_trains_on_the_share_and_is_scored_on_all_of_valid() -> None:
    seen: dict[bool, int] = {True: 0, False: 0}

    class Counts(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            seen[self.training] += len(x)
            return super().forward(x)

    train(epochs=1, fidelities=[Fidelity(data=0.2)])(Counts(4, 2), Trial())
    assert seen == {True: 18, False: 60}


def test_images_are_smaller_in_train_and_valid() -> None:
    seen = set()

    class Looks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = any_size()

        def forward(self, x: Tensor) -> Tensor:
            seen.add((x.shape[-1], self.training))
            return self.body(x)

    trial = Trial()
    fidelities = [Fidelity(image_size=4), Fidelity()]
    Train(images(), images(), epochs=1, fidelities=fidelities)(Looks(), trial)
    assert seen == {(4, True), (4, False), (8, True), (8, False)}
    assert list(trial.reports) == [25, 100]


def test_a_network_that_cannot_take_the_smaller_images_is_rejected() -> None:
    fixed = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    evaluate = Train(images(), images(), epochs=1, fidelities=[Fidelity(image_size=4), Fidelity()])
    with pytest.raises(Rejected, match=r"cannot run on images of 4x4, which a fidelity resizes"):
        evaluate(fixed, Trial())


def test_a_proxy_network_is_trained_in_the_candidates_place() -> None:
    trained = []

    def recipe(trial: Any, module: nn.Module) -> Recipe:
        trained.append(module[0].out_features)
        return sgd(0.1)(trial, module)

    fidelities = [Fidelity(network=smaller(table, {"width": 0.5}), cost=0.3), Fidelity()]
    module, trial = table(optuna.trial.FixedTrial({"width": 16})), Asked({"width": 16, "lr": 1.0})
    train(recipe=recipe, fidelities=fidelities)(module, trial)
    assert trained == [8, 16]
    assert list(trial.reports) == [30, 100]


def test_a_fixed_trials_params_reach_the_proxy_network_before_they_are_asked() -> None:
    seen: list[Any] = []

    def network(params: Any) -> nn.Module:
        seen.append(dict(params))
        return net()

    at = train(epochs=1, fidelities=[Fidelity(network=network)])
    at(net(), optuna.trial.FixedTrial({"width": 16}))
    assert seen == [{"width": 16}]


def test_a_candidate_that_runs_out_of_memory_is_rejected_with_what_was_done() -> None:
    class Greedy(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + torch.empty(2**55)[:2]

    trial = Trial()
    with pytest.raises(Rejected, match="out of memory on cpu in epoch 1"):
        train(fidelities=THIRDS)(Greedy(4, 2), trial)
    assert trial.user_attrs["epochs"] == 0
    assert [told["curve"] for told in trial.user_attrs["fidelities"]] == [[]]


def test_why_a_candidate_cannot_be_copied_is_said() -> None:
    module = any_size()
    module.lock = Lock()
    with pytest.raises(TypeError, match=r"cannot pickle '_thread\.lock' object"):
        Train(images(), images(), epochs=1, fidelities=THIRDS)(module, Trial())


def test_fewer_epochs_need_no_rows_in_memory() -> None:
    trial, fidelities = Trial(), [Fidelity(epochs=1), Fidelity()]
    data = Listed(*blobs())
    Train(data, data, epochs=4, fidelities=fidelities)(net(), trial)
    assert list(trial.reports) == [25, 100]
    stream = Train(
        Stream(), Stream(), epochs=4, metric="loss", fidelities=fidelities, direction="minimize"
    )
    assert stream(net(), Trial()) > 0


def test_it_can_be_sent_to_a_worker() -> None:
    evaluate = train(seed=0, fidelities=THIRDS)
    copy = pickle.loads(pickle.dumps(evaluate))
    assert copy(net(), Trial()) == evaluate(net(), Trial())


def test_the_recipes_attributes_go_to_the_trial() -> None:
    def recipe(trial: Any, module: nn.Module) -> Recipe:
        trial.set_user_attr("recipe", "mine")
        return sgd(0.1)(trial, module)

    trial = Trial()
    train(recipe=recipe, fidelities=THIRDS)(net(), trial)
    assert trial.user_attrs["recipe"] == "mine"


@pytest.mark.parametrize(
    "pruner",
    [
        optuna.pruners.SuccessiveHalvingPruner(min_resource=11, reduction_factor=3),
        ParetoSuccessiveHalvingPruner(min_resource=11),
        ParetoSuccessiveHalvingPruner(rungs=[11, 33]),
    ],
)
def test_successive_halving_takes_the_fidelities_as_rungs(pruner: Any) -> None:
    study = create_study(sampler="random", pruner=pruner, direction="maximize", seed=0)
    study.optimize(Objective(table, train(epochs=1, fidelities=THIRDS)), n_trials=12)
    steps = [tuple(trial.intermediate_values) for trial in study.trials]
    assert set(steps) == {(11,), (11, 33), (11, 33, 100)}
    assert steps.count((11,)) > 4


def test_successive_halving_works_with_several_objectives() -> None:
    study = create_study(
        sampler="random",
        pruner=ParetoSuccessiveHalvingPruner(rungs=[11, 33]),
        directions=["maximize", "minimize"],
        seed=0,
    )
    evaluate = train(epochs=1, fidelities=THIRDS)
    study.optimize(Objective(table, evaluate, metrics.Parameters()), n_trials=12)
    reached = [list(trial.user_attrs["reports"]) for trial in study.trials]
    assert ["11"] in reached
    assert ["11", "33", "100"] in reached


def test_fidelities_that_do_not_cost_more_and_more_are_refused() -> None:
    message = r"each of fidelities must cost at least a percent .* but they cost \[200, 100\] %"
    with pytest.raises(ValueError, match=message):
        train(fidelities=[Fidelity(), Fidelity(data=0.5)])
    same = [Fidelity(network=smaller(table, {"width": 8})), Fidelity()]
    with pytest.raises(ValueError, match=r"\[100, 100\] %.* of a proxy network say what it costs"):
        train(fidelities=same)


def test_what_is_no_list_of_fidelities_is_refused() -> None:
    for fidelities in ([0.5, 1.0], Fidelity(), None):
        with pytest.raises(TypeError, match=r"fidelities must be a list of training\.Fidelity"):
            train(fidelities=fidelities)


def test_a_budget_does_not_go_with_fidelities() -> None:
    message = r"fidelities need resource='epochs', but resource is 'seconds'"
    with pytest.raises(ValueError, match=message):
        train(resource="seconds", budget=1, fidelities=THIRDS)


def test_a_proxy_network_that_is_no_module_is_refused() -> None:
    evaluate = train(fidelities=[Fidelity(network=partial(dict), cost=0.1), Fidelity()])
    message = r"network of a Fidelity must give an nn\.Module, but gave \{'width': 4\} \(dict\)"
    with pytest.raises(TypeError, match=message):
        evaluate(net(), Asked({"width": 4}))


def test_a_search_space_in_the_place_of_a_proxy_network_is_refused_with_the_remedy() -> None:
    at = train(fidelities=[Fidelity(network=table, cost=0.1), Fidelity()])
    message = r"but it asks them for 'suggest_categorical', .* space\.smaller\(network"
    with pytest.raises(TypeError, match=message):
        at(net(), Asked({"width": 8}))


def test_a_bug_in_a_proxy_network_is_its_own() -> None:
    at = train(fidelities=[Fidelity(network=lambda params: net().nope, cost=0.1), Fidelity()])
    with pytest.raises(AttributeError, match=r"nope"):
        at(net(), Asked())
