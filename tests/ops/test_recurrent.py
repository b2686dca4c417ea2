import pytest
import torch

from optuna_nas import ops


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("name", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_a_layer_gives_one_output_a_step(name, gates, bidirectional):
    layer = ops.recurrent_layers(3, 6, bidirectional=bidirectional)[name]()
    assert layer(torch.randn(2, 5, 3)).shape == (2, 5, 6)
    directions, size = (2, 3) if bidirectional else (1, 6)
    expected = directions * gates * size * (3 + size + 2)
    assert sum(p.numel() for p in layer.parameters()) == expected


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_the_last_output_has_seen_the_whole_sequence_in_both_directions(name):
    torch.manual_seed(0)
    layer = ops.recurrent_layers(1, 4, bidirectional=True)[name]()
    x = torch.randn(1, 6, 1, requires_grad=True)
    for half in ops.Last(bidirectional=True)(layer(x)).chunk(2, dim=1):
        (gradient,) = torch.autograd.grad(half.sum(), x, retain_graph=True)
        assert (gradient != 0).all()


def test_the_last_output_of_one_direction_is_that_of_the_last_step():
    x = torch.randn(2, 5, 4)
    assert torch.equal(ops.Last()(x), x[:, -1])


def test_the_mean_is_over_time():
    x = torch.randn(2, 5, 4)
    torch.testing.assert_close(ops.Mean()(x), sum(x[:, t] for t in range(5)) / 5)
