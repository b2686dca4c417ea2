import pytest
import torch
from torch import nn

from optuna_nas import ops


PRIMITIVES = {
    "none": 0,
    "identity": 0,
    "conv_1x1": 4 * 4 + 8,
    "depthwise_conv_3x3": 4 * 9 + 8,
    "sep_conv_3x3": (4 * 9 + 8) + (4 * 4 + 8),
    "max_pool_3x3": 0,
    "avg_pool_3x3": 0,
}


def test_there_are_the_papers_six_primitives_and_none():
    assert list(ops.hierarchical_primitives(4)) == list(PRIMITIVES)


@pytest.mark.parametrize(("name", "parameters"), PRIMITIVES.items())
def test_a_primitive_keeps_shape_and_leaves_its_input_alone(name, parameters):
    x = torch.randn(2, 4, 5, 6)
    kept = x.clone()
    primitive = ops.hierarchical_primitives(4)[name]()
    assert primitive(x).shape == x.shape
    assert torch.equal(x, kept)
    assert sum(p.numel() for p in primitive.parameters()) == parameters


@pytest.mark.parametrize("name", ["conv_1x1", "depthwise_conv_3x3", "sep_conv_3x3"])
def test_a_convolution_ends_in_a_relu(name):
    primitive = ops.hierarchical_primitives(4)[name]()
    assert isinstance(primitive[-1], nn.ReLU)
    assert primitive(torch.randn(2, 4, 5, 6)).min() == 0
