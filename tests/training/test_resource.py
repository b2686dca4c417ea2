from collections.abc import Callable
from itertools import pairwise
import pickle
from typing import Any

import optuna
import pytest
import torch
from torch import nn
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import TensorDataset

from optuna_nas.metrics import Flops
from optuna_nas.training import _train
from optuna_nas.training import default_recipe
from optuna_nas.training import generator_for
from optuna_nas.training import Rejected
from optuna_nas.training import score
from optuna_nas.training import Train
from optuna_nas.training._points import train_points
from optuna_nas.training._resource import Pace
from tests.training.samples import blobs
from tests.training.samples import Listed
from tests.training.samples import net
from tests.training.samples import sgd
from tests.training.samples import Stream
from tests.training.samples import Trial
from tests.training.samples import weights


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(_train, "perf_counter", clock)
    return clock


class Timed(nn.Module):
    """A network whose rows take so many seconds, three times as many to train on as to score."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__()
        self.body, self.clock, self.seconds = net(), clock, seconds
        self.trained = self.scored = 0

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.trained += len(x)
            self.clock.now += 3 * len(x) * self.seconds
        else:
            self.scored += len(x)
            self.clock.now += len(x) * self.seconds
        return self.body(x)


class Heavy(nn.Module):
    """Has 12 MFLOPs a row where they are counted, on the meta device, and few on the CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.body = net()
        self.trained = 0

    def forward(self, x: Tensor) -> Tensor:
        if x.is_meta:
            x.new_empty(len(x), 1000) @ x.new_empty(1000, 6000)
        self.trained += len(x) * self.training
        return self.body(x)


FORWARD = Flops(torch.rand(1, 4)).measure(Heavy())


def gflops(rows: float) -> float:
    return 3 * FORWARD * rows / 1e9


def train(rows: int = 90, valid: int = 10, **rest: Any) -> Train:
    """In batches of ten rows."""
    given = {"recipe": sgd(0.05, batch_size=10), "seed": 0, "device": "cpu", **rest}
    return Train(blobs(rows), blobs(valid, seed=1), **given)


# Seconds


def test_reports_are_at_whole_seconds_also_within_an_epoch(clock: Clock) -> None:
    trial = Trial()
    best = train(epochs=1, resource="seconds")(Timed(clock, 0.05), trial)  # 1.5 s a batch
    assert len(trial.reports) > 4
    assert all(type(step) is int for step in trial.reports)
    assert list(trial.reports) == sorted(trial.reports) == trial.user_attrs["steps"]
    assert list(trial.reports.values()) == trial.user_attrs["curve"]
    assert best == max(trial.user_attrs["curve"])
    assert trial.user_attrs["epochs"] == 1
    assert trial.user_attrs["seconds"] >= max(trial.reports)


def test_as_many_seconds_train_a_deep_network_for_fewer_epochs(clock: Clock) -> None:
    attrs = []
    for seconds in (0.02, 0.1):
        trial = Trial()
        train(resource="seconds", budget=100)(Timed(clock, seconds), trial)
        attrs.append(trial.user_attrs)
    assert [attr["steps"][-1] for attr in attrs] == pytest.approx([100, 100], abs=3)
    assert attrs[0]["epochs"] > 3 * attrs[1]["epochs"] > 0


@pytest.mark.parametrize("seconds", [0.01, 0.1, 0.2])
@pytest.mark.parametrize("valid", [10, 40, 90])
def test_scores_are_a_second_a_tenth_and_the_rows_of_valid_apart(
    clock: Clock, seconds: float, valid: int
) -> None:
    module, seen = Timed(clock, seconds), []

    class Watching(Trial):
        def report(self, value: float, step: int) -> None:
            super().report(value, step)
            seen.append((clock.now - 100, module.trained))

    train(valid=valid, resource="seconds", budget=100)(module, Watching())
    assert len(seen) > 1
    for (before, rows), (now, more) in pairwise(seen[:-1]):
        trained = now - valid * seconds
        assert trained - before >= max(1, 0.1 * trained) - 1e-6
        assert more - rows >= valid
    assert module.scored - valid <= module.trained


