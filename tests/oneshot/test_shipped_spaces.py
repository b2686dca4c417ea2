"""Every ready-made space with something to mix runs as a mixture, and all of its gates learn."""

import pytest
import torch

from optuna_nas import spaces
from optuna_nas.testing._params import supernet_for


IMAGE = torch.randn(2, 1, 8, 8)


@pytest.mark.parametrize(
    ("network", "example"),
    [
        (spaces.MLP(4, 2), torch.randn(2, 4)),
        (spaces.CNN((1, 8, 8), 2), IMAGE),
        (spaces.NASBench201(num_classes=2, channels=2, cells=1, in_channels=1), IMAGE),
        (spaces.DARTS(num_classes=2, channels=2, layers=3, in_channels=1, nodes=2), IMAGE),
        (spaces.Hierarchical(num_classes=2, in_channels=1, channels=2), IMAGE),
        (spaces.RNN(3, 2), torch.randn(2, 5, 3)),
        (spaces.Transformer((1, 8, 8), 2), IMAGE),
        (spaces.MobileNet(num_classes=2, in_channels=1), IMAGE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_shipped_space_is_a_supernet(network, example):
    torch.manual_seed(0)
    supernet = supernet_for(network, {})
    supernet(example).square().sum().backward()
    unmoved = [g.name for g in supernet.gates if not g.logits.grad.abs().max() > 0]
    assert [gate for gate in supernet.gates if len(gate.labels) > 1 and gate.name in unmoved] == []
