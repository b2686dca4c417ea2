"""The laws of a fingerprint: what makes no difference, and what does."""

from __future__ import annotations

from collections.abc import Callable
import subprocess
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas import fingerprint
from optuna_nas.space._fingerprint import live_parameters
from optuna_nas.space._fingerprint_colours import digest
from optuna_nas.space._fingerprint_graph import Graph
from optuna_nas.space._fingerprint_graph import total


X = torch.zeros(2, 4)
IMAGE = torch.zeros(2, 3, 8, 8)


class Net(nn.Module):
    """Some linear layers, and a formula of them and the input."""

    def __init__(self, formula: Callable[..., Any], layers: int = 0, **kwargs: Any) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4, **kwargs) for _ in range(layers))
        self.formula = formula

    def forward(self, x: Tensor) -> Any:
        return self.formula(x, *self.layers)


def same(first: Any, second: Any, layers: int = 0, example: Any = X, **kwargs: Any) -> bool:
    nets = [f if isinstance(f, nn.Module) else Net(f, layers, **kwargs) for f in (first, second)]
    one, other = (fingerprint(net, example) for net in nets)
    return one == other


def test_it_is_32_hexadecimal_digits_and_the_same_in_every_process() -> None:
    code = (
        "import torch\nfrom torch import nn\nfrom optuna_nas import fingerprint\n"
        "net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.2))\n"
        "print(fingerprint(net, torch.zeros(1, 3, 8, 8)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert len(out) == 32
    assert set(out) <= set("0123456789abcdef")
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.2))
    assert fingerprint(net, IMAGE) == out


@pytest.mark.parametrize(
    ("first", "second", "layers"),
    [
        (lambda x, a: a(nn.Identity()(x)), lambda x, a: nn.Identity()(a(x)), 1),
        (lambda x, a: a(x.contiguous().clone()), lambda x, a: a(x), 1),
        (lambda x, a: a(F.dropout(x, 0.0)), lambda x, a: a(x), 1),
        (lambda x, a: a(1.0 * x + 0), lambda x, a: a(x), 1),
        (lambda x, a: a(x.to(torch.float32)), lambda x, a: a(x), 1),
        (lambda x, a: a(x.view(2, 2, 2).flatten(1)), lambda x, a: a(x), 1),
        (lambda x, a: a(x.unsqueeze(1).squeeze(1)), lambda x, a: a(x), 1),
    ],
)
def test_identities_dissolve(first: Any, second: Any, layers: int) -> None:
    assert same(first, second, layers)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda x, a, b, c: (a(x) + b(x)) + c(x), lambda x, a, b, c: c(x) + (b(x) + a(x))),
        (lambda x, a, b, c: sum([a(x), b(x), c(x)]), lambda x, a, b, c: a(x) + b(x) + c(x)),
        (lambda x, a, b, c: torch.add(a(x), b(x), alpha=2), lambda x, a, b, c: a(x) + 2 * b(x)),
        (lambda x, a, b, c: a(x) - b(x), lambda x, a, b, c: -b(x) + a(x)),
        (lambda x, a, b, c: 1 - a(x), lambda x, a, b, c: -(a(x) - 1)),
        (lambda x, a, b, c: a(x) / 4, lambda x, a, b, c: a(x).mul(0.25)),
        (lambda x, a, b, c: a(x) + b(x) - a(x), lambda x, a, b, c: b(x)),
        (lambda x, a, b, c: x + x, lambda x, a, b, c: 2 * x),
    ],
)
def test_nested_sums_flatten(first: Any, second: Any) -> None:
    assert same(first, second, 3)


@given(st.permutations(range(5)), st.data())
def test_sums_of_five_are_equal_in_any_order_and_nesting(order: Any, data: Any) -> None:
    def nested(x: Tensor, *layers: nn.Module) -> Tensor:
        terms = [layers[i](x) for i in order]
        while len(terms) > 1:
            i = data.draw(st.integers(0, len(terms) - 2))
            terms[i : i + 2] = [terms[i] + terms[i + 1]]
        return terms[0]

    assert same(nested, lambda x, *layers: sum(layer(x) for layer in layers), 5)


