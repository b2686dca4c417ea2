from functools import partial
import pickle
from typing import Any

import numpy as np
import optuna
import pytest
from sklearn.datasets import load_diabetes
from sklearn.datasets import load_digits
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torch.utils.data import TensorDataset

from optuna_nas.training import default_recipe
from optuna_nas.training import random_shift
from optuna_nas.training import Recipe
from optuna_nas.training import Rejected
from optuna_nas.training import score
from optuna_nas.training import Train
from optuna_nas.training import tuned_recipe
from tests.training.samples import blobs
from tests.training.samples import line
from tests.training.samples import net
from tests.training.samples import sgd
from tests.training.samples import train
from tests.training.samples import Trial
from tests.training.samples import weights


def test_it_returns_the_score_of_the_best_epoch_and_leaves_the_curve() -> None:
    trial = Trial()
    best = train(epochs=10)(net(), trial)
    assert best == max(trial.user_attrs["curve"]) > 0.9
    assert trial.reports == dict(enumerate(trial.user_attrs["curve"], start=1))
    assert trial.user_attrs["epochs"] == len(trial.user_attrs["curve"]) == 10
    assert trial.user_attrs["seconds"] > 0


def test_where_small_is_good_the_best_epoch_is_the_smallest() -> None:
    trial = Trial()
    evaluate = train(metric="loss", recipe=sgd(0.3))
    assert evaluate.direction == "minimize"
    assert evaluate(net(), trial) == min(trial.user_attrs["curve"])


def test_the_last_score_is_that_of_the_module_as_it_is_left() -> None:
    module, trial = net(), Trial()
    train()(module, trial)
    assert not module.training
    assert score(module, blobs(60, seed=1)) == trial.user_attrs["curve"][-1]


