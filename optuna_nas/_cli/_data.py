"""``load_data``: rows prepared for a network, split into a part to train on, one to choose by, and
one that nobody looks at before the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import TypeAlias

import numpy as np
from rich.markup import escape
from sklearn.model_selection import train_test_split
import torch
from torch import Tensor

from optuna_nas._cli._columns import numbering
from optuna_nas._cli._consoles import say_over
from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._options import Options
from optuna_nas._cli._rows import Pair
from optuna_nas._cli._rows import read_rows
from optuna_nas._cli._rows import Rows
from optuna_nas._cli._rows import take
from optuna_nas._cli._space import check_name
from optuna_nas._cli._task import make_targets
from optuna_nas._estimator._columns import is_frame
from optuna_nas._estimator._grids import GridInputs
from optuna_nas._estimator._grids import kind_of_grid
from optuna_nas._estimator._table import TableInputs
from optuna_nas._estimator._targets import Classes
from optuna_nas._estimator._targets import Numbers
from optuna_nas._estimator._targets import numbers_of


Part: TypeAlias = tuple[Tensor, Tensor]

MIN_ROWS = 50


@dataclass(frozen=True)
class Data:
    """What to learn from.

    Args:
        name:
            ``"digits"``, or the file's name.
        target:
            What is to be predicted.
        fingerprint:
            A hash of all that was read.
        reason:
            What the target is taken for, and why.
        space:
            The name of the search space, on which it depends how rows are prepared.
        inputs:
            What prepares rows: fitted on the training part only.
        targets:
            What reads the outputs of a network.
        raw:
            X of the three parts as they were read, DataFrames or arrays.
        train:
            X as a network takes it, float32; y as :class:`Classes` or :class:`Numbers` encode it.
        valid:
            Likewise.
        test:
            Likewise.
    """

    name: str
    target: str
    fingerprint: str
    reason: str
    space: str
    inputs: TableInputs | GridInputs
    targets: Classes | Numbers
    raw: tuple[Any, Any, Any]
    train: Part
    valid: Part
    test: Part

    @property
    def task(self) -> str:
        """``"classification"`` or ``"regression"``."""
        return self.targets.task

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one prepared row."""
        return tuple(self.train[0].shape[1:])

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """Their labels, or None for a regression."""
        return tuple(self.targets.labels.tolist()) if isinstance(self.targets, Classes) else None

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
        return torch.cat(x), torch.cat(y)


def load_data(options: Options) -> Data:
    """Reads, splits and prepares what to learn from.

    Args:
        options:
            The command line.

    Raises:
        BadInput:
            If the data cannot be learned from, or the space is not for them.
    """
    rows = read_rows(options)
    kind = _kind(rows, options.space)
    space = check_name(options.space, kind, rows.name)
    inputs = (
        TableInputs(one_hot=space != "tabular", seed=options.seed)
        if kind == "table"
        else GridInputs(kind)
    )
    y, targets, reason = make_targets(rows.target, rows.train[1], options.task)
    pairs = _parts(rows, y, targets, options.seed)
    if isinstance(targets, Numbers):
        targets = numbers_of(pairs[0][1])  # of the training part only, as the inputs
    unfit = (ValueError, TypeError)
    with bad_input(unfit, before=f"{rows.name}: "):
        prepared = [inputs.fit(pairs[0][0]), inputs.transform(pairs[1][0])]
    with bad_input(unfit, before=f"{options.test or rows.name}: "):
        prepared.append(inputs.transform(pairs[2][0]))
    train, valid, test = (
        (x, targets.encode(y)) for x, (_, y) in zip(prepared, pairs, strict=True)
    )
    raw = (pairs[0][0], pairs[1][0], pairs[2][0])
    if is_frame(rows.train[0]):
        for line in numbering(rows.train[0]):
            say_over(escape(line))
    return Data(
        rows.name, rows.target, rows.fingerprint, reason, space, inputs, targets, raw,
        train, valid, test,
    )  # fmt: skip


def split(rows: int, classes: Any, shares: Sequence[float], seed: int) -> list[Any]:
    """Splits row numbers at random.

    Args:
        rows:
            How many there are.
        classes:
            The class of each, of which each part gets its share, or None.
        shares:
            Of each part, which sum to 1.
        seed:
            Of the split.
    """
    left, parts, rest = np.arange(rows), [], 1.0
    for share in reversed(shares[1:]):
        kept = None if classes is None else classes[left]
        left, part = train_test_split(
            left, test_size=round(share / rest, 9), stratify=kept, random_state=seed
        )
        parts.append(part)
        rest -= share
    return [left, *reversed(parts)]


def _kind(rows: Rows, space: str | None) -> str:
    x = rows.train[0]
    if x.ndim == 2:
        return "table"
    with bad_input(before=f"{rows.name}: "):
        return kind_of_grid(x, space)[0]


def _parts(rows: Rows, y: Any, targets: Classes | Numbers, seed: int) -> list[Pair]:
    """X and y to train on, to choose by and to test on."""
    if len(y) < MIN_ROWS:
        raise BadInput(
            f"{rows.name} has {len(y)} rows; a split into three parts needs at least {MIN_ROWS}."
        )
    shares = (0.6, 0.2, 0.2) if rows.test is None else (0.75, 0.25)
    classes = y if isinstance(targets, Classes) else None
    parts = split(len(y), classes, shares, seed)
    pairs = [(take(rows.train[0], part), y[part]) for part in parts]
    if rows.test is not None:
        x, tested = rows.test
        pairs.append((x, _same_targets(rows, tested, targets)))
    return pairs


def _same_targets(rows: Rows, y: Any, targets: Classes | Numbers) -> Any:
    """The targets of a test part that the user gave, as those to train on are."""
    if isinstance(targets, Numbers):
        with bad_input(before=f"the target {rows.target!r} of the test part: "):
            return np.asarray(y, np.float64)
    if targets.labels.dtype.kind == "O":
        y = np.asarray(y).astype(str).astype(object)
    unknown = sorted({str(label) for label in y if label not in targets.labels})
    if unknown:
        raise BadInput(
            f"the test part has classes that the rows to train on have not: {', '.join(unknown)}."
        )
    return np.asarray(y).astype(targets.labels.dtype).reshape(len(y))
