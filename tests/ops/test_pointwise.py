import pytest
import torch

from optuna_nas import ops


@pytest.mark.parametrize("name", ops.activations())
def test_an_activation_keeps_shape_and_leaves_its_input_alone(name):
    x = torch.randn(4, 3)
    kept = x.clone()
    assert ops.activations()[name]()(x).shape == x.shape
    assert torch.equal(x, kept)


@pytest.mark.parametrize("name", ops.normalizations(3))
def test_a_normalization_keeps_shape(name):
    assert ops.normalizations(3)[name]()(torch.randn(4, 3)).shape == (4, 3)


def test_batch_normalizes_columns_and_layer_normalizes_rows():
    x = 5 + 3 * torch.randn(64, 32)
    assert ops.normalizations(32)["none"]()(x) is x
    for name, dim in (("batch", 0), ("layer", 1)):
        out = ops.normalizations(32)[name]()(x)
        torch.testing.assert_close(out.mean(dim), torch.zeros(x.shape[1 - dim]), atol=1e-5, rtol=0)
        var = out.var(dim, correction=0)
        torch.testing.assert_close(var, torch.ones(x.shape[1 - dim]), atol=1e-3, rtol=0)


def test_each_call_gives_a_dict_of_its_own():
    ops.activations().clear()
    assert list(ops.activations()) == ["relu", "leaky_relu", "elu", "gelu", "silu", "tanh"]
