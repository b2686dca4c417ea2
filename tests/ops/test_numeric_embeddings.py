import math

import pytest
import torch
from torch import nn

from optuna_nas import ops


EDGES = ((-1.0, 0.0, 0.5, 2.0), (0.0, 1.0), (3.0, 4.0, 8.0))


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_waves_have_frequencies_of_their_own_and_share_a_linear_map():
    embedding = ops.PeriodicEmbedding(2, 3, frequencies=4, scale=0.5)
    x = torch.randn(5, 2)
    for i in range(2):
        angles = 2 * math.pi * embedding.frequencies[i] * x[:, i : i + 1]
        expected = embedding.linear(torch.cat([angles.cos(), angles.sin()], 1)).relu()
        torch.testing.assert_close(embedding(x)[:, 3 * i : 3 * i + 3], expected)


def test_frequencies_begin_within_three_deviations():
    frequencies = ops.PeriodicEmbedding(50, 1, frequencies=50, scale=0.1).frequencies.detach()
    assert frequencies.abs().max() <= 0.3
    assert float(frequencies.std()) == pytest.approx(0.1, rel=0.05)


def encoded(x, edges):
    """Equation 1 of Gorishniy et al. 2022."""
    bins = len(edges) - 1
    codes = []
    for t in range(1, bins + 1):
        if x < edges[t - 1] and t > 1:
            codes.append(0.0)
        elif x >= edges[t] and t < bins:
            codes.append(1.0)
        else:
            codes.append((x - edges[t - 1]) / (edges[t] - edges[t - 1]))
    return torch.tensor(codes)


@pytest.mark.parametrize("x", [-5.0, -1.0, -0.3, 0.0, 0.2, 0.5, 1.7, 2.0, 3.0, 3.5, 6.0, 8.0, 9.0])
def test_bends_are_those_of_the_papers_encoding(x):
    embedding = ops.PiecewiseLinearEmbedding(EDGES, 4)
    nn.init.normal_(embedding.bends)
    expected = [
        embedding.bias[i] + x * embedding.slope[i]
        + encoded(x, edges) @ embedding.bends[i, : len(edges) - 1]
        for i, edges in enumerate(EDGES)
    ]  # fmt: skip
    torch.testing.assert_close(embedding(torch.full((1, 3), x)), torch.cat(expected)[None])


def test_a_piecewise_embedding_begins_as_a_linear_one():
    embedding = ops.PiecewiseLinearEmbedding(EDGES, 4)
    x = torch.randn(6, 3)
    linear = x.unsqueeze(-1) * embedding.slope + embedding.bias
    assert torch.equal(embedding(x), linear.flatten(1))


def test_edges_are_no_part_of_its_state():
    state = ops.PiecewiseLinearEmbedding(EDGES, 4).state_dict()
    assert set(state) == {"slope", "bias", "bends"}


def test_gradients_are_finite_beyond_the_edges():
    embedding = ops.PiecewiseLinearEmbedding(EDGES, 4)
    nn.init.normal_(embedding.bends)
    x = torch.tensor([[-100.0, 0.0, 100.0]], requires_grad=True)
    embedding(x).sum().backward()
    assert x.grad.isfinite().all()
    assert embedding.bends.grad.isfinite().all()
