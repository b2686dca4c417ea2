"""Gradient-based search: every variant finds what is known to be best, resumes exactly, and says
what is wrong."""

from __future__ import annotations

from functools import partial
import io
import re

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import TensorDataset

import optuna_nas
from optuna_nas import Supernet
from optuna_nas.oneshot import darts
from optuna_nas.oneshot import decay
from optuna_nas.oneshot import gumbel
from optuna_nas.oneshot import linear
from optuna_nas.oneshot import PartialChannels
from optuna_nas.oneshot import progressive
from optuna_nas.oneshot import sigmoid
from optuna_nas.oneshot import Stage
from optuna_nas.oneshot import Watch
from optuna_nas.oneshot import zero_one
from optuna_nas.oneshot._darts import paper_adam
from optuna_nas.oneshot._darts import paper_sgd
from optuna_nas.oneshot._gate_gradients import second_order
from optuna_nas.oneshot._mixtures import Mixture
from tests.oneshot.toys import BEST
from tests.oneshot.toys import FAST
from tests.oneshot.toys import search
from tests.oneshot.toys import toy
from tests.oneshot.toys import toy_data


VARIANTS = {
    "first order": {},
    "second order": {"order": 2},
    "GDAS": {"relaxation": gumbel, "temperature": linear(10, 0.1)},
    "GDAS of second order": {"relaxation": gumbel, "order": 2},
    "Fair DARTS": {
        "relaxation": sigmoid,
        "gate_loss": zero_one(0.5),
        "exclude": ["none"],
    },
    "skip dropout": {"skip_dropout": decay(0.5)},
}


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_every_variant_finds_the_better_architecture(options):
    supernet = toy()
    if options.get("relaxation") is gumbel:  # it learns from what does harm, so not from nothing
        supernet = toy(values={"node": "0+1"})
        supernet.drop("op", "none")
    epochs = search(supernet, 8, warmup=2, **options)
    assert epochs[-1].params == supernet.params() == supernet.proposals(1)[0] == BEST
    assert epochs[-1].entropy < 0.95 * epochs[2].entropy <= 0.95
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert epochs[-1].valid_loss < epochs[0].valid_loss
    assert epochs[-1].valid_score > 0.8
    assert epochs[-1].parameter_free == 0.0
    assert epochs[-1].collapsed is None
    assert [epoch.epoch for epoch in epochs] == list(range(1, len(epochs) + 1))


