import pytest
import torch

from optuna_nas import ops


@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_a_depthwise_convolution_keeps_or_halves_the_image(kernel):
    x = torch.randn(2, 4, 7, 6)
    assert ops.depthwise_conv(4, kernel)(x).shape == (2, 4, 7, 6)
    assert ops.depthwise_conv(4, kernel, 2)(x).shape == (2, 4, 4, 3)
    parameters = sum(p.numel() for p in ops.depthwise_conv(4, kernel).parameters())
    assert parameters == 4 * kernel**2 + 8


def test_squeeze_and_excitation_scales_channels_by_0_to_1():
    torch.manual_seed(0)
    block = ops.SqueezeExcite(4, 2)
    x = torch.randn(3, 4, 5, 5)
    kept = x.clone()
    scale = block(x) / x
    torch.testing.assert_close(scale, scale[:, :, :1, :1].expand_as(x))
    assert 0 <= scale.min() <= scale.max() <= 1
    assert torch.equal(x, kept)
    assert sum(p.numel() for p in block.parameters()) == (4 * 2 + 2) + (2 * 4 + 4)
