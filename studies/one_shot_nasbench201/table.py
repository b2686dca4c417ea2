"""What was published of the 15,625 architectures. No search sees it: it judges what they found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")


@dataclass(frozen=True)
class Judged:
    """Test accuracy after 200 epochs in %, the rank by it (1 is best), millions of parameters."""

    test: float
    rank: int
    parameters: float


@dataclass(frozen=True)
class Table:
    index: Mapping[tuple[str, ...], int]
    test: NDArray[np.float64]
    parameters: NDArray[np.float64]

    def judged(self, params: Mapping[str, Any]) -> Judged:
        row = self.index[tuple(params[edge] for edge in EDGES)]
        rank = 1 + int((self.test > self.test[row]).sum())
        return Judged(float(self.test[row]), rank, float(self.parameters[row]))


def load(path: Path) -> Table:
    with np.load(path) as data:
        names = data["op_names"][data["ops"]].tolist()
        return Table(
            index={tuple(row): i for i, row in enumerate(names)},
            test=data["test_accuracy_200_epochs"].astype(float),
            parameters=data["params_millions"].astype(float),
        )
