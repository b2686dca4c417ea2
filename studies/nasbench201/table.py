"""NAS-Bench-201 on CIFAR-10: what was published of each of its 15,625 architectures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import optuna


DEVICES = ("raspberry_pi4", "pixel3", "gtx1080ti_batch1")
EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")


@dataclass(frozen=True)
class Table:
    """Accuracies in %, seconds and ms; rows are found by the operations on the edges."""

    operations: tuple[str, ...]
    index: Mapping[tuple[int, ...], int]
    valid_12: NDArray[np.float64]
    valid_by_seed: NDArray[np.float64]
    valid: NDArray[np.float64]
    test: NDArray[np.float64]
    query_seconds: NDArray[np.float64]
    latency: Mapping[str, NDArray[np.float64]]

    def asked(self, trial: optuna.Trial) -> int:
        """Asks for an architecture; its row."""
        chosen = [trial.suggest_categorical(edge, self.operations) for edge in EDGES]
        return self.index[tuple(map(self.operations.index, chosen))]

    def drawn(self, row: int, rng: np.random.Generator) -> float:
        """The validation accuracy of one of the seeds it was trained with."""
        seeds = self.valid_by_seed[row]
        return float(rng.choice(seeds[~np.isnan(seeds)]))


@cache
def load(path: Path) -> Table:
    """Reads the table, once a process."""
    with np.load(path) as data:
        return Table(
            operations=tuple(map(str, data["op_names"])),
            index={tuple(row): i for i, row in enumerate(data["ops"].tolist())},
            valid_12=data["valid_accuracy_12_epochs"].astype(float),
            valid_by_seed=data["valid_accuracy_200_epochs_by_seed"].astype(float),
            valid=np.nanmean(data["valid_accuracy_200_epochs_by_seed"], axis=1).astype(float),
            test=data["test_accuracy_200_epochs"].astype(float),
            query_seconds=data["train_seconds_200_epochs"].astype(float) * 12 / 200,
            latency={device: data[f"latency_ms_{device}"].astype(float) for device in DEVICES},
        )
