"""What a step trains and leaves alone, how a training is resumed, and what is refused."""

from collections import Counter
import copy
import io
from itertools import product
import math
import re

import numpy as np
import optuna
from optuna.trial import FixedTrial
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import TensorDataset

from optuna_nas import Supernet
from optuna_nas import training
from optuna_nas.oneshot import train_supernet
from optuna_nas.oneshot._one_shot import score_path
from optuna_nas.samplers import ReinforceSampler
from optuna_nas.training import Recipe
from optuna_nas.training import tuned_recipe
from tests.oneshot.networks import Sketch
from tests.oneshot.networks import SKETCH_VALUES


X = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] * X[:, 1] > 0).long()
DATA = X, Y


def two(trial):
    """Two decisions between three linear layers each."""
    options = {name: lambda: nn.Linear(4, 4) for name in "abc"}
    layers = [trial.suggest_module(f"op{i}", options) for i in range(2)]
    return nn.Sequential(*layers, nn.Linear(4, 2))


def signal(trial):
    """A decision of which one option lets the input through, and the others nearly nothing."""
    options = {"good": nn.Identity, "bad": lambda: nn.Threshold(3, 0), "worse": Zero}
    return nn.Sequential(trial.suggest_module("op", options), nn.Linear(4, 2))


class Zero(nn.Module):
    def forward(self, x):
        return 0 * x


def sgd(trial, module, **options):
    return Recipe(torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9), **options)


def small_batches(trial, module):
    return sgd(trial, module, batch_size=4)


def whole_batches(trial, module):
    return sgd(trial, module, batch_size=64)


def made(network=two, values=None):
    torch.manual_seed(0)
    return Supernet(network, values)


def changed(before, supernet):
    after = supernet.module.state_dict()
    return {key for key in before if not torch.equal(before[key], after[key])}


def same(first, second):
    first, second = first.state_dict(), second.state_dict()
    assert first.pop("_extra_state") == second.pop("_extra_state")
    return all(torch.equal(first[key], second[key]) for key in first)


class Watched:
    """Notes the paths that a supernet computes."""

    def __init__(self, supernet):
        self.paths = []
        supernet.register_forward_pre_hook(lambda *_: self.paths.append(supernet.path))


def test_a_step_trains_one_uniform_path_and_leaves_the_rest_alone():
    supernet = made()
    watched, before = Watched(supernet), copy.deepcopy(supernet.module.state_dict())
    (epoch,) = train_supernet(supernet, DATA, epochs=1, recipe=whole_batches, seed=0)
    (path,) = watched.paths
    assert epoch.epoch == epoch.epochs == 1
    assert epoch.reward is None
    alone = supernet.derive(path)
    assert len(changed(before, supernet)) == len(list(alone.parameters()))
    assert all(gate.logits.grad is None for gate in supernet.gates)


def test_a_path_that_rests_does_not_drift_on_momentum_or_decay():
    supernet = made()
    watched = Watched(supernet)
    before = copy.deepcopy(supernet.module.state_dict())
    for _ in train_supernet(supernet, DATA, epochs=2, recipe=whole_batches, seed=3):
        taken = [supernet.decisions[name].choices[op][0] for name, op in watched.paths[-1].items()]
        mine = {f"{i}.options.{n}.{w}" for i, n in enumerate(taken) for w in ("weight", "bias")}
        mine |= {"2.weight", "2.bias"}
        assert changed(before, supernet) <= mine
        before = copy.deepcopy(supernet.module.state_dict())
    assert watched.paths[0] != watched.paths[1]


def test_uniform_training_takes_every_path():
    supernet = made()
    watched = Watched(supernet)
    recipe = lambda trial, module: sgd(trial, module, batch_size=2)  # noqa: E731
    for epoch in train_supernet(supernet, DATA, epochs=3, recipe=recipe, seed=0):
        assert len(watched.paths) == 32 * epoch.epoch
    counts = Counter(tuple(path.values()) for path in watched.paths)
    assert len(counts) == 9
    assert max(counts.values()) < 25


