"""Probabilities of a gate, against brute force."""

from itertools import permutations
import math

from optuna.distributions import CategoricalDistribution
from optuna.distributions import IntDistribution
import pytest
import torch

from optuna_nas.oneshot import Gate
from optuna_nas.oneshot import softmax


def inputs(n: int, k: int) -> Gate:
    combinations = {"+".join(map(str, sorted(p[:k]))) for p in permutations(range(n))}
    distribution = CategoricalDistribution(sorted(combinations))
    return Gate("node", distribution, range(n), k)


def module(*options: str) -> Gate:
    return Gate("op", CategoricalDistribution(options), options, k=1)


def test_logits_begin_as_the_noise_of_darts_from_torchs_rng():
    torch.manual_seed(0)
    logits = Gate("n", IntDistribution(1, 5000), range(5000), k=1).logits
    assert logits.std().item() == pytest.approx(1e-3, rel=0.05)
    torch.manual_seed(0)
    assert torch.equal(logits, 1e-3 * torch.randn(5000))


def test_the_probability_of_an_option_is_the_softmax():
    gate = module("a", "b", "c")
    gate.logits.data = torch.tensor([0.5, -1.0, 2.0])
    expected = gate.logits.double().softmax(0).tolist()
    assert [math.exp(log) for log in gate.log_probabilities().values()] == pytest.approx(expected)


def test_shares_are_the_softmax_of_what_is_left():
    gate = module("a", "b", "c")
    gate.logits.data = torch.tensor([0.5, -1.0, 2.0])
    gate.drop(["b"])
    expected = torch.tensor([0.5, 2.0]).softmax(0).tolist()
    assert list(gate.shares()) == ["a", "c"]
    assert list(gate.shares().values()) == pytest.approx(expected)


def test_the_probability_of_inputs_is_that_of_drawing_them_one_by_one():
    gate = inputs(4, 3)
    gate.logits.data = torch.tensor([0.5, -1.0, 2.0, 0.0])
    p = gate.logits.double().softmax(0).tolist()
    expected = dict.fromkeys(gate.choices, 0.0)
    for order in permutations(range(4), 3):
        rest, probability = 1.0, 1.0
        for i in order:
            probability, rest = probability * p[i] / rest, rest - p[i]
        expected["+".join(map(str, sorted(order)))] += probability
    found = {choice: math.exp(log) for choice, log in gate.log_probabilities().items()}
    assert found == pytest.approx(expected)
    assert sum(found.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(5))
def test_the_k_strongest_inputs_are_the_most_probable(seed):
    torch.manual_seed(seed)
    gate = inputs(5, 2)
    gate.logits.data.normal_()
    logs = gate.log_probabilities()
    strongest = sorted(gate.logits.topk(2).indices.tolist())
    assert max(logs, key=logs.__getitem__) == "+".join(map(str, strongest))


def test_logits_far_apart_give_probabilities_all_the_same():
    gate = inputs(3, 2)
    gate.logits.data = torch.tensor([1e4, 0.0, -1e4])
    logs = gate.log_probabilities()
    assert logs["0+1"] == 0.0
    assert logs["0+2"] == -1e4
    assert logs["1+2"] == pytest.approx(-3e4 + math.log(2))


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_gate_that_has_become_nan_is_named(number):
    gate = module("a", "b")
    gate.logits.data = torch.tensor([0.0, number])
    with pytest.raises(ValueError, match=rf"Decision 'op': its gate has become \[0.0, {number}\]"):
        gate.log_probabilities()


def test_what_was_dropped_has_no_weight_and_no_probability():
    gate = inputs(4, 2)
    gate.drop([1])
    assert list(gate.log_probabilities()) == ["0+2", "0+3", "2+3"]
    weights = gate.relaxed(softmax)
    assert weights[1] == 0.0
    kept = torch.tensor([0, 2, 3])
    torch.testing.assert_close(weights[kept], gate.logits[kept].softmax(0))
    weights[0].backward()
    assert gate.logits.grad[1] == 0.0
    assert gate.logits.grad.isfinite().all()


def test_not_all_can_be_dropped():
    gate = inputs(3, 2)
    with pytest.raises(
        ValueError, match=r"^Decision 'node' needs 2 of 0, 1, 2, so they cannot all be dropped\.$"
    ):
        gate.drop([0, 2])
    assert gate.kept.all()


def test_what_is_not_there_cannot_be_dropped():
    with pytest.raises(
        ValueError, match=r"^Decision 'op' has no 'c', 'd' to drop, but 'a', 'b'\.$"
    ):
        module("a", "b").drop(["c", "a", "d"])


def test_a_relaxation_gives_a_weight_for_each_logit():
    with pytest.raises(
        ValueError,
        match=r"^Decision 'op': the relaxation gave weights of shape \[1\] for logits of shape "
        r"\[2\]\.$",
    ):
        module("a", "b").relaxed(lambda logits, k: logits[:1])


def test_a_gate_shows_its_decision():
    assert repr(module("a", "b")) == "Gate('op', ['a', 'b'])"