def test_a_score_is_reported_at_the_seconds_before_it_was_computed(clock: Clock) -> None:
    trial = Trial()
    train(rows=20, valid=100, epochs=1, resource="seconds")(Timed(clock, 0.1), trial)
    assert list(trial.reports) == [6]
    assert trial.user_attrs["seconds"] == pytest.approx(6 + 10)


@pytest.mark.parametrize("budget", [7, 7.5, 20, 31.4])
def test_training_ends_at_the_budget_in_mid_epoch_too(clock: Clock, budget: float) -> None:
    module, trial = Timed(clock, 1 / 300), Trial()
    train(valid=1, resource="seconds", budget=budget)(module, trial)
    assert max(trial.reports) == int(budget)
    assert budget <= trial.user_attrs["seconds"] <= budget + 0.11


@pytest.mark.parametrize(("epochs", "trained"), [(2, 180), (10, 300)])
def test_epochs_or_the_budget_end_it_whichever_comes_first(
    clock: Clock, epochs: int, trained: int
) -> None:
    module, trial = Timed(clock, 1 / 3), Trial()
    train(valid=1, epochs=epochs, resource="seconds", budget=310)(module, trial)
    assert module.trained == pytest.approx(trained, abs=10)
    assert trial.user_attrs["epochs"] == module.trained // 90


def test_where_less_than_a_second_passes_there_is_one_score_at_the_end(clock: Clock) -> None:
    module, trial = Timed(clock, 0.0001), Trial()
    train(epochs=3, resource="seconds")(module, trial)
    assert module.trained == 270
    assert list(trial.reports) == trial.user_attrs["steps"] == [0]


def test_no_step_is_reported_twice(clock: Clock) -> None:
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
    evaluate = train(rows=40, valid=1, epochs=1, resource="seconds")
    # A score after 1.2 seconds and one at the end, after 1.6; Optuna's warning would be an error.
    study.optimize(lambda trial: evaluate(Timed(clock, 0.4 / 30), trial), n_trials=1)
    trial = study.trials[0]
    assert trial.user_attrs["steps"] == [1, 1]
    assert trial.intermediate_values == {1: trial.user_attrs["curve"][0]}
    assert trial.value == max(trial.user_attrs["curve"])


def test_a_stream_is_trained_by_seconds(clock: Clock) -> None:
    trial = Trial()
    evaluate = Train(
        Stream(), Stream(), resource="seconds", budget=50, metric="accuracy", device="cpu"
    )
    assert evaluate(Timed(clock, 0.02), trial) == max(trial.user_attrs["curve"])
    assert max(trial.reports) == pytest.approx(50, abs=5)


# FLOPs


def test_steps_are_gflops_of_forward_and_backward_and_the_same_each_time() -> None:
    trials = []
    for _ in range(2):
        trial = Trial()
        train(epochs=2, resource="flops")(Heavy(), trial)
        trials.append((trial.reports, trial.user_attrs["steps"]))
    assert trials[0] == trials[1]
    *steps, last = trials[0][0]
    assert last == int(gflops(180)) == 6
    assert steps == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("rows", [10, 40, 90, 135, 180])
def test_a_budget_of_flops_is_never_exceeded_and_used_up(rows: int) -> None:
    module, trial = Heavy(), Trial()
    train(resource="flops", budget=gflops(rows))(module, trial)
    assert module.trained == rows // 10 * 10
    assert max(trial.reports) == int(gflops(module.trained))
    assert trial.user_attrs["epochs"] == rows // 90
    assert not module.training


def test_one_batch_is_trained_on_whatever_the_budget() -> None:
    module = Heavy()
    before, trial = weights(module), Trial()
    train(resource="flops", budget=1e-3)(module, trial)
    assert not torch.equal(weights(module), before)
    assert list(trial.reports) == [0]
    assert trial.user_attrs["epochs"] == 0