@pytest.mark.parametrize(
    "formula",
    [
        lambda x, a, b: a(x) + 0.0 * b(x),
        lambda x, a, b: a(x) + torch.zeros_like(x),
        lambda x, a, b: a(x) + x.new_zeros(x.shape),
        lambda x, a, b: a(x) + F.relu(b(x) * 0),
        lambda x, a, b: a(x) + torch.tanh(torch.zeros(2, 4)) * b(x),
        lambda x, a, b: a(x) + (x - x) @ torch.ones(4, 4),
        lambda x, a, b: a(x) + torch.cat([0 * x, 0 * b(x)])[:2],
        lambda x, a, b: a(x) + F.pad(0 * x, (1, 0))[:, 1:],
        lambda x, a, b: a(x) + F.layer_norm(0 * b(x), (4,), b.weight[0], b.bias),
        lambda x, a, b: a(x + b(x).zero_()),
        lambda x, a, b: (b(x), a(x))[1],
    ],
)
def test_dead_branches_vanish(formula: Any) -> None:
    assert same(formula, lambda x, a, b: a(x), 2)


@pytest.mark.parametrize(
    "formula",
    [
        lambda x, a, b: a(x) + torch.sigmoid(0 * x),
        lambda x, a, b: a(x) + b(0 * x),  # its bias is left
        lambda x, a, b: a(x) + F.softmax(0 * x, 1),
        lambda x, a, b: a(x) + torch.cos(0 * x),
        lambda x, a, b: a(x) + F.relu(0 * x + 1),
        lambda x, a, b: a(x) + F.pad(0 * x, (1, 0), value=1.0)[:, 1:],
        lambda x, a, b: a(x) + torch.cat([0 * x, b(x)])[:2],
    ],
)
def test_what_makes_something_of_zero_stays(formula: Any) -> None:
    assert not same(formula, lambda x, a, b: a(x), 2)


def test_relu_of_what_is_alive_stays() -> None:
    assert not same(lambda x, a: a(F.relu(x)), lambda x, a: a(x), 1)


def test_a_layer_without_bias_is_dead_on_a_dead_input() -> None:
    assert same(lambda x, a, b: a(x) + b(0 * x), lambda x, a, b: a(x), 2, bias=False)


def test_equal_operations_without_weights_on_one_input_merge() -> None:
    assert same(lambda x: F.gelu(x) + F.gelu(x), lambda x: 2 * F.gelu(x))
    assert not same(lambda x: F.gelu(x) + F.gelu(2 * x), lambda x: 2 * F.gelu(x))
    pools = [nn.AvgPool2d(3, 1, 1), nn.AvgPool2d(3, 1, 1)]
    assert same(
        lambda x: torch.cat([pools[0](x), pools[1](x)], 1),
        lambda x: torch.cat([pools[0](x)] * 2, 1),
        example=IMAGE,
    )


def test_one_module_applied_twice_is_not_two_modules() -> None:
    assert not same(lambda x, a, b: a(a(x)), lambda x, a, b: b(a(x)), 2)
    assert not same(lambda x, a, b: a(x) + a(x), lambda x, a, b: a(x) + b(x), 2)


def test_weights_that_are_tied_differ_from_weights_that_are_not() -> None:
    def tied(x: Tensor, a: nn.Linear, b: nn.Linear) -> Tensor:
        return F.linear(F.relu(a(x)), a.weight.t(), b.bias)

    def free(x: Tensor, a: nn.Linear, b: nn.Linear) -> Tensor:
        return F.linear(F.relu(a(x)), b.weight.t(), b.bias)

    assert not same(tied, free, 2)


def test_which_of_two_branches_a_third_continues_makes_a_difference_only_if_they_differ() -> None:
    assert same(
        lambda x, a, b, c: a(x) + c(F.relu(b(x))), lambda x, a, b, c: b(x) + c(F.relu(a(x))), 3
    )
    assert not same(
        lambda x, a, b, c: a(x) + c(F.relu(b(2 * x))),
        lambda x, a, b, c: a(2 * x) + c(F.relu(b(x))),
        3,
    )


