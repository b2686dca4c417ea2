"""``load_data``: digits or a CSV file, split into a part to train on, one to choose by, and one
that nobody looks at before the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from typing import TypeAlias

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from optuna_nas._cli._columns import make_features
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest
from optuna_nas._cli._table import check_complete
from optuna_nas._cli._table import read_table
from optuna_nas._cli._task import make_target


Part: TypeAlias = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]

MIN_ROWS = 50


@dataclass(frozen=True)
class Data:
    """What to learn from.

    Args:
        name:
            ``"digits"``, or the file's name.
        fingerprint:
            A hash of all that was read.
        task:
            ``"classification"`` or ``"regression"``, and why.
        train:
            X in float32, ``[n, features]`` or ``[n, channels, height, width]``; y a class by
            number in int64, or standardised float32.
        valid:
            Likewise.
        test:
            Likewise.
        classes:
            Their names, or None for a regression.
        preprocessing:
            What was done to get X and y, in plain lists and dicts.
    """

    name: str
    fingerprint: str
    task: str
    reason: str
    train: Part
    valid: Part
    test: Part
    classes: tuple[str, ...] | None
    preprocessing: dict[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return tuple(map(int, self.train[0].shape[1:]))

    @property
    def outputs(self) -> int:
        """How many numbers a network gives."""
        return len(self.classes) if self.classes else 1

    @property
    def rows(self) -> tuple[int, int, int]:
        """How many there are to train, to validate and to test."""
        return len(self.train[1]), len(self.valid[1]), len(self.test[1])

    @property
    def metric(self) -> str:
        """What a network is scored by; more is better."""
        return "accuracy" if self.classes else "r2"

    def joined(self) -> Part:
        """The training and the validation part in one."""
        x, y = zip(self.train, self.valid, strict=True)
        return np.concatenate(x), np.concatenate(y)


def load_data(
    source: str,
    *,
    seed: int,
    target: str | None = None,
    task: str | None = None,
    drop: Sequence[str] = (),
) -> Data:
    """Loads what to learn from.

    Args:
        source:
            ``"digits"`` or a path to a CSV file.
        seed:
            Of the split.
        target:
            The column to predict; of a file only.
        task:
            ``"classification"``, ``"regression"``, or None to tell from the target.
        drop:
            Columns to leave out.

    Raises:
        BadInput:
            If the data cannot be learned from.
    """
    if source == "digits":
        if target or task or drop:
            raise BadInput("--target, --task and --drop are for CSV files; digits needs none.")
        return _digits(seed)
    return _csv(Path(source), seed, target, task, drop)


def _digits(seed: int) -> Data:
    digits = load_digits()
    x = (digits.images[:, None] / 16).astype(np.float32)
    y = digits.target.astype(np.int64)
    train, valid, test = split(len(y), y, seed)
    return Data(
        name="digits",
        fingerprint=_hash(x.tobytes() + y.tobytes()),
        task="classification",
        reason="10 digits, so classification",
        train=(x[train], y[train]),
        valid=(x[valid], y[valid]),
        test=(x[test], y[test]),
        classes=tuple(map(str, range(10))),
        preprocessing={"input_shape": [1, 8, 8], "divided_by": 16.0},
    )


def _csv(path: Path, seed: int, target: str | None, task: str | None, drop: Sequence[str]) -> Data:
    table = read_table(path)
    for option, name in [*(("--target", target),), *(("--drop", name) for name in drop)]:
        _check_column(option, name, list(table.columns), path)
    assert target is not None
    if target in drop:
        raise BadInput(f"--drop {target!r}: that is the target.")
    table = replace(table, columns={n: c for n, c in table.columns.items() if n not in drop})
    if len(table.columns) == 1:
        raise BadInput(f"{path} has no column beside the target {target!r} to learn from.")
    check_complete(table)
    if len(table) < MIN_ROWS:
        raise BadInput(
            f"{path} has {len(table)} rows; a split into three parts needs at least {MIN_ROWS}."
        )
    made = make_target(target, table.columns.pop(target), task)
    y = made.values
    train, valid, test = split(len(y), y if made.classes else None, seed)
    x, columns = make_features(table, train)
    preprocessing: dict[str, Any] = {"columns": columns}
    if made.classes is None:
        scaler = StandardScaler().fit(y[train, None])
        y = scaler.transform(y[:, None])[:, 0].astype(np.float32)
        preprocessing["target"] = {
            "column": target,
            "mean": float(scaler.mean_[0]),
            "scale": float(scaler.scale_[0]),
        }
    return Data(
        name=path.name,
        fingerprint=_hash(path.read_bytes()),
        task="classification" if made.classes else "regression",
        reason=made.reason,
        train=(x[train], y[train]),
        valid=(x[valid], y[valid]),
        test=(x[test], y[test]),
        classes=made.classes,
        preprocessing=preprocessing,
    )


def split(
    rows: int, classes: np.ndarray[Any, Any] | None, seed: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Splits row numbers into 60 % to train, 20 % to validate and 20 % to test.

    Args:
        rows:
            How many there are.
        classes:
            The class of each, of which each part gets its share, or None.
        seed:
            Of the split.
    """
    train, test = train_test_split(
        np.arange(rows), test_size=0.2, stratify=classes, random_state=seed
    )
    left = None if classes is None else classes[train]
    train, valid = train_test_split(train, test_size=0.25, stratify=left, random_state=seed)
    return train, valid, test


def _check_column(option: str, name: str | None, header: list[str], path: Path) -> None:
    listed = ", ".join(header[:20]) + (", ..." if len(header) > 20 else "")
    if name is None:
        raise BadInput(f"--target is missing: which column of {path} to predict ({listed}).")
    if name not in header:
        raise BadInput(
            f"{option} {name!r} is not a column of {path}.{nearest(name, header)} The columns are "
            f"{listed}."
        )


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()[:12]