def test_a_fair_step_adds_the_gradients_of_paths_that_take_each_option_once():
    supernet, plain = made(), made()
    watched = Watched(supernet)
    (epoch,) = train_supernet(supernet, DATA, epochs=1, paths="fair", recipe=whole_batches, seed=0)
    assert [sorted(p[name] for p in watched.paths) for name in ("op0", "op1")] == [
        ["a", "b", "c"]
    ] * 2
    optimizer, losses = torch.optim.SGD(plain.weights(), lr=0.1, momentum=0.9), []
    for path in watched.paths:
        plain.activate(path)
        losses.append(nn.functional.cross_entropy(plain(X), Y))
        losses[-1].backward()
        losses[-1] = losses[-1].detach()
    optimizer.step()
    assert epoch.train_loss == pytest.approx(sum(map(float, losses)) / 3)
    for got, expected in zip(supernet.weights(), plain.weights(), strict=True):
        torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("paths", ["uniform", "fair"])
def test_every_path_learns(paths):
    supernet, data = made(), (X, (X[:, 0] > X[:, 1]).long())

    def recipe(trial, module):
        return Recipe(torch.optim.Adam(module.parameters(), lr=0.02), batch_size=8)

    for _ in train_supernet(supernet, data, epochs=30, paths=paths, recipe=recipe, seed=0):
        pass
    for ops in product("abc", repeat=2):
        supernet.activate({"op0": ops[0], "op1": ops[1]})
        assert training.score(supernet, data) > 0.9


def test_enas_finds_the_option_that_lets_the_input_through():
    supernet = made(signal)
    target = X, (X[:, 0] > 0).long()
    epochs = train_supernet(
        supernet,
        target,
        target,
        epochs=15,
        paths=ReinforceSampler(queue_size=0, avoid_repeats=False, seed=0),
        rewards=15,
        recipe=small_batches,
        seed=0,
    )
    epochs = [(epoch.reward, epoch.state_dict()["trials"]) for epoch in epochs]
    rewarded = [trial for trial in epochs[-1][1] if trial.value is not None]
    assert len(rewarded) == 15 * 15
    share = [
        sum(t.params["op"] == "good" for t in part) for part in (rewarded[:45], rewarded[-45:])
    ]
    assert share[0] < 30
    assert share[1] > 35
    assert epochs[-1][0] > epochs[0][0] + 0.2


def test_weights_are_trained_on_the_paths_that_the_sampler_proposes():
    supernet = made()
    sampler = optuna.samplers.PartialFixedSampler
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        only = sampler({"op0": "b"}, optuna.samplers.RandomSampler(seed=0))
    watched = Watched(supernet)
    for _ in train_supernet(supernet, DATA, DATA, epochs=2, paths=only, rewards=5, seed=0):
        pass
    assert len(watched.paths) == 2 * (1 + 5)
    assert {path["op0"] for path in watched.paths} == {"b"}


def test_a_reward_is_the_score_on_a_validation_batch_with_its_statistics():
    supernet = made(Sketch, SKETCH_VALUES)
    recipe = lambda trial, module: sgd(trial, module, batch_size=8)  # noqa: E731
    (epoch,) = train_supernet(
        supernet,
        DATA,
        (X[:8], Y[:8]),
        epochs=1,
        paths=optuna.samplers.RandomSampler(seed=0),
        rewards=3,
        recipe=recipe,
        metric=lambda outputs, targets: float(len(targets)),
        direction="maximize",
        seed=0,
    )
    assert epoch.reward == 8
    before = copy.deepcopy(supernet.state_dict())
    params = supernet.params()
    rows = training._data.load((X[:8], Y[:8]), "valid")
    with_own = score_path(supernet, params, rows, "loss", 8, [X[:8]])
    assert with_own != score_path(supernet, params, rows, "loss", 8)
    after = supernet.state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items() if torch.is_tensor(v))


def samplers():
    return "uniform", "fair", ReinforceSampler(seed=0)