def test_what_is_shared_far_below_is_seen_far_above() -> None:
    # The two differ only in whether both branches begin in one layer or in two alike.
    def shared(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module, d: nn.Module) -> Tensor:
        return c(F.relu(a(x))) * d(F.relu(a(x)))

    def apart(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module, d: nn.Module) -> Tensor:
        return c(F.relu(a(x))) * d(F.relu(b(x)))

    assert not same(shared, apart, 4)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda x, a, b: torch.cat([a(x), x], 1), lambda x, a, b: torch.cat([x, a(x)], 1)),
        (lambda x, a, b: a(x) - x, lambda x, a, b: x - a(x)),
        (lambda x, a, b: a(x) / x.exp(), lambda x, a, b: x.exp() / a(x)),
        (lambda x, a, b: (a(x), x), lambda x, a, b: (x, a(x))),
        (lambda x, a, b: a(x).pow(2), lambda x, a, b: a(x).pow(3)),
    ],
)
def test_the_order_of_what_does_not_commute_counts(first: Any, second: Any) -> None:
    assert not same(first, second, 2)


def test_the_order_of_factors_does_not_count() -> None:
    assert same(lambda x, a: a(x) * F.gelu(x), lambda x, a: F.gelu(x) * a(x), 1)
    assert same(lambda x, a: torch.maximum(a(x), x), lambda x, a: torch.maximum(x, a(x)), 1)


@pytest.mark.parametrize(
    "change",
    [
        {"out_channels": 8},
        {"kernel_size": 5, "padding": 2},
        {"stride": 2},
        {"dilation": 2, "padding": 2},
        {"groups": 2},
        {"bias": False},
        {"padding_mode": "circular"},
        {"dtype": torch.float64},
    ],
)
def test_settings_of_a_convolution_count(change: dict[str, Any]) -> None:
    settings = {"in_channels": 4, "out_channels": 4, "kernel_size": 3, "padding": 1}
    example = torch.zeros(2, 4, 8, 8)
    assert same(nn.Conv2d(**settings), nn.Conv2d(**settings), example=example)
    assert not same(nn.Conv2d(**settings), nn.Conv2d(**{**settings, **change}), example=example)


def test_a_frozen_weight_is_not_a_trained_one() -> None:
    assert not same(nn.Linear(4, 4), nn.Linear(4, 4).requires_grad_(False))


def test_the_rate_of_dropout_counts_though_eval_mode_passes_it_over() -> None:
    nets = [nn.Sequential(nn.Linear(4, 4), nn.Dropout(p)) for p in (0.0, 0.1, 0.2)]
    assert len({fingerprint(net, X) for net in nets}) == 3
    assert same(nets[0], nn.Linear(4, 4))
    assert same(nets[1], nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1, inplace=True)))


def test_two_draws_of_dropout_on_one_input_do_not_merge() -> None:
    drop = nn.Dropout(0.5)
    assert not same(lambda x: drop(x) + drop(x), lambda x: 2 * drop(x))


def test_values_of_weights_and_names_do_not_count() -> None:
    class One(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.second, self.first = nn.Linear(4, 5), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.second(self.first(x))

    two = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 5))
    nn.init.zeros_(two[0].weight)
    assert same(One(), two)


def test_it_does_not_depend_on_device_rows_or_values_of_the_example() -> None:
    with torch.device("meta"):
        sketched = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    expected = fingerprint(net, X)
    assert fingerprint(sketched, X) == expected
    assert fingerprint(net, torch.randn(1, 4)) == expected
    assert fingerprint(net, np.ones((7, 4))) == expected
    assert fingerprint(net, (X,)) == expected
    with torch.inference_mode():
        assert fingerprint(net, torch.zeros(3, 4)) == expected


def test_what_is_done_in_place_equals_what_is_not() -> None:
    def in_place(x: Tensor, a: nn.Module, b: nn.Module) -> Tensor:
        y = a(x)
        y += b(x)
        y.relu_()
        y *= 2
        return y

    assert same(in_place, lambda x, a, b: 2 * F.relu(a(x) + b(x)), 2)


def test_a_power_is_known_in_all_its_spellings() -> None:
    assert same(lambda x, a: a(x) ** 2, lambda x, a: torch.pow(a(x), 2), 1)
    assert same(lambda x, a: a(x) ** 2, lambda x, a: a(x).pow_(2), 1)
    assert not same(lambda x, a: a(x) ** 2, lambda x, a: 2 ** a(x), 1)


def test_what_is_done_in_place_changes_what_is_used_later() -> None:
    def twice(x: Tensor, a: nn.Module) -> Tensor:
        F.relu(a(x))  # of the same shapes, so that those are known
        y = a(x)
        nn.ReLU(inplace=True)(y)
        return y

    assert same(twice, lambda x, a: F.relu(a(x)), 1)