def test_it_computes_what_a_loop_written_by_hand_computes() -> None:
    x, y = map(torch.tensor, blobs())
    loader = DataLoader(TensorDataset(x, y), 32)
    recipe = sgd(0.1, label_smoothing=0.1, clip_norm=0.5, schedule=lambda progress: 1 - progress)
    ours, by_hand, steps = net(), net(), 3 * len(loader)
    Train(loader, loader, epochs=3, recipe=recipe)(ours, Trial())
    optimizer, step = torch.optim.SGD(by_hand.parameters(), lr=0.1), 0
    for _ in range(3):
        for start in range(0, 90, 32):
            optimizer.param_groups[0]["lr"] = 0.1 * (1 - (step + 0.5) / steps)
            outputs = by_hand(x[start : start + 32].float())
            loss = F.cross_entropy(outputs, y[start : start + 32], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(by_hand.parameters(), 0.5)
            optimizer.step()
            step += 1
    torch.testing.assert_close(weights(ours), weights(by_hand))


def of_the_last_layer(lr: float, **rest: Any) -> Any:
    def recipe(trial: Any, module: Any) -> Recipe:
        return Recipe(torch.optim.SGD(module[2].parameters(), lr=lr), **rest)

    return recipe


def test_gradients_outside_the_optimizer_are_not_counted_in_the_norm() -> None:
    part, frozen = net(), net()
    frozen.get_submodule("0").requires_grad_(False)
    for module in (part, frozen):
        train(recipe=of_the_last_layer(0.1, clip_norm=0.01), seed=0)(module, Trial())
    torch.testing.assert_close(weights(part), weights(frozen))


def test_gradients_outside_the_optimizer_do_not_pile_up() -> None:
    x, y = map(torch.tensor, blobs())
    trained, by_hand = net(), net()
    train(recipe=of_the_last_layer(0.0, batch_size=90))(trained, Trial())
    F.cross_entropy(by_hand(x.float()), y).backward()
    torch.testing.assert_close(*(m.get_parameter("0.weight").grad for m in (trained, by_hand)))


@pytest.mark.parametrize("recipe", [default_recipe, sgd(0.1, batch_size=32)])
def test_the_same_seed_and_number_train_bit_for_bit_the_same(recipe: Any) -> None:
    trained = []
    for _ in range(2):
        module, trial = net(), Trial(number=7)
        train(seed=3, recipe=recipe)(module, trial)
        trained.append((trial.user_attrs["curve"], weights(module).tolist()))
    assert trained[0] == trained[1]


def test_another_number_or_another_seed_trains_in_another_order() -> None:
    trained = set()
    for seed, number in ((3, 7), (3, 8), (4, 7)):
        module = net()
        train(seed=seed)(module, Trial(number=number))
        trained.add(float(weights(module).sum()))
    assert len(trained) == 3


def test_without_a_seed_the_order_follows_from_the_global_generator() -> None:
    trained = []
    for seed in (0, 0, 1):
        module = net()
        torch.manual_seed(seed)
        train()(module, Trial())
        trained.append(float(weights(module).sum()))
    assert trained[0] == trained[1] != trained[2]


def test_with_a_seed_the_global_generator_is_left_alone() -> None:
    module, evaluate = net(), train(seed=0)
    state = torch.get_rng_state()
    evaluate(module, Trial())
    assert torch.equal(state, torch.get_rng_state())


def test_augmentation_is_reproduced_too() -> None:
    data = np.random.default_rng(0).random((40, 1, 6, 6)), np.arange(40) % 2
    shifted = partial(default_recipe, augment=random_shift(1))
    curves = []
    for recipe in (shifted, shifted, default_recipe):
        torch.manual_seed(0)
        module, trial = nn.Sequential(nn.Flatten(), nn.Linear(36, 2)), Trial()
        Train(data, data, epochs=2, seed=0, recipe=recipe, metric="loss")(module, trial)
        curves.append(trial.user_attrs["curve"])
    assert curves[0] == curves[1] != curves[2]


def test_a_trial_that_should_be_pruned_is_and_keeps_its_curve() -> None:
    trial = Trial(prune_at=2)
    with pytest.raises(optuna.TrialPruned, match="stopped after epoch 2"):
        train(epochs=5)(net(), trial)
    assert trial.user_attrs["epochs"] == len(trial.user_attrs["curve"]) == 2
    assert trial.user_attrs["seconds"] > 0


def test_in_a_study_the_reports_are_its_intermediate_values() -> None:
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
    study.optimize(lambda trial: train()(net(), trial), n_trials=2)
    for trial in study.trials:
        assert trial.intermediate_values == dict(enumerate(trial.user_attrs["curve"], start=1))
        assert trial.value == max(trial.user_attrs["curve"])


def test_the_recipe_asks_the_same_trial() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(lambda trial: train(recipe=tuned_recipe)(net(), trial), n_trials=1)
    assert set(study.trials[0].params) == {"lr", "weight_decay", "batch_size"}


def test_a_loss_that_is_not_finite_rejects_the_trial_with_its_epoch() -> None:
    trial = Trial()
    with pytest.raises(Rejected, match=r"loss is (nan|inf) in epoch 1 of 3") as caught:
        Train(line(), line(), epochs=3, recipe=sgd(1e30))(net(outputs=1), trial)
    assert str(caught.value) == f"rejected: {caught.value.reason}"
    assert trial.user_attrs["curve"] == []
    assert trial.user_attrs["epochs"] == 0


def test_a_score_that_is_not_finite_rejects_the_trial() -> None:
    evaluate = train(metric=lambda outputs, targets: float("nan"), direction="maximize")
    with pytest.raises(Rejected, match="score is nan in epoch 1 of 3"):
        evaluate(net(), Trial())


class Greedy(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + torch.empty(2**55, device=x.device)[:2]


def test_running_out_of_memory_rejects_the_trial_and_holds_on_to_nothing() -> None:
    trial = Trial()
    with pytest.raises(Rejected, match="out of memory on cpu in epoch 1") as caught:
        train()(Greedy(4, 2), trial)
    assert caught.value.__context__ is None
    assert trial.user_attrs["epochs"] == 0


@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError, MemoryError])
def test_each_way_of_running_out_of_memory_is_known(error: type[Exception]) -> None:
    class Fails(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            raise error("no room")

    with pytest.raises(Rejected, match="out of memory on cpu in epoch 1: no room"):
        train()(Fails(4, 2), Trial())


def test_any_other_error_of_the_network_stays_what_it_is() -> None:
    trial = Trial()
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        train()(net(inputs=5), trial)
    assert trial.user_attrs["curve"] == []


def test_a_network_without_parameters_is_rejected() -> None:
    with pytest.raises(Rejected, match="nothing to train: the network has no parameters"):
        train()(nn.Identity(), Trial())


def test_a_last_batch_of_one_row_does_not_stop_batch_normalisation() -> None:
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
    assert Train(blobs(65), blobs(), epochs=20)(module, Trial()) > 0.8


def test_a_loss_of_ones_own_may_have_targets_of_any_shape() -> None:
    def loss(outputs: Tensor, y: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(outputs[:, 0], y.float())

    def right(outputs: Tensor, y: Tensor) -> Tensor:
        return ((outputs[:, 0] > 0) == y).float().mean()

    evaluate = train(epochs=10, recipe=sgd(0.3, loss=loss), metric=right, direction="maximize")
    assert evaluate(net(outputs=1), Trial()) > 0.9


def test_a_metric_of_ones_own_says_which_way_it_goes() -> None:
    def wrong(outputs: Tensor, y: Tensor) -> float:
        return int((outputs.argmax(1) != y).sum())

    trial = Trial()
    evaluate = train(metric=wrong, direction="minimize")
    assert evaluate.direction == "minimize"
    assert evaluate(net(), trial) == min(trial.user_attrs["curve"])


@pytest.mark.parametrize(
    ("data", "outputs", "metric"), [(blobs(), 2, "accuracy"), (line(), 1, "r2")]
)
def test_the_default_metric_follows_from_the_targets(data: Any, outputs: int, metric: str) -> None:
    default = Train(data, data, epochs=1, seed=0)
    named = Train(data, data, epochs=1, seed=0, metric=metric)
    assert default.direction == named.direction == "maximize"
    assert default(net(outputs=outputs), Trial()) == named(net(outputs=outputs), Trial())


def test_it_can_be_sent_to_a_worker() -> None:
    evaluate = train(seed=0, recipe=partial(default_recipe, augment=None))
    copy = pickle.loads(pickle.dumps(evaluate))
    assert copy(net(), Trial()) == evaluate(net(), Trial())


def test_the_data_are_left_as_they_were() -> None:
    x, y = blobs()
    before = x.copy(), y.copy()
    x.setflags(write=False)
    Train((x, y), (x, y), epochs=1)(net(), Trial())
    np.testing.assert_array_equal(before[0], x)
    np.testing.assert_array_equal(before[1], y)


def test_the_default_recipe_does_well_on_digits() -> None:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order] / 16, y[order]
    evaluate = Train((x[:1077], y[:1077]), (x[1077:], y[1077:]), epochs=20, seed=0)
    assert evaluate(net(inputs=64, outputs=10), Trial()) > 0.94


def test_the_default_recipe_does_well_on_a_regression() -> None:
    x, y = load_diabetes(return_X_y=True)
    x, y = x / x.std(0), (y - y.mean()) / y.std()
    evaluate = Train((x[:300], y[:300]), (x[300:], y[300:]), epochs=20, seed=0)
    assert evaluate(net(inputs=10, outputs=1), Trial()) > 0.4


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_trains_alike_and_is_still_usable_when_its_memory_ran_out() -> None:
    on_cpu, on_gpu = (train(device=d, seed=0, epochs=5)(net(), Trial()) for d in ("cpu", "cuda"))
    assert on_cpu == pytest.approx(on_gpu, abs=0.05)
    with pytest.raises(Rejected, match="out of memory on cuda"):
        train(device="cuda")(Greedy(4, 2), Trial())
    assert train(device="cuda", seed=0, epochs=5)(net(), Trial()) == on_gpu


@pytest.mark.parametrize(
    ("metric", "floats", "name"),
    [(None, False, "accuracy"), (None, True, "r2"), ("loss", False, "loss"), (max, True, "max")],
)
def test_it_is_called_as_its_score_is(metric: Any, floats: bool, name: str) -> None:
    x = torch.rand(8, 3)
    y = torch.rand(8) if floats else torch.arange(8) % 2
    direction = "maximize" if callable(metric) else None
    assert Train((x, y), (x, y), epochs=1, metric=metric, direction=direction).name == name


def test_a_network_that_was_trained_to_the_end_is_not_pruned() -> None:
    trial = Trial(prune_at=3)
    evaluate = train(epochs=3)
    assert evaluate(net(), trial) == max(trial.user_attrs["curve"])
    assert len(trial.user_attrs["curve"]) == 3
