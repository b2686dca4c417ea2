"""What each phase trains, the teacher, how a training is resumed, and what is refused."""

from collections import Counter
import copy
from functools import partial
import io
import math
import re

import numpy as np
from optuna.trial import FixedTrial
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import IterableDataset
from torch.utils.data import TensorDataset

from optuna_nas import Supernet
from optuna_nas.oneshot import OnceForAll
from optuna_nas.oneshot import train_once_for_all
from optuna_nas.training import Recipe
from optuna_nas.training import score
from optuna_nas.training import tuned_recipe


X = torch.randn(48, 1, 5, 5, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0, 2, 2] > X[:, 0, 0, 0]).long()
DATA = X, Y


class Net(nn.Module):
    """Kernels, numbers of blocks and widths, and a decision that no default pattern names."""

    def __init__(self, trial):
        super().__init__()
        width = trial.suggest_int("width", 2, 8, step=2)
        self.stem = nn.Conv2d(1, width, 5)
        self.norm = nn.BatchNorm2d(width)

        def block(i):
            at = trial.scope(f"block{i}")
            kernel = at.suggest_categorical("kernel", [1, 3])
            return nn.Sequential(nn.Conv2d(width, width, kernel, padding=kernel // 2), nn.ReLU())

        self.body = trial.suggest_repeat("depth", 1, 2, block)
        self.body = nn.Sequential(self.body, nn.Dropout(trial.suggest_float("dropout", 0.0, 0.2)))
        self.head = nn.Linear(width, 2)

    def forward(self, x):
        return self.head(self.body(self.norm(self.stem(x)).relu()).mean((2, 3)))


def adam(trial, module, **options):
    return Recipe(torch.optim.Adam(module.parameters(), lr=0.01), batch_size=16, **options)


def made(values=None, network=Net):
    torch.manual_seed(0)
    return OnceForAll(network, values)


def trained(supernet, data=DATA, **arguments):
    arguments = {"epochs": 1, "recipe": adam, "seed": 0, **arguments}
    return list(train_once_for_all(supernet, data, **arguments))


def same(first, second):
    first, second = first.state_dict(), second.state_dict()
    assert first.pop("_extra_state") == second.pop("_extra_state")
    return all(torch.equal(first[key], second[key]) for key in first)


class Watched:
    """Notes the paths that a supernet computes."""

    def __init__(self, supernet):
        self.paths = []
        supernet.register_forward_pre_hook(lambda *_: self.paths.append(supernet.path))

    def vary(self):
        """The decisions of which more than one choice was drawn."""
        names = {name for path in self.paths for name in path}
        drawn = {n: {path[n] for path in self.paths if n in path} for n in names}
        return {name for name, choices in drawn.items() if len(choices) > 1}


KERNELS, DEPTHS = {"block0/kernel", "block1/kernel"}, {"depth"}


def test_phases_open_kernels_then_depths_then_the_rest():
    supernet = made()
    watched, opened = Watched(supernet), []
    for epoch in train_once_for_all(supernet, DATA, epochs=2, paths=3, recipe=adam, seed=0):
        opened.append((epoch.phase, watched.vary(), len(watched.paths)))
        assert (epoch.epoch, epoch.epochs) == (len(opened), 8)
        watched.paths.clear()
    assert opened[:2] == [(0, set(), 3)] * 2
    assert [phase for phase, _, _ in opened] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert {n for _, _, n in opened[2:]} == {9}
    for phase, names in ((1, KERNELS), (2, KERNELS | DEPTHS)):
        assert set.union(*(vary for p, vary, _ in opened if p == phase)) == names
    rest = set.union(*(vary for p, vary, _ in opened if p == 3))
    assert rest == KERNELS | DEPTHS | {"width", "dropout"}


def test_phases_and_their_epochs_can_be_chosen():
    supernet = made()
    watched, seen = Watched(supernet), []
    phases = ["width", ["block0/*", "depth"]]
    for epoch in train_once_for_all(
        supernet, DATA, epochs=[1, 2, 3], phases=phases, recipe=adam, seed=0
    ):
        seen.append((epoch.phase, epoch.opened))
        if epoch.phase < 2:
            assert watched.vary() <= {"width"}
    assert [phase for phase, _ in seen] == [0, 1, 1, 2, 2, 2]
    assert seen[0][1] == ()
    assert seen[-1][1] == ("width", "block0/*", "depth")
    assert watched.vary() == {"width", "block0/kernel", "depth"}


def test_every_sub_network_learns():
    supernet = made({"dropout": 0.0})
    data = (X, (X.mean((1, 2, 3)) > 0).long())

    def recipe(trial, module):
        return Recipe(torch.optim.Adam(module.parameters(), lr=0.02), batch_size=12)

    trained(supernet, data, epochs=15, recipe=recipe)
    for width in (2, 4, 6, 8):
        for depth in (1, 2):
            kernels = {f"block{i}/kernel": 1 for i in range(depth)}
            params = {"width": width, "depth": depth, "dropout": 0.0, **kernels}
            assert score(supernet.derive(params, recalibrate=[X]), data) > 0.85


def test_a_step_adds_the_gradients_of_its_paths():
    data, recipe = (X[:16], Y[:16]), sgd
    supernet, plain = made({"dropout": 0.0}), made({"dropout": 0.0})
    watched = Watched(supernet)
    arguments = {"phases": ["width"], "epochs": [1, 1], "paths": 3, "distillation": 0}
    epochs = train_once_for_all(supernet, data, recipe=recipe, seed=0, **arguments)
    state = next(epochs).state_dict()["supernet"]
    watched.paths.clear()
    last = next(epochs)
    plain.load_state_dict(state)
    plain.sort_channels(X[:2])
    optimizer, losses = torch.optim.SGD(plain.weights(), lr=0.1), []
    assert len(watched.paths) == 3
    for path in watched.paths:
        plain.activate(path)
        loss = nn.functional.cross_entropy(plain(data[0]), data[1])
        loss.backward()
        losses.append(float(loss.detach()))
    optimizer.step()
    assert last.train_loss == pytest.approx(sum(losses) / 3)
    for got, expected in zip(supernet.weights(), plain.weights(), strict=True):
        torch.testing.assert_close(got, expected)


def sgd(trial, module, **options):
    return Recipe(torch.optim.SGD(module.parameters(), lr=0.1), batch_size=16, **options)


def never(trial, module):
    return Recipe(torch.optim.SGD(module.parameters(), lr=0.0), batch_size=16)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("kind", ["classes", "floats"])
def test_the_teacher_is_the_largest_network_and_has_its_share_of_the_loss(kind, share):
    targets = Y[:16] if kind == "classes" else torch.stack([X[:16, 0, 0, 0], X[:16, 0, 1, 1]], 1)
    supernet = made({"dropout": 0.0, "width": 8})
    arguments = {"epochs": 1, "phases": ["*/kernel"], "recipe": never, "paths": 1}
    watched = Watched(supernet)
    *_, last = trained(supernet, (X[:16], targets), distillation=share, **arguments)
    outputs = supernet.train()
    outputs.activate(watched.paths[-1])
    outputs = outputs(X[:16])
    frozen = made({"dropout": 0.0, "width": 8})
    frozen.module(X[:16])  # the statistics of the first phase
    taught = frozen.module.eval()(X[:16])
    if kind == "classes":
        task = nn.functional.cross_entropy(outputs, targets)
        distance = -(taught.softmax(1) * outputs.log_softmax(1)).sum(1).mean()
    else:
        task = (outputs - targets).square().mean()
        distance = (outputs - taught).square().mean()
    expected = (1 - share) * float(task.detach()) + share * float(distance.detach())
    assert last.train_loss == pytest.approx(expected, rel=1e-5)


class Shaped(nn.Module):
    """Gives ``[n, *shape]``; what shape is not width nor rows."""

    def __init__(self, trial, shape):
        super().__init__()
        width = trial.suggest_int("width", 2, 8, step=2)
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(25, width), nn.Linear(width, 12))
        self.shape = shape

    def forward(self, x):
        return self.net(x)[:, : math.prod(self.shape)].reshape(len(x), *self.shape)


def shaped(*shape):
    return made(network=partial(Shaped, shape=shape))


def shaped_data(classes, *shape):
    y = torch.randint(2, (16, *shape), generator=torch.Generator().manual_seed(1))
    return X[:16], y if classes else y.float()


@pytest.mark.parametrize(
    ("classes", "targets", "outputs"),
    [
        (True, (), (3,)),
        (True, (4,), (3, 4)),
        (True, (2, 2), (3, 2, 2)),
        (False, (), (1,)),
        (False, (1,), (1,)),
        (False, (3, 4), (3, 4)),
    ],
)
def test_the_teacher_teaches_classes_in_dimension_1_and_numbers_of_any_shape(
    classes, targets, outputs
):
    supernet, data = shaped(*outputs), shaped_data(classes, *targets)
    watched = Watched(supernet)
    last = trained(supernet, data, paths=1, recipe=never, distillation=1)[-1]
    taught = supernet.module(data[0])
    supernet.activate(watched.paths[-1])
    got = supernet(data[0])
    if classes:
        expected = -(taught.softmax(1) * got.log_softmax(1)).sum(1).mean()
    else:
        expected = (got - taught).square().mean()
    assert last.train_loss == pytest.approx(float(expected.detach()), rel=1e-5)


def two_sided(outputs, targets):
    if isinstance(outputs, tuple):
        outputs = outputs[0]
    targets = targets.reshape(len(targets), -1)[:, 0].float()
    return (outputs.reshape(len(outputs), -1)[:, 0] - targets).square().mean()


@pytest.mark.parametrize(
    ("targets", "outputs"), [((), ()), ((), (1,)), ((), (3, 4)), ((3,), (3,)), ((4,), (4, 3))]
)
def test_classes_of_which_the_outputs_say_nothing_cannot_be_taught(targets, outputs):
    def recipe(trial, module):
        return sgd(trial, module, loss=two_sided)

    supernet, data = shaped(*outputs), shaped_data(True, *targets)
    with pytest.raises(
        ValueError,
        match=re.escape(
            "distillation takes soft targets from outputs [n, C, ...] for classes [n, ...], C at "
            f"least 2, but the network gives shape {(2, *outputs)} for targets of shape "
            f"{(2, *targets)}. Give targets as floats, of whose outputs the squared error is "
            "taken, or distillation=0."
        ),
    ):
        train_once_for_all(supernet, data, epochs=1, recipe=recipe)
    assert len(trained(shaped(*outputs), data, recipe=recipe, distillation=0)) == 2


class Two(nn.Module):
    """Gives a pair, which only a loss of one's own can take."""

    def __init__(self, trial):
        super().__init__()
        self.net = Net(trial)

    def forward(self, x):
        return self.net(x), x


def test_what_cannot_be_sorted_or_taught_is_refused_before_the_first_epoch():
    def recipe(trial, module):
        return sgd(trial, module, loss=two_sided)

    with pytest.raises(
        TypeError,
        match=re.escape(
            "distillation compares outputs, so the network must give one tensor, but it gives "
            "tuple. Give distillation=0."
        ),
    ):
        train_once_for_all(made(network=Two), DATA, epochs=1, recipe=recipe)
    with pytest.raises(
        TypeError,
        match=re.escape(
            "To see which channels may be sorted, outputs are compared, so the network must give "
            "one tensor, but it gives tuple. Fix the decisions by which channels shrink, "
            "OnceForAll(network, values={...})."
        ),
    ):
        train_once_for_all(made(network=Two), DATA, epochs=1, recipe=recipe, distillation=0)
    fixed = made({"width": 4}, Two)
    assert len(trained(fixed, recipe=recipe, distillation=0)) == 4


def test_sorting_is_tried_out_without_a_trace():
    supernet = made()
    before = copy.deepcopy(supernet.state_dict())
    torch.manual_seed(7)
    state = torch.get_rng_state()
    train_once_for_all(supernet, DATA, epochs=1, recipe=adam, seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    after = supernet.state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items() if isinstance(v, torch.Tensor))
    assert supernet.training


class Stream(IterableDataset):
    def __iter__(self):
        yield from zip(X, Y, strict=True)


def test_a_stream_of_rows_will_do():
    assert len(trained(made(), DataLoader(Stream(), 16))) == 4


def test_the_teacher_does_not_learn_on():
    epochs = train_once_for_all(made(), DATA, epochs=[1, 2, 1, 1], recipe=adam, seed=0)
    states = [epoch.state_dict() for epoch in epochs]
    assert states[0]["teacher"] is None
    first = states[0]["supernet"]
    for state in states[1:]:
        for key, tensor in state["teacher"].items():
            assert torch.equal(tensor, first[f"module.{key}"])
    assert not torch.equal(states[-1]["supernet"]["module.head.bias"], first["module.head.bias"])


def test_channels_are_sorted_until_smaller_widths_share_them():
    supernet, sorts = made(), []
    real = supernet.sort_channels
    object.__setattr__(
        supernet, "sort_channels", lambda *x, fixed: sorts.append(fixed) or real(*x, fixed=fixed)
    )
    trained(supernet, epochs=2)
    assert sorts == [(), ("*kernel",), ("*kernel", "*depth", "*blocks")]


def test_what_the_first_phase_ends_with_is_what_the_next_begins_with_in_another_order():
    supernet = made()
    epochs = train_once_for_all(supernet, DATA, epochs=1, recipe=never, seed=0)
    next(epochs)
    before = copy.deepcopy(supernet.module).eval()
    next(epochs)
    stem = supernet.module.stem.weight
    assert not torch.equal(stem, before.stem.weight)
    torch.testing.assert_close(
        stem.flatten(1).sum(1).sort().values, before.stem.weight.flatten(1).sum(1).sort().values
    )


@pytest.mark.parametrize("ended", [1, 3, 4])
def test_a_training_in_one_go_is_one_and_a_resumed_one(ended):
    arguments = {"epochs": [1, 2, 2, 1], "recipe": adam}
    supernet = made()
    whole = list(train_once_for_all(supernet, DATA, seed=5, **arguments))
    epochs = train_once_for_all(made(), DATA, seed=5, **arguments)
    begun = [next(epochs) for _ in range(ended)]
    file = io.BytesIO()
    torch.save(begun[-1].state_dict(), file)
    file.seek(0)
    again = made()
    for tensor in again.parameters():
        tensor.data.normal_()
    state = torch.load(file, weights_only=True)
    rest = list(train_once_for_all(again, DATA, state=state, **arguments))
    assert begun + rest == whole
    assert same(again, supernet)


def test_a_seed_says_everything_and_torchs_generator_is_left_alone():
    supernets = [made() for _ in range(3)]
    torch.manual_seed(7)
    before = torch.get_rng_state()
    losses = []
    for supernet, seed in zip(supernets, (0, 0, 1), strict=True):
        losses.append([epoch.train_loss for epoch in trained(supernet, seed=seed)])
    assert torch.equal(torch.get_rng_state(), before)
    assert losses[0] == losses[1] != losses[2]
    assert same(supernets[0], supernets[1])


def test_without_a_seed_torchs_generator_gives_one():
    losses = []
    for seed in (1, 1, 2):
        supernet = made()
        torch.manual_seed(seed)
        losses.append([epoch.train_loss for epoch in trained(supernet, seed=None)])
    assert losses[0] == losses[1] != losses[2]


def test_between_epochs_the_active_path_is_the_callers():
    supernet = made()
    path = supernet.sample(torch.Generator().manual_seed(0))
    supernet.activate(path)
    for _ in train_once_for_all(supernet, DATA, epochs=1, recipe=adam):
        assert supernet.path == path


def test_the_schedule_spans_a_phase_and_each_has_a_new_optimizer():
    seen, optimizers = [], []

    def schedule(progress):
        seen.append(progress)
        return 1.0

    def recipe(trial, module):
        made = adam(trial, module, schedule=schedule, clip_norm=0.1)
        optimizers.append(made.optimizer)
        return made

    trained(made(), epochs=[1, 2, 1, 1], recipe=recipe)
    one, two = ([(i + 0.5) / (3 * n) for i in range(3 * n)] for n in (1, 2))
    assert seen == pytest.approx(one + two + one + one)
    assert len(optimizers) == 4


def test_a_recipe_may_ask_a_trial_and_a_loader_will_do():
    trial = FixedTrial({"lr": 0.01, "weight_decay": 0.01, "batch_size": 32})
    loader = DataLoader(TensorDataset(X, Y), 16, shuffle=True)
    losses = []
    for _ in range(2):
        epochs = trained(made(), loader, recipe=tuned_recipe, trial=trial)
        losses.append([epoch.train_loss for epoch in epochs])
    assert losses[0] == losses[1]


def test_a_space_without_kernels_has_fewer_phases():
    def network(trial):
        width = trial.suggest_int("width", 2, 8)
        return nn.Sequential(nn.Flatten(), nn.Linear(25, width), nn.Linear(width, 2))

    epochs = trained(made(network=network))
    assert [(epoch.phase, epoch.opened) for epoch in epochs] == [(0, ()), (1, ("*",))]


def test_uniform_paths_take_every_choice():
    supernet = made()
    watched = Watched(supernet)
    trained(supernet, epochs=[1, 12], phases=["*"], paths=1)
    counts = Counter(path["width"] for path in watched.paths[3:])
    assert len(counts) == 4
    assert max(counts.values()) < 20


def test_a_loss_that_is_no_number_ends_it_and_says_in_which_epoch():
    def recipe(trial, module):
        return Recipe(torch.optim.SGD(module.parameters(), lr=math.inf), batch_size=16)

    epochs = train_once_for_all(made(), DATA, epochs=1, recipe=recipe)
    with pytest.raises(
        FloatingPointError,
        match=re.escape("Epoch 1 of 4: the training loss has become nan. Take a lower learning"),
    ):
        next(epochs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be an int of at least 1, but got 0."),
        ({"epochs": [1, 1, 1, 0]}, "epochs must be an int of at least 1, but got 0."),
        (
            {"epochs": [1, 2]},
            "epochs must be an int, or 4 of them, one for each phase with that of the largest "
            "network first, but is [1, 2].",
        ),
        (
            {"phases": "*/kernel"},
            "phases must be a list of at least one pattern or list of patterns, ['*/kernel', "
            "['*/depth', 'width']], but is '*/kernel'.",
        ),
        ({"phases": []}, "phases must be a list of at least one pattern or list of patterns"),
        ({"phases": [3]}, "phases must be a list of at least one pattern or list of patterns"),
        ({"phases": [[]]}, "phases must be a list of at least one pattern or list of patterns"),
        (
            {"phases": [("*", 3)]},
            "phases must be a list of at least one pattern or list of patterns",
        ),
        (
            {"phases": ["width", ["depht"]]},
            "phases: 'depht' means none of the open decisions 'width', 'depth', 'block0/kernel', "
            "'block1/kernel', 'dropout'.",
        ),
        ({"paths": 0}, "paths must be an int of at least 1, but is 0."),
        ({"paths": True}, "paths must be an int of at least 1, but is True."),
        ({"distillation": 1.5}, "distillation must be a number from 0 to 1, but is 1.5."),
        ({"distillation": math.nan}, "distillation must be a number from 0 to 1, but is nan."),
        ({"distillation": None}, "distillation must be a number from 0 to 1, but is None."),
        ({"seed": -1}, "seed must be an int of at least 0, or None, but got -1."),
        ({"train": (np.zeros((0, 4)), np.zeros(0))}, "train: X and y have no rows."),
        (
            {"train": DataLoader(TensorDataset(X[:0], Y[:0]))},
            "train: the dataset has no rows.",
        ),
        (
            {"recipe": tuned_recipe},
            "The recipe asks for 'lr', but train_once_for_all got no trial: give it "
            "trial=optuna_nas.SampledTrial(optuna.trial.FixedTrial(params)).",
        ),
        (
            {"state": {"epoch": 1, "seed": 0, "epochs": [1]}},
            "state lacks 'phases', 'supernet', 'optimizer', 'teacher': it must come from "
            "state_dict() of an epoch that train_once_for_all yielded.",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_epoch(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        train_once_for_all(made(), **{"train": DATA, "epochs": 1, **arguments})


def test_only_a_once_for_all_network_is_trained():
    def network(trial):
        return trial.suggest_module("op", {"a": lambda: nn.Linear(4, 2)})

    with pytest.raises(
        TypeError, match=re.escape("supernet must be a OnceForAll, OnceForAll(network), but got")
    ):
        train_once_for_all(Supernet(network), DATA, epochs=1)


def test_a_space_without_open_decisions_is_refused():
    supernet = made(network=lambda trial: nn.Linear(4, 2))
    with pytest.raises(
        ValueError,
        match=re.escape(
            "supernet has no open decisions, so there is nothing to shrink: fix fewer of them, "
            "OnceForAll(network, values)."
        ),
    ):
        train_once_for_all(supernet, DATA, epochs=1)


def test_a_loader_that_drops_all_it_has_is_refused():
    loader = DataLoader(TensorDataset(X[:3], Y[:3]), 8, drop_last=True)
    epochs = train_once_for_all(made(), loader, epochs=1)
    with pytest.raises(
        ValueError,
        match=re.escape("train gave no batches: drop_last with fewer rows than a batch?"),
    ):
        next(epochs)


def test_a_state_is_gone_once_the_training_went_on():
    first, *_ = train_once_for_all(made(), DATA, epochs=1, recipe=adam)
    with pytest.raises(
        ValueError,
        match=re.escape(
            "The training has gone on to epoch 4, so the state of epoch 1 is gone: call "
            "state_dict() before the next epoch."
        ),
    ):
        first.state_dict()


def test_a_state_of_the_last_epoch_leaves_nothing_to_go_on_with():
    *_, last = train_once_for_all(made(), DATA, epochs=1, recipe=adam)
    with pytest.raises(
        ValueError,
        match=re.escape(
            "state is of epoch 4, the last one of 4, so there is nothing to go on with: the "
            "supernet of that state is trained. Load it by "
            "supernet.load_state_dict(state['supernet'])."
        ),
    ):
        train_once_for_all(made(), DATA, epochs=1, recipe=adam, state=last.state_dict())


def test_a_state_of_other_phases_or_another_space_is_refused():
    state = next(train_once_for_all(made(), DATA, epochs=1, recipe=adam)).state_dict()
    with pytest.raises(
        ValueError,
        match=re.escape(
            "state is of a training with epochs=[1, 1, 1, 1], but here they are [2, 2, 2, 2]: "
            "give the same, the largest network's phase first."
        ),
    ):
        train_once_for_all(made(), DATA, epochs=2, state=state)
    with pytest.raises(
        ValueError, match=re.escape("state is of a training with phases=[[], ['*kernel'], ")
    ):
        train_once_for_all(made(), DATA, epochs=1, phases=["*"], state=state)
    with pytest.raises(ValueError, match="the state is of another supernet"):
        train_once_for_all(made({"width": 8}), DATA, epochs=1, state=state)
