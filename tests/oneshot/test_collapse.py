"""The watch on a search: what it measures, when it fires and when it does not."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn
from torch.func import functional_call

from optuna_nas import Supernet
from optuna_nas.oneshot import darts
from optuna_nas.oneshot import dominant_eigenvalue
from optuna_nas.oneshot import gate_entropy
from optuna_nas.oneshot import parameter_free_share
from optuna_nas.oneshot import Watch
from tests.oneshot.toys import FAST
from tests.oneshot.toys import search
from tests.oneshot.toys import toy
from tests.oneshot.toys import toy_data


def test_the_eigenvalue_is_that_of_the_whole_hessian():
    supernet = toy().double()
    with torch.no_grad():
        supernet.decisions["op"].logits.copy_(torch.tensor([0.3, -0.5, 1.0]))
    (x, y), _ = toy_data()
    x = x.double()
    names = [f"gates.{i}.logits" for i in range(2)]

    def loss(flat):
        parts = dict(zip(names, flat.split(3), strict=True))
        return nn.functional.cross_entropy(functional_call(supernet, parts, (x,)), y)

    gates = supernet.architecture_parameters()
    flat = torch.cat([gate.detach() for gate in gates])
    values = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, flat))
    expected = float(values[values.abs().argmax()])
    torch.manual_seed(0)
    found = dominant_eigenvalue(
        nn.functional.cross_entropy(supernet(x), y), gates, iterations=500, tolerance=1e-9
    )
    assert found == pytest.approx(expected, rel=1e-4)


def test_an_eigenvalue_keeps_its_sign():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    torch.manual_seed(0)
    assert dominant_eigenvalue(x[0] ** 2 - 3 * x[1] ** 2, [x]) == pytest.approx(-6, rel=1e-2)


@pytest.mark.parametrize("power", [1, 0])
def test_without_curvature_the_eigenvalue_is_zero(power):
    x, unused = torch.ones(2, requires_grad=True), torch.ones(1, requires_grad=True)
    loss = x.sum() if power else x.sum() + 0 * x.square().sum()
    assert dominant_eigenvalue(loss, [x, unused]) == 0


def test_entropy_goes_from_one_to_zero():
    supernet = toy()
    for gate in supernet.gates:
        gate.logits.data.zero_()
    assert gate_entropy(supernet) == pytest.approx(1)
    for gate in supernet.gates:
        gate.logits.data[0] = 50.0
    assert gate_entropy(supernet) == pytest.approx(0, abs=1e-9)


def test_entropy_counts_what_is_left():
    supernet = toy()
    for gate in supernet.gates:
        gate.logits.data.zero_()
    supernet.decisions["op"].logits.data[2] = 50.0
    supernet.drop("op", "linear")
    assert gate_entropy(supernet) == pytest.approx(1)
    supernet.drop("op", "skip")
    supernet.drop("node", 2)
    assert gate_entropy(supernet) == pytest.approx(1)


def test_entropy_of_gates_that_have_one_option_left_is_zero():
    supernet = Supernet(lambda trial: trial.suggest_module("op", {"a": nn.Identity}))
    assert gate_entropy(supernet) == 0


@pytest.mark.parametrize(("op", "share"), [("linear", 0.0), ("skip", 1.0), ("none", 1.0)])
def test_the_share_of_operations_without_parameters_is_counted(op, share):
    assert parameter_free_share(toy(), {"node": "0+1", "op": op}) == share


def test_where_no_option_has_parameters_nothing_is_counted():
    supernet = Supernet(lambda trial: trial.suggest_module("op", {"a": nn.ReLU, "b": nn.Tanh}))
    assert parameter_free_share(supernet, {"op": "a"}) is None


RISING, STEADY = [1.0, 1.1, 0.9, 2.0, 2.5, 3.0], [1.0, 1.1, 0.9, 1.1, 1.2, 1.0]


def test_the_watch_fires_when_the_eigenvalue_rises_and_not_else():
    watch = Watch(eigenvalue=True, window=3)
    assert watch.sharper(RISING) == (
        "the dominant eigenvalue of the validation Hessian grew from 1 to 2.5 within 3 epochs"
    )
    assert watch.sharper([-value for value in RISING]) is not None
    assert watch.sharper(STEADY) is None
    assert watch.sharper(RISING[::-1]) is None
    assert watch.sharper(RISING[1:]) is None  # less than two windows


@pytest.mark.parametrize(
    ("share", "reason"),
    [
        (1.0, "100% of the operations chosen have no parameters"),
        (0.8, "80% of the operations chosen have no parameters"),
        (0.75, None),
        (None, None),
    ],
)
def test_the_watch_fires_when_most_operations_have_no_parameters(share, reason):
    assert Watch().simpler(share) == reason


def test_a_search_that_prefers_skipping_says_that_it_collapsed():
    supernet = toy()
    supernet.decisions["op"].logits.data[1] = 9.0
    epochs = search(supernet, 2, warmup=2)
    assert epochs[-1].parameter_free == 1
    assert epochs[-1].collapsed == "100% of the operations chosen have no parameters"
    assert not epochs[-1].stopped


def test_a_search_that_grows_sharp_stops_with_the_gates_of_a_window_ago():
    supernet, logits = toy(), []
    watch = Watch(eigenvalue=True, window=1, ratio=1.0)
    for epoch in darts(supernet, *toy_data(), epochs=20, seed=0, watch=watch, **FAST):
        logits.append(supernet.decisions["op"].logits.detach().clone())
        last = epoch
    assert last.stopped
    assert 2 <= last.epoch < 20
    assert re.fullmatch(
        r"the dominant eigenvalue of the validation Hessian grew from \S+ to \S+ within 1 epochs; "
        rf"the gates are those of epoch {last.epoch - 1}",
        last.collapsed,
    )
    assert torch.equal(logits[-1], logits[-2])
    assert last.params == supernet.params()


def test_a_search_that_is_watched_but_steady_runs_to_its_end():
    epochs = search(toy(), 6, watch=Watch(eigenvalue=True, window=2, ratio=0.0))
    assert len(epochs) == 6
    assert all(epoch.eigenvalue is not None for epoch in epochs)
    assert not any(epoch.stopped for epoch in epochs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameter_free": 1.5}, "Watch: parameter_free must be in [0, 1], but is 1.5."),
        ({"ratio": -1}, "Watch: ratio must be in [0, 1], but is -1."),
        ({"window": 0}, "Watch: window must be at least 1, but is 0."),
    ],
)
def test_a_watch_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Watch(**options)