@pytest.mark.parametrize("paths", samplers(), ids=["uniform", "fair", "reinforce"])
def test_two_epochs_are_one_and_a_resumed_one(paths):
    valid = None if isinstance(paths, str) else DATA
    arguments = {"epochs": 2, "paths": paths, "rewards": 10}
    supernet = made(Sketch, SKETCH_VALUES)
    whole = list(train_supernet(supernet, DATA, valid, seed=5, **arguments))
    first = next(train_supernet(made(Sketch, SKETCH_VALUES), DATA, valid, seed=5, **arguments))
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=isinstance(paths, str))
    again = made(Sketch, SKETCH_VALUES)
    for tensor in again.parameters():
        tensor.data.normal_()
    fresh = paths if isinstance(paths, str) else ReinforceSampler(seed=0)
    arguments["paths"] = fresh
    (second,) = train_supernet(again, DATA, valid, state=state, **arguments)
    assert [first, second] == whole
    assert same(again, supernet)


@pytest.mark.parametrize("paths", ["uniform", "fair"])
def test_a_seed_says_everything_and_torchs_generator_is_left_alone(paths):
    supernets = [made(Sketch, SKETCH_VALUES) for _ in range(3)]
    torch.manual_seed(7)
    before = torch.get_rng_state()
    losses = []
    for supernet, seed in zip(supernets, (0, 0, 1), strict=True):
        epochs = train_supernet(supernet, DATA, epochs=2, paths=paths, seed=seed)
        losses.append([epoch.train_loss for epoch in epochs])
    assert torch.equal(torch.get_rng_state(), before)
    assert losses[0] == losses[1] != losses[2]
    assert same(supernets[0], supernets[1])


def test_without_a_seed_torchs_generator_gives_one():
    losses = []
    for seed in (1, 1, 2):
        supernet = made()
        torch.manual_seed(seed)
        losses.append([e.train_loss for e in train_supernet(supernet, DATA, epochs=2)])
    assert losses[0] == losses[1] != losses[2]


def test_between_epochs_the_active_path_is_the_callers():
    supernet, path = made(), {"op0": "a", "op1": "b"}
    supernet.activate(path)
    for _ in train_supernet(supernet, DATA, epochs=2, paths="fair"):
        assert supernet.path == path


def test_the_schedule_spans_the_epochs_and_options_of_the_recipe_count():
    seen, sizes = [], set()

    def schedule(progress):
        seen.append(progress)
        return 1.0

    def augment(inputs, generator):
        sizes.add(len(inputs))
        return inputs + torch.randn(inputs.shape, generator=generator)

    def recipe(trial, module):
        options = {"batch_size": 16, "schedule": schedule, "augment": augment, "clip_norm": 0.1}
        return sgd(trial, module, loss=nn.CrossEntropyLoss(), **options)

    list(train_supernet(made(), DATA, epochs=2, recipe=recipe, seed=0))
    assert seen == [(i + 0.5) / 8 for i in range(8)]
    assert sizes == {16}


def test_a_recipe_may_ask_a_trial_and_a_loader_will_do():
    trial = FixedTrial({"lr": 0.01, "weight_decay": 0.01, "batch_size": 32})
    loader = DataLoader(TensorDataset(X, Y), 16, shuffle=True)
    supernets = [made(), made()]
    losses = []
    for supernet in supernets:
        epochs = train_supernet(
            supernet, loader, epochs=2, recipe=tuned_recipe, trial=trial, seed=0
        )
        losses.append([epoch.train_loss for epoch in epochs])
    assert losses[0] == losses[1]


def test_a_loss_that_is_no_number_ends_it_and_says_in_which_epoch():
    def recipe(trial, module):
        return Recipe(
            torch.optim.SGD(module.parameters(), lr=1.0),
            schedule=lambda progress: 1.0 if progress < 0.5 else math.inf,
            batch_size=16,
        )

    epochs = train_supernet(made(), DATA, epochs=2, recipe=recipe, seed=0)
    next(epochs)
    with pytest.raises(
        FloatingPointError,
        match=re.escape(
            "Epoch 2 of 2: the training loss has become nan. Take a lower learning rate (recipe), "
            "and go on from an epoch before (state)."
        ),
    ):
        next(epochs)


