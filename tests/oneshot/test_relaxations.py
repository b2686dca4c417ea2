"""Relaxations: what weights they give, and what gradients they let pass."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from optuna_nas import Supernet
from optuna_nas.oneshot import decay
from optuna_nas.oneshot import gumbel
from optuna_nas.oneshot import linear
from optuna_nas.oneshot import sigmoid
from optuna_nas.oneshot import softmax
from optuna_nas.oneshot import zero_one
from optuna_nas.oneshot._schedules import paper_schedule


LOGITS = torch.tensor([0.5, -math.inf, 1.0, -0.3])


@pytest.mark.parametrize("k", [1, 2, 3])
def test_gumbel_takes_exactly_k_and_never_what_was_dropped(k):
    torch.manual_seed(0)
    for _ in range(50):
        weights = gumbel(LOGITS, k, temperature=0.1)
        assert sorted(weights.tolist()) == [0.0] * (4 - k) + [1.0] * k
        assert weights[1] == 0


def test_gumbel_draws_options_as_often_as_their_softmax_says():
    torch.manual_seed(0)
    mean = torch.stack([gumbel(LOGITS, 1) for _ in range(4000)]).mean(0)
    assert torch.allclose(mean, LOGITS.softmax(0), atol=0.03)


def test_gumbel_passes_the_gradient_of_the_softmax():
    logits = torch.tensor([0.5, 1.0, -0.3], requires_grad=True)
    values = torch.tensor([1.0, 2.0, 3.0])
    torch.manual_seed(0)
    (found,) = torch.autograd.grad(gumbel(logits, 1, temperature=2.0) @ values, logits)
    torch.manual_seed(0)
    noise = -torch.empty(3).exponential_().log()
    soft = ((logits.log_softmax(0) + noise) / 2).softmax(0)
    (expected,) = torch.autograd.grad(soft @ values, logits)
    assert torch.allclose(found, expected)


@pytest.mark.parametrize("temperature", [10.0, 0.1])
def test_gradients_are_finite_where_options_were_dropped(temperature):
    logits = torch.zeros(4, requires_grad=True)
    kept = torch.tensor([True, False, True, True])
    weights = gumbel(logits.masked_fill(~kept, -math.inf), 2, temperature)
    weights.cumsum(0).sum().backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[1] == 0


def test_sigmoids_do_not_compete():
    weights = sigmoid(torch.tensor([0.0, 0.0, -math.inf]), 1)
    assert weights.tolist() == [0.5, 0.5, 0.0]


def repeat(trial):
    body = trial.suggest_repeat("depth", 1, 3, lambda i: nn.Linear(4, 4))
    return nn.Sequential(body, trial.suggest_module("op", {"a": nn.ReLU, "b": nn.Tanh}))


def test_sigmoids_of_exits_compete_since_a_repeat_is_left_once():
    decisions = Supernet(repeat).decisions
    logits = torch.tensor([2.0, -1.0, 0.5])
    decisions["depth"].logits.data = logits
    found = decisions["depth"].relaxed(sigmoid).detach()
    assert torch.allclose(found, logits.sigmoid() / logits.sigmoid().sum())
    assert float(found.sum()) == pytest.approx(1.0)
    assert decisions["op"].relaxed(sigmoid).tolist() == pytest.approx([0.5, 0.5], abs=1e-2)


@pytest.mark.parametrize("relaxation", [softmax, gumbel])
def test_what_sums_to_one_already_is_the_same_for_exits(relaxation):
    gate = Supernet(repeat).decisions["depth"]
    torch.manual_seed(0)
    found = gate.relaxed(relaxation)
    torch.manual_seed(0)
    expected = relaxation(gate.logits, 1)
    assert torch.allclose(found, expected)
    values = torch.tensor([1.0, 2.0, 3.0])
    slopes = [torch.autograd.grad(w @ values, gate.logits)[0] for w in (found, expected)]
    assert torch.allclose(*slopes, atol=1e-6)


def test_exits_of_weight_zero_are_named():
    supernet = Supernet(repeat)
    supernet.relaxation = lambda logits, k: logits * 0.0
    with pytest.raises(
        ValueError, match=r"^Decision 'depth': the relaxation gave weight 0 to all of 1, 2, 3, so"
    ):
        supernet(torch.randn(2, 4))


def test_the_zero_one_loss_leaves_exits_alone():
    supernet = Supernet(repeat)
    zero_one()(supernet.gates).backward()
    assert supernet.decisions["depth"].logits.grad is None
    assert supernet.decisions["op"].logits.grad.abs().max() > 0
    assert zero_one()([supernet.decisions["depth"]]) == 0


class Two(nn.Module):
    def __init__(self, trial):
        super().__init__()
        self.op = trial.suggest_module("op", {"a": nn.Identity, "b": nn.Tanh, "c": nn.ReLU})

    def forward(self, x):
        return self.op(x)


def test_the_zero_one_loss_is_that_of_the_paper():
    supernet = Supernet(Two)
    gate = supernet.decisions["op"]
    gate.logits.data = torch.tensor([0.3, -2.0, 5.0])
    supernet.drop("op", "c")
    expected = -3 * sum((1 / (1 + math.exp(-a)) - 0.5) ** 2 for a in (0.3, -2.0)) / 2
    assert float(zero_one(3.0)(supernet.gates).detach()) == pytest.approx(expected)


def test_the_zero_one_loss_pushes_sigmoids_to_zero_or_one():
    supernet = Supernet(Two)
    gate = supernet.decisions["op"]
    gate.logits.data = torch.tensor([0.1, -0.1, 0.2])
    optimizer = torch.optim.Adam(supernet.architecture_parameters(), lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        zero_one()(supernet.gates).backward()
        optimizer.step()
    assert gate.logits.sigmoid().round(decimals=1).tolist() == [1.0, 0.0, 1.0]


def test_schedules_go_from_start_to_end():
    assert [linear(10, 0.5)(p) for p in (0.0, 0.5, 1.0)] == [10, 5.25, 0.5]
    assert [decay(0.4)(p) for p in (0.0, 1.0)] == [0.4, 0.4 * math.exp(-5)]
    assert [0.025 * paper_schedule(p) for p in (0.0, 1.0)] == pytest.approx([0.025, 0.001])
