import pytest
import torch
from torch import nn

from optuna_nas import ops


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize(
    "make",
    [
        ops.conv_bn,
        ops.separable_conv,
        lambda inputs, outputs, kernel: ops.inverted_bottleneck(inputs, outputs, kernel, 3),
    ],
)
def test_convolutions_change_the_width_and_nothing_else(make, kernel):
    block = make(6, 10, kernel)
    assert block(torch.randn(2, 6, 7, 5)).shape == (2, 10, 7, 5)


def test_conv_bn_has_the_parameters_of_its_parts():
    assert parameters(ops.conv_bn(6, 10, 3)) == 6 * 10 * 9 + 2 * 10


def test_a_grouped_conv_bn_is_depthwise():
    assert parameters(ops.conv_bn(6, 6, 3, groups=6)) == 6 * 9 + 2 * 6


def test_separable_conv_has_the_parameters_of_the_paper():
    assert parameters(ops.separable_conv(6, 10, 5)) == (6 * 25 + 2 * 6) + (6 * 10 + 2 * 10)


def test_inverted_bottleneck_has_the_parameters_of_the_paper():
    inside = 4 * 6
    expected = (6 * inside + 2 * inside) + (inside * 9 + 2 * inside) + (inside * 10 + 2 * 10)
    assert parameters(ops.inverted_bottleneck(6, 10, 3, 4)) == expected


@pytest.mark.parametrize(
    "block",
    [ops.conv_bn(3, 3, 3), ops.separable_conv(3, 3, 3), ops.inverted_bottleneck(3, 3, 3, 2)],
)
def test_convolutions_end_without_an_activation(block):
    torch.manual_seed(0)
    assert isinstance(block[-1], nn.BatchNorm2d)
    assert block(torch.randn(4, 3, 8, 8)).min() < 0


def test_residual_adds_its_input():
    body = nn.Linear(3, 3)
    x = torch.randn(2, 3)
    assert torch.equal(ops.Residual(body)(x), body(x) + x)


def test_residual_adds_what_the_shortcut_makes_of_its_input():
    body, shortcut = nn.Linear(3, 5), nn.Linear(3, 5, bias=False)
    x = torch.randn(2, 3)
    assert torch.equal(ops.Residual(body, shortcut)(x), body(x) + shortcut(x))