def test_a_reward_that_is_no_number_ends_it():
    epochs = train_supernet(
        made(),
        DATA,
        DATA,
        epochs=2,
        paths=optuna.samplers.RandomSampler(),
        metric=lambda outputs, targets: math.nan,
        direction="maximize",
    )
    with pytest.raises(
        FloatingPointError, match=re.escape("Epoch 1 of 2: the reward has become nan.")
    ):
        next(epochs)


SAMPLER = optuna.samplers.RandomSampler()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be an int of at least 1, but got 0."),
        ({"seed": -1}, "seed must be an int of at least 0, or None, but got -1."),
        ({"rewards": 0}, "rewards must be an int of at least 1, but is 0."),
        (
            {"paths": "unfair"},
            "paths must be 'uniform', 'fair' or a sampler (an optuna.samplers.BaseSampler, for "
            "instance optuna_nas.samplers.ReinforceSampler()), but is 'unfair'.",
        ),
        (
            {"paths": ReinforceSampler},
            "paths must be 'uniform', 'fair' or a sampler (an optuna.samplers.BaseSampler, for "
            "instance optuna_nas.samplers.ReinforceSampler()), but is <class",
        ),
        (
            {"paths": SAMPLER},
            "paths is a sampler, which learns from rewards on held-out data: give valid.",
        ),
        (
            {"valid": DATA},
            "valid is what a sampler's rewards are measured on, but paths='uniform' has none: "
            "leave valid out, and score paths with OneShot.",
        ),
        (
            {"paths": SAMPLER, "valid": (np.zeros((0, 4)), np.zeros(0))},
            "valid: X and y have no rows.",
        ),
        (
            {"paths": SAMPLER, "valid": DataLoader(TensorDataset(X[:0], Y[:0]))},
            "valid: the dataset has no rows.",
        ),
        ({"train": (X[:0], Y[:0])}, "train: X and y have no rows."),
        (
            {"recipe": tuned_recipe},
            "The recipe asks for 'lr', but train_supernet got no trial: give it "
            "trial=optuna_nas.SampledTrial(optuna.trial.FixedTrial(params)).",
        ),
        (
            {"state": {"epoch": 1, "seed": 0}},
            "state lacks 'supernet', 'optimizer', 'trials': it must come from state_dict() of an "
            "epoch that train_supernet yielded.",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_epoch(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        train_supernet(made(), **{"train": DATA, "epochs": 1, **arguments})


@pytest.mark.parametrize("part", ["train", "valid"])
def test_loaders_that_drop_all_they_have_are_refused(part):
    loader = DataLoader(TensorDataset(X[:3], Y[:3]), 8, drop_last=True)
    data = {"train": DATA, "valid": DATA, part: loader}
    epochs = train_supernet(made(), **data, epochs=1, paths=SAMPLER)
    with pytest.raises(
        ValueError,
        match=re.escape(f"{part} gave no batches: drop_last with fewer rows than a batch?"),
    ):
        next(epochs)


def test_a_state_is_gone_once_the_training_went_on_and_is_for_more_epochs():
    first, second = train_supernet(made(), DATA, epochs=2)
    with pytest.raises(
        ValueError,
        match=re.escape(
            "The training has gone on to epoch 2, so the state of epoch 1 is gone: call "
            "state_dict() before the next epoch."
        ),
    ):
        first.state_dict()
    with pytest.raises(
        ValueError,
        match=re.escape(
            "state is of epoch 2, so epochs must be more than that to go on, but is 2."
        ),
    ):
        train_supernet(made(), DATA, epochs=2, state=second.state_dict())


def test_a_state_of_another_space_is_refused():
    (epoch,) = train_supernet(made(signal), DATA, epochs=1)
    with pytest.raises(ValueError, match="the state is of another supernet"):
        train_supernet(made(), DATA, epochs=2, state=epoch.state_dict())