def test_what_is_done_in_place_through_a_view_is_seen() -> None:
    def through_a_view(x: Tensor, a: nn.Module) -> Tensor:
        y = a(x)
        y[:, :2].relu_()
        return y

    def elsewhere(x: Tensor, a: nn.Module) -> Tensor:
        y = a(x)
        y[:, 2:].relu_()
        return y

    def assigned(x: Tensor, a: nn.Module) -> Tensor:
        y = a(x)
        y[:, 1] = 0.0
        return y

    formulas = [through_a_view, elsewhere, assigned, lambda x, a: a(x)]
    assert len({fingerprint(Net(f, 1), X) for f in formulas}) == 4


def test_a_view_taken_before_is_seen_to_change_with_its_source() -> None:
    def after(x: Tensor, a: nn.Module) -> Tensor:
        y = a(x)
        half = y[:, :2]
        y.mul_(torch.exp(x))
        return half

    assert not same(after, lambda x, a: a(x)[:, :2], 1)


def test_what_is_remembered_of_shapes_changes_nothing() -> None:
    shapes: dict[Any, Any] = {}
    nets = [
        nn.Sequential(nn.Conv2d(3, w, 3), nn.BatchNorm2d(w), nn.ReLU(), nn.Flatten())
        for w in (4, 4, 8)
    ]
    kept = [fingerprint(net, IMAGE, shapes=shapes) for net in nets]
    assert kept == [fingerprint(net, IMAGE) for net in nets]
    assert kept[0] == kept[1] != kept[2]
    assert shapes


def test_live_parameters_are_those_that_have_a_part_in_the_output() -> None:
    net = Net(lambda x, a, b: a(x) + 0 * b(x), 2)
    assert live_parameters(net, X) == 4 * 4 + 4


def test_the_module_is_left_as_it_was() -> None:
    class Counts(nn.Module):
        calls: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))
            self.last: Any = None
            self.norm, self.drop = nn.BatchNorm1d(4), nn.Dropout(0.5)
            self.drop.eval()

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            self.last = self.norm(x)
            self.norm.running_mean.add_(1.0)
            return self.drop(self.last) + torch.randn(4)

    net = Counts()
    before = {name: x.clone() for name, x in net.state_dict().items()}
    tensors = {name: id(x) for name, x in net.state_dict(keep_vars=True).items()}
    rng = torch.get_rng_state()
    fingerprint(net, X)
    assert (net.training, net.norm.training, net.drop.training) == (True, True, False)
    assert net.last is None
    assert tensors == {name: id(x) for name, x in net.state_dict(keep_vars=True).items()}
    for name, x in net.state_dict().items():
        assert torch.equal(x, before[name]), name
        assert x.device.type == "cpu"
    assert torch.equal(rng, torch.get_rng_state())


def test_a_module_is_left_as_it_was_if_it_cannot_be_run() -> None:
    net = nn.Sequential(nn.Linear(5, 4), nn.Dropout())
    with pytest.raises(ValueError, match=r"module Sequential cannot be run on the example: .*mat"):
        fingerprint(net, X)
    assert net.training
    assert net[1].training


def test_what_has_no_meta_kernel_is_run_on_the_cpu() -> None:
    def picks(x: Tensor, a: nn.Module) -> Tensor:
        return a(x).flatten()[torch.combinations(torch.arange(4))]

    net = Net(picks, 1)
    before = net.layers[0].weight.clone()
    assert fingerprint(net, X) == fingerprint(Net(picks, 1), X)
    assert fingerprint(net, X) != fingerprint(Net(lambda x, a: a(x), 1), X)
    assert torch.equal(before, net.layers[0].weight)


