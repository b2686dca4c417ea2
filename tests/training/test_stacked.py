from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_nas import ops
from optuna_nas.training import constant
from optuna_nas.training import cosine
from optuna_nas.training import random_shift
from optuna_nas.training import Recipe
from optuna_nas.training import Rejected
from optuna_nas.training import Train
from optuna_nas.training._recipe import adamw
from optuna_nas.training._seeds import generator_for
from optuna_nas.training._stacked_groups import groups
from optuna_nas.training._stacked_loop import Member
from optuna_nas.training._stacked_module import Stack
from optuna_nas.training._stacked_probe import objection
from optuna_nas.training._stacked_train import resident
from optuna_nas.training._stacked_train import train_together
from tests.training.samples import Listed
from tests.training.samples import Trial


K = 5
Make = Callable[[int], nn.Module]


def images(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(rows) % 3)
    return (rng.normal(size=(rows, 1, 4, 4)) + y[:, None, None, None]).astype("float32"), y


def mlp(i: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.GELU(), nn.Linear(8, 3))


def cnn(i: int) -> nn.Module:
    block = nn.Sequential(ops.conv_bn(4, 4, 3, groups=2), nn.ReLU(), nn.MaxPool2d(2))
    head = (ops.Residual(ops.conv_bn(4, 4, 3)), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(ops.conv_bn(1, 4, 3), block, *head, nn.Linear(4, 3))


def transformer(i: int) -> nn.Module:
    attention = ops.Residual(nn.Sequential(nn.LayerNorm(8), ops.SelfAttention(8, 2, 4)))
    positions = ops.positional_encodings(4, 8)
    body = (ops.Patches(1, 8, 2), positions["learned"](), positions["sinusoidal"](), attention)
    return nn.Sequential(*body, ops.Mean(), nn.Linear(8, 3))


def widths(i: int) -> nn.Module:
    """One for each member, with a batch normalization's statistics."""
    w = 4 + 3 * i
    layer = nn.Sequential(nn.Linear(w, 2 * w, bias=False), nn.BatchNorm1d(2 * w), nn.SiLU())
    return nn.Sequential(nn.Flatten(), nn.Linear(16, w), nn.Tanh(), layer, nn.Linear(2 * w, 3))


def with_idle_bias(i: int) -> nn.Module:
    """A bias before a batch normalization, which takes it away again."""
    w = 4 + 3 * i
    return nn.Sequential(nn.Flatten(), nn.Linear(16, w), nn.BatchNorm1d(w), nn.Linear(w, 3))


class Double(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.double()


def with_unused(i: int) -> nn.Module:
    """A layer whose weights get no gradient, so that nothing may decay them."""

    class First(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.taken, self.other = mlp(i), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Any:
            return self.taken(x)

    return First()


def tuned(kind: str = "adamw", **rest: Any) -> Callable[[Any, nn.Module], Recipe]:
    """A rate and a decay of each trial's own."""

    def recipe(trial: Any, module: nn.Module) -> Recipe:
        lr, decay = 0.003 * (1 + trial.number % 3), 0.1 * trial.number
        parameters = list(module.parameters())
        made: torch.optim.Optimizer
        if kind == "adamw":
            made = adamw(parameters, lr=lr, weight_decay=decay)
        elif kind == "sgd":
            made = torch.optim.SGD(parameters, lr=lr, momentum=0.9, weight_decay=decay)
        elif kind == "two groups":
            biases = [p for p in parameters if p.ndim < 2]
            matrices = [p for p in parameters if p.ndim >= 2]
            split: list[dict[str, Any]] = [
                {"params": matrices, "lr": lr},
                {"params": biases, "weight_decay": 0.0},
            ]
            made = torch.optim.AdamW(split, lr=2 * lr, weight_decay=decay)
        else:
            made = getattr(torch.optim, kind)(parameters, lr=lr)
        schedule = cosine(warmup=0.2) if trial.number % 2 else constant
        return Recipe(made, schedule=schedule, batch_size=20, **rest)

    return recipe


def training(**rest: Any) -> Train:
    """Ten steps: two epochs of five."""
    given: dict[str, Any] = {"epochs": 2, "device": "cpu", "seed": 0, "recipe": tuned()}
    return Train(images(100), images(40, seed=1), **{**given, **rest})


def members(train: Train, make: Make, prune: dict[int, int] | None = None) -> list[Member]:
    made = []
    for i in range(K):
        torch.manual_seed(i)
        trial, module = Trial(i, (prune or {}).get(i)), make(i)
        assert train.seed is not None
        generator = generator_for(train.seed, i)
        made.append(Member(module, trial, train.recipe(trial, module), generator))
    return made


def alone(train: Train, of: list[Member]) -> tuple[list[nn.Module], list[Trial], list[Any]]:
    """The same candidates, by ``Train`` itself."""
    modules = [deepcopy(member.module) for member in of]
    trials = [Trial(m.trial.number, m.trial.prune_at) for m in of]
    values: list[Any] = []
    for module, trial in zip(modules, trials, strict=True):
        try:
            values.append(train(module, trial))
        except Exception as error:
            values.append(error)
    return modules, trials, values


def assert_as_alone(train: Train, of: list[Member]) -> list[Any]:
    modules, trials, values = alone(train, of)
    together = train_together(train, of)
    for member, module, trial, value, got in zip(
        of, modules, trials, values, together, strict=True
    ):
        if isinstance(value, Exception):
            assert (type(got), str(got)) == (type(value), str(value))
        else:
            assert got == pytest.approx(value, abs=1e-5)
        assert member.trial.reports == pytest.approx(trial.reports, abs=1e-5)
        assert member.trial.user_attrs.keys() == trial.user_attrs.keys()
        assert member.trial.user_attrs["curve"] == pytest.approx(
            trial.user_attrs["curve"], abs=1e-5
        )
        assert member.trial.user_attrs["epochs"] == trial.user_attrs["epochs"]
        state, own = module.state_dict(), member.module.state_dict()
        apart = {name: float((own[name] - state[name]).abs().max()) for name in state}
        assert max(apart.values()) < 1e-5 or isinstance(value, Rejected), apart
        assert not member.module.training
    return together


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (mlp, "adamw"),
        (cnn, "adamw"),
        (transformer, "sgd"),
        (widths, "adamw"),
        (with_unused, "adamw"),
    ],
)
def test_ten_steps_of_each_member_are_those_of_its_own_training(make, kind):
    train = training(metric="loss", recipe=tuned(kind))
    assert_as_alone(train, members(train, make))


@pytest.mark.parametrize("make", [cnn, transformer, with_idle_bias])
def test_in_double_precision_adam_takes_the_same_steps_on_weights_without_effect_too(make):
    """Their gradients are zero but for rounding, which Adam makes steps of."""

    def double(i: int) -> nn.Module:
        return nn.Sequential(Double(), make(i)).double()

    train = training(metric="loss")
    assert_as_alone(train, members(train, double))


@pytest.mark.parametrize(
    "kind", ["sgd", "two groups", "Adam", "NAdam", "RAdam", "RMSprop", "Adamax", "Adadelta"]
)
def test_each_of_torchs_optimizers_takes_the_same_steps_on_rows(kind):
    train = training(metric="loss", recipe=tuned(kind))
    assert_as_alone(train, members(train, widths))


def test_clipping_smoothing_augmentation_and_a_loss_of_ones_own_are_each_members():
    rest = {"clip_norm": 0.5, "label_smoothing": 0.1, "augment": random_shift(1)}
    train = training(metric="loss", recipe=tuned("sgd", **rest))
    assert_as_alone(train, members(train, mlp))
    train = training(recipe=tuned(loss=nn.CrossEntropyLoss(label_smoothing=0.2)))
    assert_as_alone(train, members(train, mlp))


def test_weights_outside_the_optimizer_are_neither_clipped_nor_counted():
    def last(trial: Any, module: nn.Module) -> Recipe:
        assert isinstance(module, nn.Sequential)
        sgd = torch.optim.SGD(module[3].parameters(), lr=0.1)
        return Recipe(sgd, batch_size=20, clip_norm=0.05)

    train = training(metric="loss", recipe=last)
    assert_as_alone(train, members(train, mlp))


class EachOther(nn.Module):
    """Uses its layers by turns."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(16, 3), nn.Linear(16, 3)])
        self.calls: list[int] = []

    def forward(self, x):
        self.calls.append(0)
        return self.layers[len(self.calls) % 2](x.flatten(1))


def test_weights_that_come_and_go_from_step_to_step_are_an_error():
    of = members(training(), lambda i: EachOther())
    with pytest.raises(RuntimeError, match=r"from step to step: layers\.0\.bias.*study\.optimize"):
        train_together(training(), of)


@pytest.mark.parametrize("kind", ["adamw", "sgd", "two groups", "NAdam"])
def test_members_that_are_pruned_leave_the_others_as_they_are(kind):
    train = training(epochs=4, metric="loss", recipe=tuned(kind))
    values = assert_as_alone(train, members(train, widths, prune={0: 2, 1: 1, 4: 3}))
    assert [type(value).__name__ for value in values[:2]] == ["TrialPruned", "TrialPruned"]
    assert all(isinstance(value, float) for value in values[2:4])


def test_a_member_whose_loss_is_no_number_is_rejected_alone():
    train = training(metric="loss")
    of = members(train, mlp)
    with torch.no_grad():
        next(of[2].module.parameters()).fill_(float("nan"))
    values = assert_as_alone(train, of)
    assert str(values[2]) == "rejected: loss is nan in epoch 1 of 2"
    assert sum(isinstance(value, float) for value in values) == K - 1


def test_a_regression_is_scored_as_alone():
    x, _ = images(100)
    y = x.reshape(100, -1)[:, :3] ** 2
    train = Train((x, y), (x, y), epochs=2, device="cpu", seed=0, recipe=tuned())
    assert_as_alone(train, members(train, mlp))


def test_rates_of_dropout_may_differ_and_a_rate_of_zero_is_no_dropout():
    def make(i: int) -> nn.Module:
        rate = 0.0 if i == 0 else 0.15 * i
        return nn.Sequential(nn.Flatten(), nn.Linear(16, 64), nn.Dropout(rate), nn.Linear(64, 3))

    train = training(epochs=6, metric="loss")
    of = members(train, make)
    modules, _, values = alone(train, of)
    together, left = groups(of)
    assert [len(group) for group in together] == [K]
    assert not left
    torch.manual_seed(0)
    got = train_together(train, of)
    assert got[0] == pytest.approx(values[0], abs=1e-5)
    for value, other in zip(values[1:], got[1:], strict=True):
        assert value != other
    assert np.mean(got) == pytest.approx(np.mean(values), abs=0.05)
    assert [type(part) for part in of[1].module] == [type(part) for part in modules[1]]


def test_a_dropout_that_is_held_twice_has_each_members_rate_in_both_places():
    def make(i: int) -> nn.Module:
        drop = nn.Dropout([0.0, 0.9][i])
        return nn.Sequential(nn.Linear(4, 64), drop, nn.Linear(64, 64, bias=False), drop)

    stack = Stack([make(0), make(1)])
    stack.train(True)
    torch.manual_seed(0)
    out = stack(lambda forward, x: forward(x), torch.ones(200, 4), shared=1)
    zeros = (out == 0).double().mean((1, 2))
    assert zeros.tolist() == pytest.approx([0.0, 0.9], abs=0.02)


def test_members_drop_different_units_and_those_of_one_rate_too():
    def make(i: int) -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Dropout(0.5), nn.Linear(8, 3))

    train = training(
        metric="loss", recipe=lambda t, m: Recipe(torch.optim.SGD(m.parameters(), 0.1))
    )
    of = [
        Member(module, Trial(i), train.recipe(Trial(i), module), generator_for(0, 0))
        for i in range(3)
        for module in [make(i)]
    ]
    assert len(set(train_together(train, of))) == 3


def test_groups_hold_what_computes_the_same_but_for_weights_and_rates():
    def make(i: int) -> nn.Module:
        return [mlp, cnn, mlp, transformer, cnn][i](i)

    train = training()
    together, left = groups(members(train, make))
    numbers = sorted(sorted(member.trial.number for member in group) for group in together)
    assert numbers == [[0, 2], [1, 4], [3]]
    assert left == {}


@pytest.mark.parametrize(
    "other",
    [
        lambda: nn.LeakyReLU(0.1),
        lambda: nn.LeakyReLU(0.2),
        nn.ReLU,
        lambda: nn.Dropout1d(0.1),
    ],
)
def test_modules_that_differ_in_type_or_attribute_are_apart(other):
    def make(i: int) -> nn.Module:
        middle = other() if i else nn.LeakyReLU(0.3)
        return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), middle, nn.Linear(8, 3))

    assert sorted(len(group) for group in groups(members(training(), make))[0]) == [1, 4]


def test_a_weight_that_is_shared_is_another_structure():
    def make(i: int) -> nn.Module:
        first, second = nn.Linear(16, 16), nn.Linear(16, 16)
        if i:
            second.weight = first.weight
        return nn.Sequential(nn.Flatten(), first, second)

    train = training(metric="loss")
    together, _ = groups(members(train, make))
    assert sorted(len(group) for group in together) == [1, 4]
    assert_as_alone(train, max(together, key=len))


def test_widths_are_padded_into_one_group_unless_that_costs_more_than_a_step():
    def make(i: int) -> nn.Module:
        return nn.Sequential(
            nn.Flatten(), nn.Linear(16, w := 32768 if i == 4 else 8 + i), nn.Linear(w, 3)
        )

    sizes = [len(group) for group in groups(members(training(), widths))[0]]
    assert sizes == [K]
    assert sorted(len(group) for group in groups(members(training(), make))[0]) == [1, 4]


@pytest.mark.parametrize(
    ("make", "recipe", "reason"),
    [
        (lambda i: nn.Sequential(nn.Flatten(1, 2), nn.LSTM(4, 3)), tuned(), "no rule for LSTM"),
        (lambda i: nn.Sequential(nn.Flatten(1, 2), nn.GRU(4, 3)), tuned(), "no rule for GRU"),
        (mlp, tuned("Adagrad"), "Adagrad is not known to work on rows"),
    ],
)
def test_what_cannot_be_a_row_is_left_alone_with_a_reason(make, recipe, reason):
    together, left = groups(members(training(recipe=recipe), make))
    assert together == []
    assert [len(of) for of in left.values()] == [K]
    assert reason in next(iter(left))


def test_hooks_are_left_alone():
    def make(i: int) -> nn.Module:
        module = mlp(i)
        module.register_forward_hook(lambda *_: None)
        return module

    assert list(groups(members(training(), make))[1]) == ["Sequential has hooks"]


def objected(make: Make, train: Train | None = None, measure: bool = False) -> str | None:
    train = train or training()
    of = members(train, make)
    before = [deepcopy(member.module.state_dict()) for member in of]
    state, orders = torch.get_rng_state(), [member.generator.get_state() for member in of]
    reason = objection(of, train, measure=measure)
    assert torch.equal(state, torch.get_rng_state())
    for member, weights, order in zip(of, before, orders, strict=True):
        assert torch.equal(member.generator.get_state(), order)
        assert all(torch.equal(weights[n], w) for n, w in member.module.state_dict().items())
    return reason


@pytest.mark.parametrize("make", [mlp, cnn, transformer, widths])
def test_looking_at_a_group_changes_nothing(make):
    assert objected(make) is None
    assert objected(make, training(epochs=40), measure=True) in (None, "slower as one")


class Counted:
    """A loss and an augmentation that remember how often they were asked."""

    def __init__(self) -> None:
        self.losses = self.batches = 0

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        self.losses += 1
        return nn.functional.cross_entropy(outputs, targets)

    def augment(self, x: Tensor, generator: torch.Generator) -> Tensor:
        self.batches += 1
        return x


def test_looking_at_a_group_leaves_the_state_of_losses_and_augmentations():
    counted = Counted()
    recipe = tuned(loss=counted.loss, augment=counted.augment)
    train = training(epochs=40, recipe=recipe)
    assert objection(members(train, mlp), train, measure=True) in (None, "slower as one")
    assert (counted.losses, counted.batches) == (0, 0)


def test_a_short_training_is_not_worth_looking():
    assert objected(mlp, measure=True) == "too short a training"


class Item(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1)) * (1 if x.sum().item() > 0 else 2)


class Mean(nn.Module):
    """Not right for a padded width: zeros count."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return out + out.mean(1, keepdim=True)


def test_what_vmap_cannot_do_is_an_objection():
    assert "cannot be computed as one (RuntimeError: vmap" in str(objected(lambda i: Item(16, 3)))


def test_a_container_for_which_padding_is_wrong_is_an_objection():
    def make(i: int) -> nn.Module:
        w = 4 + i
        inside = Mean(nn.Sequential(nn.Flatten(), nn.Linear(16, w)))
        return nn.Sequential(inside, nn.Linear(w, 3))

    assert len(groups(members(training(), make))[0]) == 1
    assert objected(make) == "outputs differ when computed as one"


def test_padding_behind_what_makes_something_of_zero_is_an_objection():
    class Squashed(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(16, width), nn.Linear(width, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.first(x.flatten(1)).sigmoid())

    def make(i: int) -> nn.Module:
        return Squashed(4 + i)

    assert len(groups(members(training(), make))[0]) == 1
    assert objected(make) == "padding does not stay zero"
    assert objected(lambda i: Squashed(4)) is None


def test_only_a_plain_train_on_resident_rows_has_stacks():
    class Own(Train):
        pass

    x, y = images(40)
    rows, valid = (x, y), Listed(torch.tensor(x), torch.tensor(y))
    assert resident(training()) is not None
    assert resident(training(epochs=None, resource="seconds", budget=3)) is None
    assert resident(Own(rows, rows, epochs=1, device="cpu")) is None
    assert resident(Train(rows, valid, epochs=1, device="cpu")) is None
