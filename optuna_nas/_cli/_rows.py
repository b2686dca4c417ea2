"""``read_rows``: what a search learns from, as it was read, whatever kind of file it came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from typing import TypeAlias

import numpy as np
from sklearn.datasets import load_digits

from optuna_nas._cli._arrays import parts
from optuna_nas._cli._columns import take_columns
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest
from optuna_nas._cli._images import find_images
from optuna_nas._cli._images import read_images
from optuna_nas._cli._options import Options
from optuna_nas._cli._table import check_file
from optuna_nas._cli._table import read_table
from optuna_nas._cli._table import TABLES
from optuna_nas._estimator._columns import is_frame


Pair: TypeAlias = tuple[Any, Any]
"""X, a DataFrame or an array, and y."""


@dataclass(frozen=True)
class Rows:
    """Rows as they were read.

    Args:
        name:
            ``"digits"``, or the file's name.
        target:
            What is to be predicted, in a word.
        train:
            X, a DataFrame or an array, and y.
        test:
            Likewise, if the user keeps rows for the test; else None.
        fingerprint:
            A hash of all that was read.
    """

    name: str
    target: str
    train: Pair
    test: Pair | None
    fingerprint: str


def read_rows(options: Options) -> Rows:
    """Reads what to learn from.

    Args:
        options:
            The command line.

    Raises:
        BadInput:
            If it cannot be learned from.
    """
    path = Path(options.data)
    read = _reader(options, path)
    if read is not _table:
        _check_unused(options, ("target", "drop"), "tables")
    if read is not _folder:
        _check_unused(options, ("image_size",), "folders of images")
    return read(options, path)


def take(x: Any, rows: Any) -> Any:
    """Some rows.

    Args:
        x:
            A DataFrame or an array.
        rows:
            Their numbers.
    """
    return x.iloc[rows].reset_index(drop=True) if is_frame(x) else x[rows]


def _reader(options: Options, path: Path) -> Callable[[Options, Path], Rows]:
    if options.data == "digits":
        return _digits
    if path.is_dir():
        return _folder
    check_file(path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _arrays
    if suffix in TABLES:
        return _table
    legal = (*TABLES, ".npz")
    raise BadInput(
        f"{path}: DATA must end in one of {', '.join(legal)}, or be a folder of images or "
        f"'digits'.{nearest(suffix, legal)}"
    )


def _check_unused(options: Options, names: tuple[str, ...], of: str) -> None:
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(options, name)]
    if given:
        raise BadInput(
            f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} for {of}, which "
            f"{options.data} is not."
        )


def _digits(options: Options, path: Path) -> Rows:
    _check_unused(options, ("test", "task"), "files")
    digits = load_digits()
    pair = digits.images.astype(np.uint8), digits.target.astype(np.int64)
    return Rows("digits", "digit", pair, None, _hash(pair[0].tobytes() + pair[1].tobytes()))


def _table(options: Options, path: Path) -> Rows:
    frame = take_columns(read_table(path), options.target, options.drop, path)
    target, read = str(options.target), path.read_bytes()
    train, test = _pair(frame, target), None
    if options.test is not None:
        other = Path(options.test)
        texts = [name for name in frame.columns if _is_text(frame[name])]
        test = _pair(_same_columns(read_table(other, texts), frame, target, other), target)
        read += other.read_bytes()
    return Rows(path.name, target, train, test, _hash(read))


def _pair(frame: Any, target: str) -> Pair:
    return frame.drop(columns=[target]), frame[target].to_numpy()


def _is_text(column: Any) -> bool:
    return all(isinstance(cell, str) for cell in column.dropna())


def _same_columns(frame: Any, like: Any, target: str, path: Path) -> Any:
    missing = [name for name in like.columns if name not in frame.columns]
    if missing:
        raise BadInput(
            f"--test {path} lacks {', '.join(map(repr, missing))}, which the data to train on "
            f"have.{nearest(missing[0], frame.columns)}"
        )
    return take_columns(frame[list(like.columns)], target, (), path)


def _arrays(options: Options, path: Path) -> Rows:
    train, test = parts(path)
    arrays = [*train, *(test or ())]
    if options.test is not None:
        other = Path(options.test)
        check_file(other)
        first, second = parts(other)
        test = second or first
        arrays += test
    if test is not None and test[0].shape[1:] != train[0].shape[1:]:
        raise BadInput(
            f"the rows to test on have shape {test[0].shape[1:]}, but those to train on have "
            f"{train[0].shape[1:]}."
        )
    return Rows(path.name, "y", train, test, _hash(b"".join(a.tobytes() for a in arrays)))


def _folder(options: Options, path: Path) -> Rows:
    size = None if options.image_size is None else (options.image_size, options.image_size)
    paths, labels = find_images(path)
    x = read_images(paths, size)
    y, test, content = np.array(labels, object), None, x.tobytes() + "/".join(labels).encode()
    if options.test is not None:
        other = Path(options.test)
        if not other.is_dir():
            raise BadInput(f"--test {other} must be a folder like {path}, but is none.")
        paths, labels = find_images(other)
        images = read_images(paths, x.shape[1:3], 1 if x.ndim == 3 else 3)
        test = images, np.array(labels, object)
        content += images.tobytes() + "/".join(labels).encode()
    return Rows(path.resolve().name, "class", (x, y), test, _hash(content))


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()[:12]