@pytest.mark.parametrize(
    ("formula", "word"),
    [
        (lambda x, a: a(x) if x.sum() > 0 else x, r"if tensor"),
        (lambda x, a: a(x) * x.mean().item(), r"\.item\(\)"),
        (lambda x, a: a(x) * float(x.mean()), r"float\(tensor\)"),
        (lambda x, a: a(x)[: int(x[0, 0])], r"int\(tensor\)"),
        (lambda x, a: a(x) * x.tolist()[0][0], r"\.tolist\(\)"),
        (lambda x, a: a(x) * torch.as_tensor(x.numpy()), r"\.numpy\(\)"),
        (lambda x, a: a(x) if torch.equal(x, x) else x, r"torch\.equal"),
        (lambda x, a: x[a(x) > 0], r"x\[mask\]"),
        (lambda x, a: x[0, (a(x) > 0)[0]], r"x\[mask\]"),
        (lambda x, a: x[(a(x) > 0).byte()], r"x\[mask\]"),
        (lambda x, a: a(x).nonzero(), r"torch\.nonzero"),
        (lambda x, a: torch.argwhere(a(x)), r"torch\.argwhere"),
        (lambda x, a: x.masked_select(a(x) > 0), r"torch\.masked_select"),
        (lambda x, a: a(x).unique(return_counts=True), r"torch\.unique"),
        (lambda x, a: torch.unique_consecutive(a(x)), r"torch\.unique_consecutive"),
        (lambda x, a: torch.where(a(x) > 0), r"torch\.where of one argument"),
        (lambda x, a: torch.bincount(a(x).argmax(1)), r"torch\.bincount"),
        (lambda x, a: F.one_hot(a(x).argmax(1)), r"one_hot without num_classes"),
        (lambda x, a: a(x).repeat_interleave(x.argmax(1)), r"repeat_interleave by a tensor"),
        (lambda x, a: torch.repeat_interleave(a(x).argmax(1)), r"repeat_interleave by a tensor"),
        (lambda x, a: a(x).tensor_split(x.argmax(1)), r"tensor_split by a tensor"),
    ],
)
def test_a_module_that_reads_values_is_refused_with_the_remedy(formula: Any, word: str) -> None:
    with pytest.raises(
        ValueError, match=rf"reads values of a tensor \({word}\).*torch\.where.*duplicates=None"
    ):
        fingerprint(Net(formula, 1), X)


@pytest.mark.parametrize(
    "formula",
    [
        lambda x, a: F.one_hot(a(x).argmax(1), num_classes=8),
        lambda x, a: a(x).repeat_interleave(2, dim=0),
        lambda x, a: a(x).repeat_interleave(torch.tensor([1, 2]), dim=0, output_size=3),
        lambda x, a: a(x).tensor_split(2)[0],
    ],
)
def test_shapes_that_depend_on_no_values_are_no_reading(formula: Any) -> None:
    assert same(formula, formula, 1)


def test_masks_that_leave_the_shape_are_no_reading() -> None:
    def set_to_zero(x: Tensor, a: nn.Module) -> Tensor:
        y = a(x)
        y[y > 0] = 0
        return y

    assert not same(set_to_zero, lambda x, a: a(x), 1)
    assert not same(lambda x, a: torch.where(a(x) > 0, x, a(x)), lambda x, a: a(x), 1)
    assert not same(lambda x, a: a(x)[:, [True, False, True, True]], lambda x, a: a(x), 1)


def test_a_layer_without_gradients_counts_as_one_with() -> None:
    def without(x: Tensor, a: nn.Module) -> Tensor:
        with torch.no_grad():
            return a(x)

    assert same(without, lambda x, a: a(x), 1)
    assert not same(lambda x, a: a(x).detach(), lambda x, a: a(x), 1)


@torch.library.custom_op("optuna_nas_tests::halve", mutates_args=())
def halve(x: Tensor) -> Tensor:
    return x / 2


@halve.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


def test_an_operation_of_ones_own_counts() -> None:
    assert not same(lambda x, a: halve(a(x)), lambda x, a: a(x), 1)
    assert not same(lambda x, a: halve(a(x)), lambda x, a: halve(F.relu(a(x))), 1)
    assert not same(lambda x, a: torch.ops.aten.relu(a(x)), lambda x, a: a(x), 1)


def test_what_is_computed_where_nobody_hears_it_is_refused() -> None:
    def unheard(x: Tensor, a: nn.Module) -> Tensor:
        with torch._C.DisableTorchFunction():
            return torch.exp(a(x))

    with pytest.raises(ValueError, match=r"no function of torch, such as a compiled extension"):
        fingerprint(Net(lambda x, a: unheard(x, a) * 2, 1), X)


def test_tensors_that_a_module_holds_anywhere_are_constants() -> None:
    class Holds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.held = [torch.ones(4), {"a": torch.ones(4)}]

        def forward(self, x: Tensor) -> Tensor:
            return x * self.held[0] + self.held[1]["a"]

    with torch.device("meta"):
        sketched = Holds()
    assert fingerprint(sketched, X) == fingerprint(Holds(), X)


