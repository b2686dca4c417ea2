"""Each proxy against its formula written out another way."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas import build
from optuna_nas import proxies
from optuna_nas import spaces
from tests.proxies.networks import labels
from tests.proxies.networks import network
from tests.proxies.networks import Recurrent
from tests.proxies.networks import sequences
from tests.proxies.networks import Stepped


@pytest.fixture
def plain() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 6, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 36, 4)
        )


def loss(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return F.cross_entropy(net(batch[0]), batch[1])


def weights(net: nn.Module) -> list[Tensor]:
    return [p for p in net.parameters() if p.ndim > 1]


def batch() -> tuple[Tensor, Tensor]:
    return network("residual")[1]


def test_synflow_is_the_sum_over_all_paths_once_for_each_layer() -> None:
    net = nn.Sequential(
        nn.Linear(5, 7, bias=False), nn.ReLU(), nn.Linear(7, 3, bias=False), nn.Linear(3, 2)
    )
    nn.init.zeros_(net[3].bias)
    first, second, third = (net[i].weight.detach().double().abs() for i in (0, 2, 3))
    paths = (third @ second @ first).sum()
    assert proxies.synflow(net, (torch.rand(4, 5), None)) == pytest.approx(math.log(3 * paths))


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(7), nn.LayerNorm(7), nn.GroupNorm(7, 7)])
def test_synflow_passes_normalisation_by(norm: nn.Module) -> None:
    first, second = nn.Linear(5, 7), nn.Linear(7, 3)
    rows = (torch.rand(4, 5), None)
    plain = proxies.synflow(nn.Sequential(first, second), rows)
    assert proxies.synflow(nn.Sequential(first, norm, second), rows) == pytest.approx(plain)


def test_synflow_says_that_nothing_flows_through_a_network_that_is_cut() -> None:
    net = nn.Linear(5, 3, bias=False)
    nn.init.zeros_(net.weight)
    score = proxies.synflow(net, (torch.rand(4, 5), None))
    assert isinstance(score, proxies.Unscored)
    assert "nothing flows from the inputs to the outputs" in score.reason


def test_snip_is_the_gradient_by_masks_that_are_all_one(plain: nn.Sequential) -> None:
    conv, linear = plain[0], plain[3]
    masks = [torch.ones_like(w, requires_grad=True) for w in weights(plain)]
    x, y = batch()
    hidden = F.relu(F.conv2d(x, conv.weight * masks[0])).flatten(1)
    F.cross_entropy(F.linear(hidden, linear.weight * masks[1], linear.bias), y).backward()
    expected = sum(float(mask.grad.abs().sum()) for mask in masks if mask.grad is not None)
    assert proxies.snip(plain, batch()) == pytest.approx(expected, rel=1e-4)


def test_grad_norm_adds_the_norms_of_matrices_and_kernels(plain: nn.Sequential) -> None:
    slopes = torch.autograd.grad(loss(plain, batch()), weights(plain))
    expected = sum(float(np.linalg.norm(slope.numpy())) for slope in slopes)
    assert proxies.grad_norm(plain, batch()) == pytest.approx(expected, rel=1e-4)


def test_l2_norm_adds_the_norms_of_the_weights(plain: nn.Sequential) -> None:
    expected = sum(float(np.linalg.norm(w.detach().numpy())) for w in weights(plain))
    assert proxies.l2_norm(plain, batch()) == pytest.approx(expected, rel=1e-5)


def test_grasp_is_the_weights_times_the_hessian_times_the_gradient() -> None:
    net = nn.Linear(5, 4, bias=False)
    x, y = network("mlp")[1]

    def by(weight: Tensor) -> Tensor:
        return F.cross_entropy(F.linear(x, weight), y)

    weight = net.weight.detach()
    slope = torch.func.grad(by)(weight)
    _, curved = torch.autograd.functional.hvp(by, weight, slope)
    expected = -(weight * curved).sum()
    assert proxies.grasp(net, (x, y)) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("gate", [nn.Hardsigmoid(), nn.Hardswish(), nn.SiLU()])
def test_grasp_takes_activations_of_mobile_networks(gate: nn.Module) -> None:
    net = nn.Sequential(nn.Linear(5, 8), gate, nn.Linear(8, 4))
    assert math.isfinite(proxies.grasp(net, network("mlp")[1]))


def test_naswot_counts_units_that_two_rows_have_in_common(plain: nn.Sequential) -> None:
    x, _ = batch()
    codes = (plain[0](x) > 0).flatten(1).numpy()
    kernel = np.array([[(a == b).sum() for a in codes] for b in codes], dtype=float)
    assert proxies.naswot(plain, (x, None)) == pytest.approx(np.linalg.slogdet(kernel)[1])


def test_naswot_sees_activations_that_are_functions() -> None:
    class Function(nn.Module):
        def __init__(self, net: nn.Sequential) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor) -> Tensor:
            return self.net[3](self.net[2](F.relu(input=self.net[0](x))))

    net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 4))
    assert proxies.naswot(Function(net), batch()) == proxies.naswot(net, batch())


def test_naswot_takes_the_signs_of_what_a_recurrent_layer_gives() -> None:
    net, x = Recurrent(nn.RNN), sequences()
    net.cell.dropout = 0.0
    codes = (net.cell(x)[0] > 0).flatten(1).numpy()
    kernel = np.array([[(a == b).sum() for a in codes] for b in codes], dtype=float)
    assert proxies.naswot(net, (x, None)) == pytest.approx(np.linalg.slogdet(kernel)[1])


@pytest.mark.parametrize(
    ("cell", "layer"),
    [
        (nn.LSTMCell, nn.LSTM),
        (nn.GRUCell, nn.GRU),
        (nn.RNNCell, nn.RNN),
        (partial(nn.RNNCell, nonlinearity="relu"), partial(nn.RNN, nonlinearity="relu")),
    ],
    ids=["lstm", "gru", "tanh", "relu"],
)
def test_naswot_sees_a_cell_step_by_step_as_it_does_a_recurrent_layer(
    cell: Callable[..., nn.Module], layer: Callable[..., nn.Module]
) -> None:
    stepped, whole, x = Stepped(cell), layer(8, 40, batch_first=True), sequences()
    whole.load_state_dict({f"{n}_l0": p for n, p in stepped.cell.state_dict().items()})

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = whole

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x)[0]

    expected = proxies.naswot(Whole(), (x, None))
    assert math.isfinite(expected)
    assert proxies.naswot(stepped, (x, None)) == pytest.approx(expected)


def test_fisher_sees_a_cell_as_it_does_a_recurrent_layer_that_is_called_for_each_step() -> None:
    class OneStep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.LSTM(8, 40, batch_first=True)

        def forward(self, x: Tensor, state: Any) -> Any:
            before = state if state is None else (state[0][None], state[1][None])
            h, (_, c) = self.layer(x[:, None], before)
            return h[:, 0], c[0]

    cells, layers, batch = Stepped(), Stepped(), (sequences(), labels())
    layers.head = cells.head
    layers.cell = OneStep()
    states = {f"layer.{n}_l0": p for n, p in cells.cell.state_dict().items()}
    layers.cell.load_state_dict(states)
    expected = proxies.fisher(layers, batch)
    assert proxies.fisher(cells, batch) == pytest.approx(expected, rel=1e-4)
    assert expected > proxies.fisher(frozen(cells), batch) > 0


def frozen(net: Stepped) -> Stepped:
    """What is left of a network's score without its cell's."""
    copy = deepcopy(net)
    copy.cell.requires_grad_(False)
    return copy


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (nn.Linear(5, 3), "the network has no activations"),
        (nn.Sequential(nn.Linear(5, 1), nn.ReLU()), "two rows of the batch have one code"),
    ],
)
def test_naswot_says_why_it_has_no_score(net: nn.Module, reason: str) -> None:
    score = proxies.naswot(net, (network("mlp")[1][0], None))
    assert isinstance(score, proxies.Unscored)
    assert reason in score.reason


def test_jacob_cov_is_of_the_eigenvalues_of_the_rows_correlations(plain: nn.Sequential) -> None:
    x, _ = batch()
    rows = [torch.func.grad(lambda row: plain(row[None]).sum())(row).flatten() for row in x]
    values = np.linalg.eigvals(np.corrcoef(torch.stack(rows).detach().double().numpy())) + 1e-5
    expected = -(np.log(values) + 1 / values).sum().real
    assert proxies.jacob_cov(plain, (x, None)) == pytest.approx(expected, rel=1e-3)


def test_jacob_cov_says_that_one_row_is_not_enough(plain: nn.Sequential) -> None:
    score = proxies.jacob_cov(plain, (batch()[0][:1], None))
    assert isinstance(score, proxies.Unscored)
    assert "there is but one row" in score.reason


class Sequences(nn.Module):
    """Takes ``[n, steps, 8]``; inside, steps may come first."""

    def __init__(self, layer: Callable[..., nn.Module], batch_first: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = layer(batch_first=batch_first)
        self.each = nn.Linear(8, 4)
        self.batch_first = batch_first

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.batch_first else x.transpose(0, 1)
        found = self.layer(x)
        each = self.each(F.relu(found if isinstance(found, Tensor) else found[0]))
        return each.mean(1 if self.batch_first else 0)


LAYERS = {
    "lstm": partial(nn.LSTM, 8, 8),
    "gru both ways": partial(nn.GRU, 8, 4, bidirectional=True),
    "attention": partial(nn.TransformerEncoderLayer, 8, 2, 16, 0.0),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_fisher_is_the_same_whether_rows_or_steps_come_first_inside(kind: str) -> None:
    first, second = (Sequences(LAYERS[kind], yes) for yes in (True, False))
    batch = sequences(), labels()
    assert proxies.fisher(second, batch) == pytest.approx(proxies.fisher(first, batch), rel=1e-4)


@pytest.mark.parametrize("kind", LAYERS)
def test_fisher_does_not_guess_which_are_rows_where_there_are_as_many_steps(kind: str) -> None:
    batch = sequences(rows=6), labels(6)
    assert math.isfinite(proxies.fisher(Sequences(LAYERS[kind], True), batch))
    score = proxies.fisher(Sequences(LAYERS[kind], False), batch)
    assert isinstance(score, proxies.Unscored)
    assert "as many steps as rows (6), which cannot be told apart: score" in score.reason


def test_fisher_takes_a_layer_on_a_vector_that_belongs_to_no_row() -> None:
    class Told(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vector = nn.Parameter(torch.ones(3))
            self.shift, self.head = nn.Linear(3, 8), nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(x.mean(1) + self.shift(self.vector))

    assert proxies.fisher(Told(), (sequences(), labels())) > 0


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_fisher_says_that_it_cannot_score_packed_sequences(kind: type[nn.RNNBase]) -> None:
    class Packed(Recurrent):
        def forward(self, x: Tensor) -> Tensor:
            packed = nn.utils.rnn.pack_padded_sequence(x, torch.full((8,), 6), batch_first=True)
            found, _ = nn.utils.rnn.pad_packed_sequence(self.cell(packed)[0], batch_first=True)
            return self.head(found[:, -1])

    score = proxies.fisher(Packed(kind), (sequences(), labels()))
    assert isinstance(score, proxies.Unscored)
    assert "the rows of a packed sequence cannot be told apart" in score.reason


def test_fisher_weighs_a_channels_saliency_by_its_weights(plain: nn.Sequential) -> None:
    x, y = batch()
    conv = plain[0](x)
    out = plain[3](F.relu(conv).flatten(1))
    slopes = torch.autograd.grad(F.cross_entropy(out, y), [conv, out])
    of_conv = (conv * slopes[0]).sum((2, 3)).square().mean(0).sum() / 2
    of_linear = (out * slopes[1]).square().mean(0).sum() / 2
    expected = (3 * 9 * of_conv + 6 * 36 * of_linear).item()
    assert proxies.fisher(plain, (x, y)) == pytest.approx(expected, rel=1e-4)


def test_fisher_says_that_there_is_no_layer_it_knows() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1, 5))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.weight

    score = proxies.fisher(Scale(), network("mlp")[1])
    assert isinstance(score, proxies.Unscored)
    assert "no convolution, linear or recurrent layer" in score.reason


def test_zen_puts_back_what_batch_norm_took_out() -> None:
    layers = [nn.Conv2d(3, 32, 3), nn.Conv2d(32, 32, 3)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4)]
    norm = nn.BatchNorm2d(32)
    plain = proxies.zen(nn.Sequential(layers[0], layers[1], *head), batch())
    normed = proxies.zen(nn.Sequential(layers[0], norm, layers[1], *head), batch())
    assert normed == pytest.approx(plain, abs=0.2)


def test_zen_of_a_linear_network_is_how_far_random_weights_carry_a_hundredth() -> None:
    inputs, units = 50, 400
    net = nn.Sequential(nn.Linear(inputs, units, bias=False), nn.Linear(units, 4))
    # A unit changes by a normal number of deviation 0.01 sqrt(inputs).
    expected = math.log(units * 0.01 * math.sqrt(inputs) * math.sqrt(2 / math.pi))
    assert proxies.zen(net, (torch.rand(64, inputs), None)) == pytest.approx(expected, abs=0.1)


def test_zico_is_large_where_two_halves_agree_on_a_gradient(plain: nn.Sequential) -> None:
    x, y = batch()
    halves = [
        torch.autograd.grad(loss(plain, (x[i], y[i])), weights(plain))
        for i in (slice(0, 4), slice(4, 8))
    ]
    expected = 0.0
    for pair in zip(*halves, strict=True):
        slopes = np.stack([slope.double().numpy() for slope in pair])
        mean, deviation = np.abs(slopes).mean(0), slopes.std(0)
        expected += math.log((mean[deviation > 0] / deviation[deviation > 0]).sum())
    assert proxies.zico(plain, (x, y)) == pytest.approx(expected, rel=1e-3)


def test_zico_says_that_two_rows_are_not_enough(plain: nn.Sequential) -> None:
    x, y = batch()
    score = proxies.zico(plain, (x[:2], y[:2]))
    assert isinstance(score, proxies.Unscored)
    assert "two halves take at least four rows, but there are 2" in score.reason


def test_weights_that_are_frozen_do_not_count(plain: nn.Sequential) -> None:
    before = proxies.snip(plain, batch())
    plain[0].requires_grad_(False)
    assert 0 < proxies.snip(plain, batch()) < before
    plain.requires_grad_(False)
    score = proxies.snip(plain, batch())
    assert isinstance(score, proxies.Unscored)
    assert "no weights that take a gradient" in score.reason


def test_published_scores_of_a_network_are_ours() -> None:
    """NAS-Bench-Suite-Zero, architecture 5480; these two hardly depend on the weights."""
    params = spaces.NASBench201.from_arch_string(ARCHITECTURE)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = build(spaces.NASBench201(), params)
    rows = (torch.rand(2, 3, 32, 32), None)
    assert proxies.synflow(net, rows) == pytest.approx(50.5529, abs=0.05)
    assert proxies.l2_norm(net, rows) == pytest.approx(78.667, abs=0.5)


ARCHITECTURE = (
    "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|avg_pool_3x3~0|nor_conv_3x3~1|skip_connect~2|"
)


def test_a_vote_is_won_by_who_beats_the_others_by_most_proxies() -> None:
    assert proxies.vote([1, 2, 3], [5, 6, 4], [0.0, 0.1, 0.2]) == [0.0, 0.5, 1.0]


def test_a_tie_among_proxies_is_half_a_win() -> None:
    assert proxies.vote([1, 2], [2, 1]) == [0.5, 0.5]


def test_networks_without_a_score_lose() -> None:
    assert proxies.vote([-math.inf, 0.0], [-math.inf, -1.0]) == [0.0, 1.0]


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([], r"got lists of \[\] scores"),
        ([[], []], r"got lists of \[0\] scores"),
        ([[1.0, 2.0], [1.0]], r"got lists of \[1, 2\] scores"),
        ([[1.0, math.nan]], r"scores must be numbers, but some are NaN"),
    ],
)
def test_scores_that_are_not_of_the_same_networks_are_refused(
    scores: list[list[float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        proxies.vote(*scores)
