"""``read_arrays``: X and y, perhaps in two parts, from an .npz file."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zipfile import ZipFile

import numpy as np

from optuna_nas._cli._errors import BadInput


LEGAL = "X and y, or x_train and y_train (and x_test and y_test)"


def read_arrays(path: Path) -> dict[str, Any]:
    """Reads arrays of NumPy's; no Python objects, which could run code.

    Args:
        path:
            A file that ``numpy.savez`` wrote.

    Returns:
        From the arrays' names, in small letters, to them.

    Raises:
        BadInput:
            If it is none, or one of the arrays holds Python objects.
    """
    try:
        with path.open("rb") as file:
            if file.read(6) == b"\x93NUMPY":
                raise BadInput(f"{path} is one array; numpy.savez writes a file with {LEGAL}.")
            with ZipFile(file):  # NumPy would take anything else for Python objects
                file.seek(0)
                arrays = np.load(file, allow_pickle=False)
                return {name.lower(): arrays[name] for name in arrays.files}
    except (BadZipFile, EOFError):
        raise BadInput(f"{path} is not an .npz file, or is cut off.") from None
    except (OSError, ValueError) as error:
        reason = "it holds Python objects" if "allow_pickle" in str(error) else str(error)
        raise BadInput(f"{path} cannot be read as an .npz file: {reason}.") from None


def parts(path: Path) -> tuple[tuple[Any, Any], tuple[Any, Any] | None]:
    """Rows and targets to train on, and those to test on if the file says so.

    Args:
        path:
            As for :func:`read_arrays`.

    Raises:
        BadInput:
            If arrays are missing, or do not have as many rows as each other.
    """
    arrays = read_arrays(path)
    train = _pair(path, arrays, "x", "y") or _pair(path, arrays, "x_train", "y_train")
    if train is None:
        raise BadInput(f"{path} must hold {LEGAL}, but holds {', '.join(arrays) or 'nothing'}.")
    return train, _pair(path, arrays, "x_test", "y_test")


def check_numbers(path: Path, x: Any) -> None:
    """Checks that an array can be learned from.

    Args:
        path:
            Its file, for errors.
        x:
            Rows first.

    Raises:
        BadInput:
            If it holds no numbers, an infinity, or, unless it is a table, NaN.
    """
    if x.ndim < 2 or x.dtype.kind not in "biuf":
        raise BadInput(
            f"{path}: X must be a table [n, columns], images [n, height, width(, channels)] or "
            f"sequences [n, time, features] of numbers, but is {x.dtype} of shape {x.shape}."
        )
    if x.dtype.kind == "f" and np.isinf(x).any():
        row = int(np.argwhere(np.isinf(x))[0][0])
        raise BadInput(f"{path}: X holds an infinity (row {row + 1:,}). Correct such cells.")
    if x.ndim > 2 and x.dtype.kind == "f" and np.isnan(x).any():
        raise BadInput(f"{path}: X has NaN, which only tables may have. Correct such cells.")


def _pair(path: Path, arrays: dict[str, Any], x: str, y: str) -> tuple[Any, Any] | None:
    if x not in arrays or y not in arrays:
        return None
    rows, targets = arrays[x], arrays[y]
    check_numbers(path, rows)
    if targets.ndim not in (1, 2) or len(targets) != len(rows):
        raise BadInput(
            f"{path}: {y} must be a target for each of the {len(rows):,} rows of {x}, but has "
            f"shape {targets.shape}."
        )
    if targets.dtype.kind == "f" and not np.isfinite(targets).all():
        raise BadInput(f"{path}: {y} has NaN or infinity. Take those rows out.")
    return rows, targets