@pytest.mark.parametrize("kind", [tuple, lambda pair: Listed(*pair)])
def test_without_a_budget_it_trains_as_with_epochs(kind: Callable[[Any], Any]) -> None:
    trained = []
    for resource in ("epochs", "flops"):
        module, trial = Heavy(), Trial()
        data = kind(blobs()), kind(blobs(10, seed=1))
        recipe = sgd(0.05, batch_size=10, schedule=lambda progress: 1 - progress)
        Train(*data, epochs=2, resource=resource, recipe=recipe, seed=0, device="cpu")(
            module, trial
        )
        trained.append((weights(module).tolist(), trial.user_attrs["curve"][-1]))
    assert trained[0] == trained[1]


class NoFlops(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.scale)[:, :2]


class Odd(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (1 if x.sum() > 0 else 2)


def test_a_network_whose_flops_cannot_be_counted_is_rejected() -> None:
    evaluate = train(epochs=1, resource="flops")
    with pytest.raises(Rejected, match=r"resource='flops': the network has no FLOPs that are"):
        evaluate(NoFlops(), Trial())
    with pytest.raises(Rejected, match=r"resource='flops': FLOPs cannot be counted: .*meta"):
        evaluate(Odd(4, 2), Trial())


# Either


def schedules(evaluate: Callable[[Any], Train], module: nn.Module) -> list[float]:
    asked: list[float] = []

    def schedule(progress: float) -> float:
        asked.append(progress)
        return 1 - progress

    evaluate(sgd(0.05, batch_size=10, schedule=schedule))(module, Trial())
    return asked


def test_the_schedule_spans_the_budget() -> None:
    budget = gflops(135)
    asked = schedules(lambda r: train(recipe=r, resource="flops", budget=budget), Heavy())
    assert asked == pytest.approx([(10 * batch + 5) / 135 for batch in range(13)])


def test_the_schedule_spans_the_epochs_if_they_end_first() -> None:
    asked = schedules(lambda r: train(recipe=r, epochs=1, resource="flops", budget=99), Heavy())
    assert asked == pytest.approx([(batch + 0.5) / 9 for batch in range(9)])


def test_the_schedule_follows_the_clock(clock: Clock) -> None:
    asked = schedules(
        lambda r: train(valid=1, recipe=r, resource="seconds", budget=60), Timed(clock, 0.1)
    )
    assert asked == sorted(asked)
    assert asked[0] == 0
    assert 0.9 < asked[-1] < 1


@pytest.mark.parametrize("budget", [9, 18, 20, 30.5])
def test_the_module_is_left_as_it_was_scored_last(clock: Clock, budget: float) -> None:
    module, trial = Timed(clock, 0.1), Trial()
    train(valid=40, resource="seconds", budget=budget)(module, trial)
    assert not module.training
    assert score(module, blobs(40, seed=1)) == trial.user_attrs["curve"][-1]


def test_a_trial_that_should_be_pruned_is_in_mid_epoch_and_keeps_its_curve(clock: Clock) -> None:
    trial = Trial(prune_at=10)
    with pytest.raises(optuna.TrialPruned, match=r"stopped after 1\d seconds"):
        train(epochs=5, resource="seconds")(Timed(clock, 0.1), trial)
    assert trial.user_attrs["epochs"] == 0
    assert list(trial.reports) == trial.user_attrs["steps"]
    trial = Trial(prune_at=1)
    with pytest.raises(optuna.TrialPruned, match="stopped after 1 GFLOPs"):
        train(epochs=5, resource="flops")(Heavy(), trial)


def test_successive_halving_has_its_rungs_in_seconds(clock: Clock) -> None:
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=10, reduction_factor=2)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for lr in (0.1, 0.1, 0.0):
        evaluate = train(recipe=sgd(lr, batch_size=10), resource="seconds", budget=100)
        study.optimize(lambda trial, run=evaluate: run(Timed(clock, 0.1), trial), n_trials=1)
    assert study.trials[0].state == optuna.trial.TrialState.COMPLETE
    assert study.trials[2].state == optuna.trial.TrialState.PRUNED
    assert 10 <= study.trials[2].last_step <= 13


