"""Networks whose drawings are known, and what a drawing says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import optuna
import torch
from torch import nn
from torch import Tensor

from optuna_nas import SampledTrial
from optuna_nas import spaces
from optuna_nas.visualization import Drawing
from optuna_nas.visualization._fold import fold
from optuna_nas.visualization._graph import Computation
from optuna_nas.visualization._graph import Diagram
from optuna_nas.visualization._tidy import tidied
from optuna_nas.visualization._trace import trace


SPACES = {
    "MLP": spaces.MLP(in_features=5, out_features=3),
    "CNN": spaces.CNN(input_shape=(1, 8, 8), num_classes=3),
    "NASBench201": spaces.NASBench201(channels=4, cells=2),
    "DARTS": spaces.DARTS(channels=4, layers=4, auxiliary=True, drop_path=0.1),
    "Hierarchical": spaces.Hierarchical(channels=4),
    "MobileNet": spaces.MobileNet(),
    "RNN": spaces.RNN(in_features=3, out_features=2),
    "Transformer": spaces.Transformer(input_shape=(1, 8, 8), out_features=3),
    "Tabular": spaces.Tabular(numeric=4, cardinalities=[3, 20], out_features=2),
    "tokens": spaces.Transformer(input_shape=(9,), out_features=2, vocabulary=20),
}


def sampled(network: Any, seed: int) -> dict[str, Any]:
    """The decisions of an architecture, drawn at random."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask()
    with torch.device("meta"):
        network(SampledTrial(trial))
    return trial.params


def traced(module: nn.Module, *inputs: Tensor, training: bool = False) -> Computation:
    return tidied(trace(module, inputs, training=training, whole=()))


def folded(module: nn.Module, *inputs: Tensor, most: int = 24) -> list[Diagram]:
    return fold(traced(module, *inputs), "", most)


def said(diagram: Diagram) -> list[str]:
    """The lines of its boxes, in order."""
    return [" / ".join(line.text for line in box.lines) for box in diagram.boxes]


def links(diagram: Diagram) -> set[tuple[str, str]]:
    texts = said(diagram)
    return {(texts[arrow.tail], texts[arrow.head]) for arrow in diagram.arrows}


def texts(drawing: Drawing) -> list[str]:
    """What the SVG says, read as a browser does."""
    return [element.text or "" for element in _elements(drawing, "text")]


def _elements(drawing: Drawing, tag: str) -> Iterator[Any]:
    return ElementTree.fromstring(drawing.svg).iter(f"{{http://www.w3.org/2000/svg}}{tag}")


class Residual(nn.Module):
    """A layer and its input, added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layer(x).relu()
