"""What holds for every proxy."""

from __future__ import annotations

from collections.abc import Callable
import math
import pickle
import re
import threading
from typing import Any

from optuna.trial import FixedTrial
import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_nas import proxies
from optuna_nas.proxies import Unscored
from tests.proxies.networks import labels
from tests.proxies.networks import mlp
from tests.proxies.networks import network
from tests.proxies.networks import NETWORKS
from tests.proxies.networks import Tokens


Score = Callable[[nn.Module, Any], float]
ALL: list[Any] = [
    proxies.fisher,
    proxies.grad_norm,
    proxies.grasp,
    proxies.jacob_cov,
    proxies.l2_norm,
    proxies.naswot,
    proxies.snip,
    proxies.synflow,
    proxies.zen,
    proxies.zico,
]
every = pytest.mark.parametrize("score", ALL, ids=lambda score: score.__name__)
WITH_LABELS = {"fisher", "grad_norm", "grasp", "snip", "zico"}


@every
@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_of_all_kinds_have_a_score(score: Score, kind: str) -> None:
    net, batch = network(kind)
    value = score(net, batch)
    assert math.isfinite(value), getattr(value, "reason", "")


@every
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_network_is_left_as_it_was(score: Score, kind: str) -> None:
    net, batch = network(kind)
    net(batch[0]).sum().backward()
    list(net.modules())[-1].eval()
    first = next(net.parameters())
    first.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    slopes = {n: p.grad.clone() for n, p in net.named_parameters() if p.grad is not None}
    trained = {n: p.requires_grad for n, p in net.named_parameters()}
    modes = [part.training for part in net.modules()]
    score(net, batch)
    assert all(torch.equal(before[n], tensor) for n, tensor in net.state_dict().items())
    assert all(torch.equal(slopes[n], dict(net.named_parameters())[n].grad) for n in slopes)
    assert {n: p.requires_grad for n, p in net.named_parameters()} == trained
    assert [part.training for part in net.modules()] == modes
    assert not any(part._forward_hooks or part._backward_hooks for part in net.modules())
    assert not batch[0].requires_grad
    assert batch[0].grad is None


@every
def test_the_random_numbers_that_follow_are_the_same(score: Score) -> None:
    net, batch = network("attention")
    torch.manual_seed(0)
    score(net, batch)
    after = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(3))


@every
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_score_does_not_depend_on_dropout_mode_or_what_was_drawn_before(
    score: Score, kind: str
) -> None:
    net, batch = network(kind)
    first = score(net, batch)
    torch.rand(7)
    assert score(net.eval(), batch) == first


@every
def test_under_no_grad_the_score_is_the_same(score: Score) -> None:
    net, batch = network("residual")
    first = score(net, batch)
    with torch.no_grad():
        assert score(net, batch) == first


@every
def test_a_proxy_can_be_sent_to_a_worker(score: Score) -> None:
    assert pickle.loads(pickle.dumps(score)) is score


@every
def test_tensors_computed_from_parameters_do_not_keep_a_network_from_its_score(
    score: Score,
) -> None:
    class Scaled(nn.Linear):
        def __init__(self) -> None:
            super().__init__(5, 64)
            self.scale = torch.ones(64) * self.weight.sum()

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(super().forward(x)) * self.scale

    batch = network("mlp")[1]
    assert math.isfinite(score(Scaled(), batch))


@pytest.mark.parametrize("score", [s for s in ALL if s.__name__ not in {"jacob_cov", "zen"}])
def test_a_network_of_tokens_has_a_score(score: Score) -> None:
    assert math.isfinite(score(Tokens(), (torch.arange(24).reshape(4, 6) % 20, labels(4))))


@pytest.mark.parametrize("score", [proxies.jacob_cov, proxies.zen])
def test_proxies_that_change_inputs_say_that_tokens_cannot_be_changed(score: Score) -> None:
    value = score(Tokens(), (torch.arange(24).reshape(4, 6) % 20, None))
    assert isinstance(value, Unscored)
    assert "the inputs are integers" in value.reason


@every
def test_a_regression_is_scored_by_its_squared_error(score: Score) -> None:
    net, (x, _) = network("mlp")
    assert math.isfinite(score(net, (x.double().numpy(), torch.rand(8, 4).double())))


@pytest.mark.parametrize("score", [s for s in ALL if s.__name__ in WITH_LABELS])
def test_outputs_of_another_shape_than_the_targets_give_no_score_and_the_reason(
    score: Score,
) -> None:
    value = score(mlp(), (torch.rand(8, 5), torch.rand(8, 3)))
    assert isinstance(value, Unscored)
    assert re.search(r"outputs have shape \(., 4\), but the targets have \(., 3\)", value.reason)


@every
def test_a_network_that_cannot_be_run_has_no_score_and_a_reason(score: Score) -> None:
    class Wrong(nn.Linear):
        def forward(self, x: Tensor) -> Any:
            return super().forward(x), x

    value = score(Wrong(5, 4), network("mlp")[1])
    if score is proxies.l2_norm:  # which runs nothing
        assert value > 0
        return
    assert value == -math.inf
    assert isinstance(value, Unscored)
    assert "the network gave no tensor, but tuple" in value.reason


