"""Partial channel connections: what goes through, what passes by, in which order they come out."""

import pytest
import torch
from torch import nn

from optuna_nas import oneshot
from optuna_nas.ops import PartialChannels


class Double(nn.Module):
    def forward(self, x):
        return 2 * x


def test_a_part_goes_through_and_channels_are_shuffled():
    x = torch.arange(16.0).view(2, 8, 1, 1)
    out = PartialChannels(lambda n: Double(), channels=8, k=4)(x)
    assert out[0].flatten().tolist() == [0, 2, 4, 6, 2, 3, 5, 7]


def test_with_a_stride_the_others_are_pooled():
    part = PartialChannels(lambda n: nn.Conv2d(n, n, 3, 2, 1), channels=8, k=4, stride=2)
    assert part(torch.randn(2, 8, 5, 5)).shape == (2, 8, 3, 3)
    assert sum(w.numel() for w in part.parameters()) == 2 * 2 * 9 + 2


def test_channels_that_cannot_be_parted_are_refused():
    with pytest.raises(
        ValueError, match=r"^channels must be a multiple of k, but is 10, with k=4\.$"
    ):
        PartialChannels(lambda n: nn.Identity(), channels=10)


def test_it_is_the_one_of_oneshot():
    assert oneshot.PartialChannels is PartialChannels
