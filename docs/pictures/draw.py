"""Draws the pictures of the docs again: ``python docs/pictures/draw.py``, about half a minute.

One architecture of each shipped space; the cells of two of them; and what a mutation changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import torch
from torch import nn

from optuna_nas import SampledTrial
from optuna_nas import spaces
from optuna_nas.visualization import plot_architecture
from optuna_nas.visualization import plot_cell
from optuna_nas.visualization import plot_difference


HERE = Path(__file__).parent

DARTS = spaces.DARTS(channels=36, layers=20)
PUBLISHED = DARTS.from_genotype(
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
    "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
    "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
BENCH = spaces.NASBench201.from_arch_string(
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
)
TRANSFORMER = spaces.Transformer(input_shape=(1, 28, 28), out_features=10)
ENCODER = {
    "patch": 4,
    "width": 64,
    "position": "learned",
    "depth": 3,
    **{f"layer{i}/heads": 4 for i in range(3)},
    **{f"layer{i}/ratio": ratio for i, ratio in enumerate([2, 2, 4])},
}
RECURRENT = {
    "hidden": 64,
    "bidirectional": True,
    "layers": 2,
    "cell": "lstm",
    "dropout": 0.1,
    "skip": True,
    "readout": "mean",
}
PERCEPTRON = {
    "width": 128,
    "depth": 3,
    "norm": "batch",
    "activation": "relu",
    "dropout": 0.1,
    "residual": True,
}


def sampled(network: Any, seed: int) -> dict[str, Any]:
    """An architecture drawn at random."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask()
    with torch.device("meta"):
        module = network(SampledTrial(trial))
    assert isinstance(module, nn.Module)
    return trial.params


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    mobile = spaces.MobileNet()
    images = spaces.CNN(input_shape=(1, 28, 28), num_classes=10)
    motifs = spaces.Hierarchical()
    architectures: dict[str, tuple[Any, dict[str, Any]]] = {
        "mlp": (spaces.MLP(in_features=64, out_features=10), PERCEPTRON),
        "cnn": (images, sampled(images, seed=1)),
        "nasbench201": (spaces.NASBench201(), BENCH),
        "darts": (DARTS, PUBLISHED),
        "hierarchical": (motifs, sampled(motifs, seed=1)),
        "mobilenet": (mobile, sampled(mobile, seed=5)),
        "rnn": (spaces.RNN(in_features=6, out_features=4), RECURRENT),
        "transformer": (TRANSFORMER, ENCODER),
    }
    for name, (network, params) in architectures.items():
        plot_architecture(network, params).save(HERE / f"{name}.svg")
    plot_cell(PUBLISHED, title="DARTS, as published").save(HERE / "darts_cells.svg")
    plot_cell(BENCH, title="A cell of NAS-Bench-201").save(HERE / "nasbench201_cell.svg")
    mutated = {**ENCODER, "layer1/heads": 2}
    plot_difference(TRANSFORMER, ENCODER, mutated).save(HERE / "mutation.svg")


if __name__ == "__main__":
    main()