@every
def test_a_network_whose_forward_asserts_what_does_not_hold_has_no_score_and_a_reason(
    score: Score,
) -> None:
    class Narrow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.attention(x, x, x, need_weights=False)[0]

    value = score(Narrow(), network("attention")[1])
    if score is proxies.l2_norm:  # which runs nothing
        assert value > 0
        return
    assert isinstance(value, Unscored)
    assert "expecting embedding dimension of 6, but got 8" in value.reason


@every
def test_a_network_that_cannot_be_copied_has_no_score_and_a_reason(score: Score) -> None:
    net, batch = network("mlp")
    net.lock = threading.Lock()
    value = score(net, batch)
    assert isinstance(value, Unscored)
    message = (
        rf"{score.__name__}: the network cannot be copied: cannot pickle '_thread.lock' object"
    )
    assert re.match(message, value.reason)


def test_a_type_error_of_the_network_is_a_bug() -> None:
    class Wrong(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x, x)  # type: ignore[call-arg]

    with pytest.raises(TypeError, match=r"takes 2 positional arguments but 3 were given"):
        proxies.snip(Wrong(5, 4), network("mlp")[1])


def test_one_row_is_too_few_for_batch_norm_and_the_reason_says_so() -> None:
    net = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4))
    score = proxies.snip(net, (torch.rand(1, 5), torch.zeros(1).long()))
    assert isinstance(score, Unscored)
    assert "more than 1 value per channel" in score.reason


def test_why_there_is_no_score_survives_a_pickle() -> None:
    unscored = pickle.loads(pickle.dumps(Unscored("too deep")))
    assert unscored == -math.inf
    assert unscored.reason == "too deep"


@every
def test_an_empty_batch_is_refused(score: Score) -> None:
    message = rf"{score.__name__}: batch must hold at least one row, but is empty"
    with pytest.raises(ValueError, match=message):
        score(mlp(), (torch.empty(0, 5), torch.empty(0, dtype=torch.long)))


@every
def test_a_batch_on_another_device_is_refused(score: Score) -> None:
    message = rf"{score.__name__}: batch must be on the module's device, 'meta', but is on 'cpu'"
    with pytest.raises(ValueError, match=message):
        score(mlp().to("meta"), network("mlp")[1])


def test_a_batch_on_two_devices_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one device, but is on \['cpu', 'meta'\]"):
        proxies.snip(mlp(), (torch.rand(8, 5), labels().to("meta")))


@every
def test_a_network_without_parameters_is_refused(score: Score) -> None:
    with pytest.raises(ValueError, match=r"module ReLU has no parameters to score"):
        score(nn.ReLU(), network("mlp")[1])


@every
def test_no_labels_are_refused_only_where_they_are_needed(score: Score) -> None:
    batch = (network("mlp")[1][0], None)
    if score.__name__ in WITH_LABELS:
        with pytest.raises(ValueError, match=rf"{score.__name__} needs labels, but batch has"):
            score(mlp(), batch)
    else:
        assert math.isfinite(score(mlp(), batch))


def test_as_many_targets_as_inputs_are_needed() -> None:
    with pytest.raises(ValueError, match=r"as many targets as inputs, but has \[3, 8\] rows"):
        proxies.snip(mlp(), (torch.rand(8, 5), torch.zeros(3).long()))


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (torch.rand(8, 5), r"batch must be \(inputs, targets\).*but is Tensor of 8"),
        (None, r"batch must be \(inputs, targets\).*but is NoneType"),
        (("text", None), r"batch must hold tensors or arrays of numbers"),
        ((torch.tensor(1.0), None), r"must hold rows, \[n, ...\], but holds a single number"),
        (((), None), r"must hold rows"),
    ],
)
def test_what_is_no_batch_is_refused(batch: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        proxies.naswot(mlp(), batch)


@every
def test_a_proxy_that_is_given_a_trial_says_that_it_needs_its_batch(score: Score) -> None:
    name = score.__name__
    message = rf"{name} takes a batch, but was given a trial: .* write Proxy\({name}, batch\)"
    with pytest.raises(TypeError, match=message):
        score(mlp(), FixedTrial({}))


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(TypeError, match=r"naswot: module must be an nn.Module, but is type"):
        proxies.naswot(nn.ReLU, network("mlp")[1])  # type: ignore[arg-type]


@every
@pytest.mark.parametrize("kind", ["attention", "lstm", "mlp", "residual"])
def test_dropout_is_off(score: Score, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net, batch = network(kind)
    first = score(net, batch)
    for part in net.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
        if isinstance(part, nn.MultiheadAttention | nn.RNNBase):
            part.dropout = 0.0
    monkeypatch.setattr(torch.nn.functional, "dropout", lambda x, *_, **__: x)
    assert score(net, batch) == first