def test_rows_that_are_iterated_over_come_from_the_tensor() -> None:
    assert not same(
        lambda x, a: sum(row for row in F.gelu(a(x))),
        lambda x, a: sum(row for row in F.relu(a(x))),
        1,
    )


def test_rows_can_be_viewed_as_one() -> None:
    assert same(lambda x: x.view(-1), lambda x: x.reshape(8), example=torch.zeros(1, 4))


@pytest.mark.parametrize(
    "write",
    [
        lambda y, x: y.zero_(),
        lambda y, x: y.copy_(x[:, 0]),
        lambda y, x: y.add_(x[:, 0]),
        lambda y, x: y.mul_(0),
        lambda y, x: y.fill_(1.0),
    ],
)
def test_where_in_a_tensor_something_was_written_counts(write: Any) -> None:
    def written(column: int) -> Any:
        def formula(x: Tensor, a: nn.Module) -> tuple[Tensor, ...]:
            y, z = a(x), torch.zeros(2, 4)
            write(y[:, column], x)
            write(z[:, column], x)
            return y, z + a(x)

        graphs = [Net(lambda x, a, i=i: formula(x, a)[i], 1) for i in range(2)]
        return [fingerprint(net, X) for net in graphs]

    first, second = written(0), written(1)
    assert first == written(0)
    assert first[0] != second[0]
    assert first[1] != second[1] or first[1] == fingerprint(Net(lambda x, a: a(x), 1), X)


def test_sizes_may_be_read() -> None:
    def by_size(x: Tensor, a: nn.Module) -> Tensor:
        rows, width = x.shape
        assert (x.size(0), len(x), x.ndim, x.numel()) == (rows, rows, 2, rows * width)
        return a(x.reshape(rows, -1)) / width**0.5

    assert same(by_size, lambda x, a: a(x) * 0.5, 1)


@pytest.mark.parametrize("module", [None, nn.Linear, lambda x: x])
def test_what_is_no_module_is_refused(module: Any) -> None:
    with pytest.raises(TypeError, match=r"module must be an nn\.Module, but is .*build\(network"):
        fingerprint(module, X)


@pytest.mark.parametrize("example", [None, 3.0, torch.zeros(0, 4), (), ("a",), torch.tensor(1.0)])
def test_what_is_no_batch_is_refused(example: Any) -> None:
    with pytest.raises(TypeError, match=r"example must be a batch of inputs.*at least one row"):
        fingerprint(nn.Linear(4, 4), example)


def test_a_module_that_gives_no_tensor_is_refused() -> None:
    with pytest.raises(ValueError, match=r"gave no tensor, but str; a tensor, or a list"):
        fingerprint(Net(lambda x: "a"), X)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_compiled_module_is_refused() -> None:
    scripted = torch.jit.trace(nn.Linear(4, 4), X)
    with pytest.raises(TypeError, match=r"Sequential is or holds a ScriptModule.*made of"):
        fingerprint(nn.Sequential(scripted), X)


@st.composite
def recipes(draw: st.DrawFn) -> list[tuple[int, list[int]]]:
    """Operations, each by its kind and which of those before it uses."""
    size = draw(st.integers(1, 6))
    return [
        (draw(st.integers(0, 2)), draw(st.lists(st.integers(0, i), min_size=1, max_size=2)))
        for i in range(size)
    ]


@given(recipes(), st.randoms(use_true_random=False))
def test_isomorphic_graphs_are_equal_in_whatever_order_they_are_made(
    recipe: list[tuple[int, list[int]]], random: Any
) -> None:
    def made(shuffle: bool) -> str:
        graph = Graph()
        values = {0: graph.leaf("input")}
        waiting = dict(enumerate(recipe, start=1))
        while waiting:
            ready = [i for i in waiting if all(j in values for j in waiting[i][1])]
            i = random.choice(ready) if shuffle else ready[0]
            kind, inputs = waiting.pop(i)
            terms = [(values[j], 1.0) for j in inputs]
            weight = [graph.leaf("weight")] if kind == 2 else []
            values[i] = graph.operation(f"op{kind}", [total(*terms), *weight])
        return digest(graph, [values[len(recipe)]])

    assert made(shuffle=False) == made(shuffle=True)
