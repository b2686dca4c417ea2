"""Every ready-made space and every block, small, with rows that they take."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping

import torch
from torch import nn
from torch import Tensor

import optuna_nas
from optuna_nas import ops
from optuna_nas import SampledTrial
from optuna_nas import spaces


IMAGES = torch.randn(5, 2, 8, 8, generator=torch.Generator().manual_seed(0))
SEQUENCES = torch.randn(5, 6, 4, generator=torch.Generator().manual_seed(0))
ROWS = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
CODES = torch.tensor([[0.0, 1], [3, 2], [1, 0], [2, 2], [3, 1]])
TOKENS = torch.arange(30).reshape(5, 6) % 7

SPACES = {
    "mlp": (spaces.MLP(6, 3), ROWS),
    "cnn": (spaces.CNN((2, 8, 8), 3), IMAGES),
    "nasbench201": (spaces.NASBench201(num_classes=3, channels=2, cells=1, in_channels=2), IMAGES),
    "darts": (spaces.DARTS(num_classes=3, channels=2, layers=3, in_channels=2, nodes=2), IMAGES),
    "hierarchical": (spaces.Hierarchical(num_classes=3, in_channels=2, channels=2), IMAGES),
    "rnn": (spaces.RNN(4, 3), SEQUENCES),
    "transformer of images": (spaces.Transformer((2, 8, 8), 3, max_depth=2), IMAGES),
    "transformer of tokens": (spaces.Transformer((6,), 3, vocabulary=7, max_depth=2), TOKENS),
    "mobilenet": (
        spaces.MobileNet(num_classes=3, in_channels=2, stages=((8, 1), (8, 2)), max_depth=1),
        IMAGES,
    ),
    "tabular": (spaces.Tabular(4, [3, 2], 3), torch.cat([ROWS[:, :4], CODES], 1)),
}


class Beside(nn.Module):
    """Blocks of one input, their outputs side by side."""

    def __init__(self, blocks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks.values())

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([block(x).flatten(1) for block in self.blocks], dim=1)


def _made(factories: Mapping[str, Callable[[], nn.Module]]) -> dict[str, nn.Module]:
    return {name: factory() for name, factory in factories.items()}


def blocks() -> dict[str, tuple[nn.Module, Tensor]]:
    """Modules that hold every block, by what they take."""
    of_images = {
        **_made(ops.nasbench201_operations(2)),
        **_made(ops.hierarchical_primitives(2)),
        **{f"darts {n}": m for n, m in _made(ops.darts_operations(2)).items()},
        **{f"strided {n}": m for n, m in _made(ops.darts_operations(2, stride=2)).items()},
        "conv_bn": ops.conv_bn(2, 4, 3),
        "separable_conv": ops.separable_conv(2, 3, 3),
        "inverted_bottleneck": ops.inverted_bottleneck(2, 3, 3, 2),
        "depthwise_conv": ops.depthwise_conv(2, 3, stride=2),
        "squeeze": ops.SqueezeExcite(2, 1),
        "reduction": ops.FactorizedReduction(2, 4),
        "residual reduction": ops.residual_reduction(2),
        "drop path": ops.DropPath(0.5),
        "partial": ops.PartialChannels(lambda channels: nn.Conv2d(channels, channels, 1), 2, k=2),
        "relu_conv_bn": ops.relu_conv_bn(2, 3, 3),
    }
    of_sequences = {
        **{f"forward {n}": m for n, m in _made(ops.recurrent_layers(4, 6)).items()},
        **{
            f"both {n}": m
            for n, m in _made(ops.recurrent_layers(4, 6, bidirectional=True)).items()
        },
        **_made(ops.positional_encodings(6, 4)),
        "attention": ops.SelfAttention(4, 2, 3),
        "last": ops.Last(),
        "last of both": ops.Last(bidirectional=True),
        "mean": ops.Mean(),
    }
    of_rows = {
        **_made(ops.activations()),
        **_made(ops.normalizations(6)),
        "periodic": ops.PeriodicEmbedding(6, 3, 4, 0.1),
        "piecewise": ops.PiecewiseLinearEmbedding([[-1.0, 0, 1], *[[-2.0, 2]] * 5], 3),
        "residual": ops.Residual(nn.Linear(6, 6)),
        "batch ensemble": nn.Sequential(
            ops.EnsembleInputs(3, [1] * 6),
            ops.BatchEnsembleLinear(3, 6, 4),
            ops.EnsembleHeads(3, 4, 2, classes=True),
        ),
    }
    of_codes = {"one-hot": ops.OneHot([3, 2]), "embedding": ops.CategoryEmbedding([3, 2], 4)}
    return {
        "blocks of images": (Beside(of_images), IMAGES),
        "blocks of sequences": (Beside(of_sequences), SEQUENCES),
        "blocks of rows": (Beside(of_rows), ROWS),
        "blocks of codes": (Beside(of_codes), CODES),
    }


def sampled(network, seed: int) -> tuple[nn.Module, dict[str, object]]:
    """A random architecture, with weights and statistics as if it had been trained."""
    torch.manual_seed(seed)
    trial = optuna_nas.create_study(sampler="random", seed=seed).ask()
    module = network(SampledTrial(trial))
    return shaken(module), dict(trial.params)


def shaken(module: nn.Module) -> nn.Module:
    """Weights and running statistics off their initial values, so that each of them counts."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2.0)
    return module.eval()