IMAGES = torch.randn(24, 3, 16, 16, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(24) % 3


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_every_variant_runs_on_nasbench201(options):
    torch.manual_seed(0)
    supernet = Supernet(optuna_nas.spaces.NASBench201(num_classes=3, channels=4, cells=1))
    data = (IMAGES, LABELS)
    (epoch,) = darts(supernet, data, data, epochs=1, batch_size=12, seed=0, **options)
    optuna_nas.build(supernet.network, epoch.params)
    assert 0 < epoch.entropy <= 1


def test_none_is_mixed_but_never_derived_in_the_space_of_darts():
    torch.manual_seed(0)
    space = optuna_nas.spaces.DARTS(num_classes=3, channels=4, layers=3, nodes=2, affine=False)
    supernet = Supernet(space)
    with torch.no_grad():
        for gate in supernet.gates:
            gate.logits[0] = 1.0
    data = (IMAGES[:8], LABELS[:8])
    options = {"epochs": 2, "batch_size": 8, "seed": 0, "exclude": ["none"]}
    for epoch in darts(supernet, data, data, **options):
        assert "none" not in epoch.params.values()
        assert epoch.params == supernet.params()
        assert all("none" not in params.values() for params in supernet.proposals(5))
        state = epoch.state_dict()["supernet"]
        assert all(state[key].all() for key in state if key.endswith("kept"))


def test_what_is_dropped_between_epochs_stays_dropped():
    supernet = toy()
    for _ in darts(supernet, *toy_data(), epochs=2, seed=0, exclude=["none"], **FAST):
        if "skip" in supernet.probabilities()["op"]:
            supernet.drop("op", "skip")
    assert list(supernet.probabilities()["op"]) == ["linear"]


def test_what_gdas_does_not_draw_is_not_computed():
    supernet, ran, forwards = toy(), [], []
    supernet.register_forward_hook(lambda *_: forwards.append(1))
    for mixture in [part for part in supernet.modules() if isinstance(part, Mixture)]:
        for option in mixture.options:
            option.register_forward_hook(lambda *_: ran.append(1))
    search(supernet, 1, relaxation=gumbel)
    assert len(ran) == 2 * len(forwards) > 0


def test_the_differences_of_the_second_order_are_taken_under_the_same_noise():
    supernet, states = toy(), []
    supernet.drop("op", "none", "skip")
    supernet.register_forward_pre_hook(lambda *_: states.append(torch.get_rng_state()))
    search(supernet, 1, relaxation=gumbel, order=2, batch_size=256)
    ahead, valid, above, below, weights, _ = states
    assert torch.equal(ahead, above)
    assert torch.equal(ahead, below)
    assert not torch.equal(ahead, valid)
    assert not torch.equal(ahead, weights)


class Quadratic(nn.Module):
    """A weight whose training loss and validation loss depend on the gates in different ways."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        self.w = nn.Parameter(draw(4))
        self.register_buffer("seen", torch.zeros(()))
        self.gate, self.a, self.b = draw(3).requires_grad_(), draw(4, 3), draw(4, 3)

    def train_loss(self, w=None):
        self.seen += 1
        w = self.w if w is None else w
        return ((w.tanh() - self.a @ self.gate.softmax(0)) ** 2).sum() * w.exp().sum()

    def valid_loss(self, w=None):
        w = self.w if w is None else w
        return ((w.sin() + self.b @ self.gate.sigmoid()) ** 2).sum()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_second_order_gradient_is_the_derivative_through_a_step(momentum):
    model = Quadratic()
    sgd = torch.optim.SGD([model.w], lr=0.01, momentum=momentum, weight_decay=0.1)
    model.train_loss().backward()
    sgd.step()
    moment = sgd.state[model.w].get("momentum_buffer")
    w, gate, before = model.w.detach().clone(), model.gate, model.seen.clone()

    w_ = w.clone().requires_grad_()
    (slope,) = torch.autograd.grad(model.train_loss(w_), w_, create_graph=True)
    step = slope + 0.1 * w_ + (0 if moment is None else momentum * moment)
    (exact,) = torch.autograd.grad(model.valid_loss(w_ - 0.01 * step), gate)
    model.seen.copy_(before)

    (found,) = second_order(model.train_loss, model.valid_loss, [gate], sgd, model)
    (first,) = torch.autograd.grad(model.valid_loss(), gate)
    assert torch.allclose(found, exact, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(first, exact, rtol=1e-2)
    assert torch.equal(model.w, w)
    assert torch.equal(model.seen, before)


def test_the_second_order_gradient_is_the_first_where_weights_do_not_matter():
    model = Quadratic()
    sgd = torch.optim.SGD([model.w], lr=0.01)
    (found,) = second_order(
        model.train_loss, lambda: model.gate.square().sum(), [model.gate], sgd, model
    )
    assert torch.equal(found, 2 * model.gate)


def test_the_second_order_leaves_weights_that_first_order_training_has():
    """With gates that do not move, both train weights alike, batch normalizations included."""
    still = partial(torch.optim.SGD, lr=0.0)
    first, second = toy(), toy()
    search(first, gate_optimizer=still)
    search(second, gate_optimizer=still, order=2)
    pairs = zip(first.weights(), second.weights(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_two_epochs_are_one_and_after_a_resume_another(options):
    options = {**FAST, "epochs": 2, "watch": Watch(eigenvalue=True), **options}
    in_one_go = toy()
    epochs = list(darts(in_one_go, *toy_data(), seed=3, **options))

    stopped = toy()
    first = next(darts(stopped, *toy_data(), seed=3, **options))
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    resumed = toy(seed=1)
    torch.manual_seed(5)
    state = torch.load(file, weights_only=True)
    (second,) = darts(resumed, *toy_data(), state=state, **options)

    assert first == epochs[0]
    assert second == epochs[1]
    before, now = in_one_go.state_dict(), resumed.state_dict()
    assert before.pop("_extra_state") == now.pop("_extra_state")
    assert all(torch.equal(before[key], now[key]) for key in before)


def test_it_is_a_function_of_the_seed_and_leaves_torchs_rng_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    runs = [search(toy(), relaxation=gumbel, seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    assert runs[0] == runs[1] != runs[2]


def test_without_a_seed_it_draws_one_from_torchs_rng():
    def run():
        torch.manual_seed(0)
        return search(toy(), seed=None)

    assert run() == run()


def test_the_relaxation_and_the_mode_are_the_users_between_epochs():
    supernet = toy()
    before = supernet.relaxation
    for _ in darts(supernet, *toy_data(), epochs=2, seed=0, relaxation=gumbel, **FAST):
        assert supernet.relaxation is before
        supernet.activate(supernet.params())
    assert supernet.path is not None


def test_floats_are_a_regression_and_loaders_are_taken():
    supernet = toy()
    (x, y), _ = toy_data()
    data = DataLoader(TensorDataset(x, torch.stack([y.float()] * 2, 1)), batch_size=32)
    (epoch,) = search_on(supernet, data, data)
    assert epoch.valid_score <= 1


def test_a_metric_may_be_a_function():
    (epoch,) = search(toy(), 1, metric=lambda outputs, targets: len(targets))
    assert epoch.valid_score == 256


def test_learning_rates_follow_the_schedule():
    seen = []

    def optimizer(parameters):
        seen.append(torch.optim.SGD(parameters, lr=0.1))
        return seen[-1]

    supernet = toy()
    options = {**FAST, "weight_optimizer": optimizer, "seed": 0}
    rates = [
        seen[0].param_groups[0]["lr"]
        for _ in darts(supernet, *toy_data(), epochs=2, schedule=linear(1, 0), **options)
    ]
    assert rates == [0.1, 0.05]


def test_the_optimizers_are_those_of_the_paper():
    sgd, adam = paper_sgd([torch.zeros(1)]), paper_adam([torch.zeros(1)])
    assert isinstance(sgd, torch.optim.SGD)
    assert isinstance(adam, torch.optim.Adam)
    assert {key: sgd.defaults[key] for key in ("lr", "momentum", "weight_decay")} == {
        "lr": 0.025,
        "momentum": 0.9,
        "weight_decay": 3e-4,
    }
    assert {key: adam.defaults[key] for key in ("lr", "betas", "weight_decay")} == {
        "lr": 3e-4,
        "betas": (0.5, 0.999),
        "weight_decay": 1e-3,
    }


def test_gradients_of_the_weights_are_clipped():
    supernet = toy()
    before = torch.cat([w.detach().flatten() for w in supernet.weights()])
    sgd = partial(torch.optim.SGD, lr=1.0)
    search(supernet, 1, clip_norm=1e-2, weight_optimizer=sgd, batch_size=256)
    after = torch.cat([w.detach().flatten() for w in supernet.weights()])
    assert float((after - before).norm()) == pytest.approx(1e-2, rel=1e-2)


def test_gates_rest_during_the_warm_up():
    supernet = toy()
    before = supernet.decisions["op"].logits.detach().clone()
    search(supernet, 2, warmup=2)
    assert torch.equal(supernet.decisions["op"].logits, before)


def test_skip_dropout_is_behind_identities_while_training_and_gone_afterwards():
    supernet, zeros = toy(), []
    supernet.drop("op", "none", "linear")
    supernet.register_forward_hook(
        lambda module, _, out: zeros.append((module.training, bool((out == 0).any())))
    )
    search(supernet, 1, skip_dropout=decay(0.9))
    assert set(zeros) == {(True, True), (False, False)}
    supernet.train()
    supernet(toy_data()[0][0])
    assert zeros[-1] == (True, False)


def test_gates_are_trained_on_the_validation_data_only():
    _, valid = toy_data()
    once, twice = toy(), toy()
    still = {"weight_optimizer": partial(torch.optim.SGD, lr=0.0), "batch_size": 256}
    first, _ = toy_data(seed=1)
    search_on(once, toy_data()[0], valid, **still)
    search_on(twice, first, valid, **still)
    for one, other in zip(once.gates, twice.gates, strict=True):
        assert torch.allclose(one.logits, other.logits)


def search_on(supernet, train, valid, **options):
    return list(darts(supernet, train, valid, **{"epochs": 1, "seed": 0, **FAST, **options}))


# Partial channels.


class PartialNet(nn.Module):
    def __init__(self, trial):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)

        def edge(i):
            def options(channels):
                made = optuna_nas.ops.darts_operations(channels, affine=False)
                return trial.suggest_module(f"op{i}", made)

            return PartialChannels(options, channels=8, k=4)

        self.node = trial.suggest_inputs("node", 3, 2, edge)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.stem(x)
        return self.head(self.node([x, x.sin(), x.cos()]).mean((2, 3)))


def test_pc_darts_searches_with_partial_channels_and_edge_weights():
    torch.manual_seed(0)
    supernet, data = Supernet(PartialNet), (IMAGES, LABELS)
    (epoch,) = search_on(supernet, data, data, exclude=["none"])
    derived = supernet.derive(epoch.params)
    supernet.activate(epoch.params)
    assert torch.equal(derived(IMAGES), supernet(IMAGES))


# P-DARTS.


class Double(nn.Module):
    def forward(self, x):
        return 2 * x


def deeper(depth, ops=("none", "skip", "linear")):
    made = {"none": Double, "skip": nn.Identity, "linear": lambda: nn.Linear(6, 6)}

    def network(trial):
        def block(i):
            return trial.suggest_module("op", {name: made[name] for name in ops})

        return nn.Sequential(*[block(i) for i in range(depth)], nn.Linear(6, 2))

    return network


def test_a_progressive_search_grows_deeper_and_drops_the_weakest_options():
    stages = [Stage(deeper(1), 3), Stage(deeper(2), 2, 0.4), Stage(deeper(3), 1, 0.7)]
    left, logits = [], []
    for supernet, epoch in progressive(
        stages, *toy_data(), epochs=2, warmup=1, seed=0, exclude=["none"], **FAST
    ):
        gate = supernet.decisions["op"]
        assert epoch.params["op"] != "none"
        logits.append(gate.logits.detach().clone())
        kept = epoch.state_dict()["supernet"]["gates.0.kept"]
        left.append({o for o, k in zip(gate.labels, kept.tolist(), strict=True) if k})
    assert [len(options) for options in left] == [3, 3, 2, 2, 1, 1]
    assert left[0] > left[2] > left[4]
    assert torch.equal(logits[1], logits[2])  # the next stage goes on, and warms up first
    assert len([m for m in supernet.modules() if isinstance(m, Mixture)]) == 3


def test_a_progressive_search_follows_its_seed():
    def run():
        stages = [Stage(deeper(1), 3), Stage(deeper(2), 2, 0.4)]
        return [e for _, e in progressive(stages, *toy_data(), epochs=1, seed=1, **FAST)]

    assert run() == run()


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([], "stages must be at least one Stage, but there are none."),
        ([Stage(deeper(1), 0)], "Stage: keep must be at least 1, but is 0."),
    ],
)
def test_stages_that_cannot_be_are_refused(stages, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        progressive(stages, *toy_data())


def other(trial):
    return nn.Sequential(trial.suggest_module("up", {"a": Double}), nn.Linear(6, 2))


@pytest.mark.parametrize(
    ("second", "name", "how"),
    [
        (other, "up", "it is new"),
        (deeper(2, ["skip", "linear"]), "op", "it was one of ['none', 'skip', 'linear']"),
    ],
)
def test_stages_ask_the_same_decisions(second, name, how):
    stages = [Stage(deeper(1), 3), Stage(second, 2)]
    message = (
        f"Decision {name!r} is not the same in all stages: {how}. Stages differ in depth, not in "
        "what they ask."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        list(progressive(stages, *toy_data(), epochs=1, seed=0, **FAST))


# What cannot work.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be an int of at least 1, but got 0."),
        ({"seed": -1}, "seed must be an int of at least 0, or None, but got -1."),
        ({"order": 3}, "order must be 1 or 2, but is 3."),
        ({"warmup": -1}, "warmup must be an int of at least 0, but is -1."),
        ({"batch_size": 0}, "batch_size must be at least 1, but is 0."),
        ({"clip_norm": 0}, "clip_norm must be positive or None, but is 0."),
        (
            {"exclude": ["zero"]},
            "exclude has 'zero', but no decision of this supernet has such an option.",
        ),
        (
            {"state": {"epoch": 1, "seed": 0, "supernet": {}}},
            "state lacks 'weights', 'gates', 'eigenvalues', 'logits': it must come from "
            "state_dict() of an epoch that darts yielded.",
        ),
    ],
)
def test_arguments_that_cannot_work_are_refused_at_once(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        darts(toy(), *toy_data(), **{"epochs": 1, **options})


def test_exclude_is_a_list():
    with pytest.raises(TypeError, match=r"^exclude must be a list of options: \['none'\]\.$"):
        darts(toy(), *toy_data(), epochs=1, exclude="none")


def test_an_empty_validation_set_is_refused():
    train, (x, y) = toy_data()
    with pytest.raises(ValueError, match=r"^valid: X and y have no rows\.$"):
        darts(toy(), train, (x[:0], y[:0]), epochs=1)


def test_loaders_without_batches_are_refused():
    train, valid = toy_data()
    empty = DataLoader(TensorDataset(*valid), batch_size=512, drop_last=True)
    message = r"^valid gave no batches, but the gates are trained on them\.$"
    with pytest.raises(ValueError, match=message):
        search_on(toy(), train, empty)
    message = r"^train gave no batches: drop_last with fewer rows than a batch\?$"
    with pytest.raises(ValueError, match=message):
        search_on(toy(), empty, valid)


def test_the_state_of_another_space_is_refused():
    (epoch,) = search(toy(), 1)
    supernet = Supernet(deeper(1))
    with pytest.raises(ValueError, match=r"^the state is of another supernet: it has 'node', whi"):
        darts(supernet, *toy_data(), epochs=2, state=epoch.state_dict())


def test_a_state_of_the_last_epoch_has_nothing_to_go_on_to():
    (epoch,) = search(toy(), 1)
    message = r"^state is of epoch 1, so epochs must be more than that to go on, but is 1\.$"
    with pytest.raises(ValueError, match=message):
        darts(toy(), *toy_data(), epochs=1, state=epoch.state_dict())


def test_a_state_is_taken_before_the_search_goes_on():
    first, _ = search(toy(), 2)
    message = (
        r"^The search has gone on to epoch 2, so the state of epoch 1 is gone: call "
        r"state_dict\(\) before the next epoch\.$"
    )
    with pytest.raises(ValueError, match=message):
        first.state_dict()


@pytest.mark.parametrize("warmup", [0, 9])
def test_a_gate_that_has_become_nan_stops_the_search_in_its_epoch(warmup):
    supernet = toy()
    message = (
        r"^Epoch 2 of 9: the gate of 'op' has become NaN or infinite\. Take a lower learning rate "
        r"\(gate_optimizer\), and go on from an epoch before \(state\)\.$"
    )
    epochs = darts(supernet, *toy_data(), epochs=9, seed=0, warmup=warmup, **FAST)
    next(epochs)
    supernet.decisions["op"].logits.data[1] = torch.nan
    with pytest.raises(ValueError, match=message):
        next(epochs)


class Spoil(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            for gate in group["params"]:
                gate.data.fill_(torch.inf)


def test_a_gate_step_that_ends_in_nan_is_noticed_in_its_epoch():
    options = {"gate_optimizer": Spoil, "batch_size": 256}
    with pytest.raises(ValueError, match=r"^Epoch 1 of 3: the gate of 'node', 'op' has become"):
        search(toy(), **options)


def test_a_loss_that_has_become_nan_stops_the_search_in_its_epoch():
    supernet = toy()
    message = (
        r"^Epoch 2 of 3: the validation loss has become nan\. Take a lower learning rate "
        r"\(weight_optimizer\), and go on from an epoch before \(state\)\.$"
    )
    epochs = darts(supernet, *toy_data(), epochs=3, seed=0, **FAST)
    next(epochs)
    supernet.weights()[0].data.fill_(torch.nan)
    with pytest.raises(FloatingPointError, match=message):
        next(epochs)
    assert all(gate.logits.isfinite().all() for gate in supernet.gates)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_on_a_gpu_every_variant_searches_and_leaves_its_rng_alone(options):
    before = torch.cuda.get_rng_state()
    epochs = search(toy(), device="cuda", watch=Watch(eigenvalue=True), **options)
    assert len(epochs) == 3
    assert torch.equal(torch.cuda.get_rng_state(), before)