def test_the_loss_is_the_mean_over_the_rows_since_the_last_score() -> None:
    module = net()
    points = train_points(
        module,
        blobs(),
        recipe=sgd(0.0, batch_size=10)(None, module),
        epochs=1,
        pace=Pace(lambda rows, epochs: rows, within_epochs=True, between=30),
        generator=generator_for(0),
        device="cpu",
    )
    losses = {point.step: point.loss for point in points}
    assert list(losses) == [30, 60, 90]
    assert sum(losses.values()) / 3 == pytest.approx(score(module, blobs(), "loss"), rel=1e-5)


def test_a_loss_that_is_not_finite_rejects_in_mid_epoch(clock: Clock) -> None:
    module = Timed(clock, 0.1)
    nn.init.constant_(module.body[0].weight, float("nan"))
    with pytest.raises(Rejected, match=r"loss is nan in epoch 1$"):
        train(resource="seconds", budget=100)(module, Trial())
    assert module.trained == 10


def test_running_out_of_memory_says_after_how_much(clock: Clock) -> None:
    class Grows(Timed):
        def forward(self, x: Tensor) -> Tensor:
            if self.trained > 50:
                raise MemoryError("no room")
            return super().forward(x)

    with pytest.raises(Rejected, match=r"out of memory on cpu after \d\d seconds: no room"):
        train(epochs=1, resource="seconds")(Grows(clock, 0.1), Trial())


def test_it_can_be_sent_to_a_worker() -> None:
    evaluate = train(resource="flops", budget=9, recipe=default_recipe)
    assert pickle.loads(pickle.dumps(evaluate))(Heavy(), Trial()) == evaluate(Heavy(), Trial())


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resource": "second"}, r"'flops'\], but is 'second'\. Did you mean 'seconds'\?"),
        ({"resource": "FLOPs"}, r"but is 'FLOPs'\. Did you mean 'flops'\?"),
        ({"resource": None}, r"must be one of \['epochs', 'seconds', 'flops'\], but is None\."),
        ({"resource": "seconds"}, r"'seconds' needs a budget in seconds, or epochs: without both"),
        ({"resource": "flops"}, r"resource='flops' needs a budget in GFLOPs, or epochs"),
        ({"budget": 5, "epochs": 5}, r"budget must be None with resource='epochs', but is 5\."),
        ({"resource": "flops", "budget": 0}, r"budget must be .* above 0 GFLOPs, but got 0\."),
        ({"resource": "seconds", "budget": -1.5}, r"above 0 seconds, but got -1\.5\."),
        ({"resource": "seconds", "budget": float("nan")}, r"above 0 seconds, but got nan\."),
        ({"resource": "seconds", "budget": float("inf")}, r"above 0 seconds, but got inf\."),
        ({"resource": "seconds", "budget": "60"}, r"above 0 seconds, but got '60'\."),
        ({"resource": "seconds", "budget": True}, r"above 0 seconds, but got True\."),
        (
            {"resource": "seconds", "budget": 5, "epochs": 0},
            r"epochs must be an int .* but got 0\.",
        ),
        ({}, r"epochs must be an int of at least 1, but got None\."),
    ],
)
def test_what_is_no_resource_or_no_budget_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train(**arguments)


def test_the_flops_of_a_stream_are_refused_with_the_remedy() -> None:
    with pytest.raises(
        ValueError, match=r"resource='flops' needs rows of X .* Give resource='seconds'\."
    ):
        Train(Stream(), Stream(), resource="flops", budget=1, metric="accuracy")


def test_a_loader_without_batches_is_refused_and_not_waited_for(clock: Clock) -> None:
    x, y = map(torch.tensor, blobs())
    empty = DataLoader(TensorDataset(x, y), 100, drop_last=True)
    with pytest.raises(ValueError, match="train gave no batches"):
        Train(empty, blobs(), resource="seconds", budget=5)(net(), Trial())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_takes_as_many_flops_and_the_seconds_it_is_given() -> None:
    steps = []
    for device in ("cpu", "cuda"):
        trial = Trial()
        train(epochs=2, resource="flops", device=device)(Heavy(), trial)
        steps.append(trial.user_attrs["steps"])
    assert steps[0] == steps[1]
    train(resource="seconds", budget=2, device="cuda")(net(), trial)
    assert trial.user_attrs["steps"][-1] >= 2
