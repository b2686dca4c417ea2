from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optuna_nas._cli._arrays import parts
from optuna_nas._cli._errors import BadInput


X = np.zeros((60, 4))
Y = np.arange(60) % 2


def saved(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "a.npz", **arrays)
    return folder / "a.npz"


def test_names_may_be_in_capitals_and_a_test_part_may_be_there(tmp_path: Path) -> None:
    train, test = parts(saved(tmp_path, X=X, y=Y, x_test=X[:3], y_test=Y[:3]))
    assert train[0].shape == (60, 4)
    assert test is not None
    assert len(test[1]) == 3


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"data": X}, r" must hold X and y, or x_train and y_train \(and x_test and y_test\), but "
         r"holds data\.$"),
        ({"X": X, "y": Y[:9]}, r": y must be a target for each of the 60 rows of x, but has shape "
         r"\(9,\)\.$"),
        ({"X": X[0], "y": Y[:4]}, r": X must be a table \[n, columns\], images .* but is float64 "
         r"of shape \(4,\)\.$"),
        ({"X": X.astype(str), "y": Y}, r" of numbers, but is <U32 of shape \(60, 4\)\.$"),
        ({"X": X + np.inf, "y": Y}, r": X holds an infinity \(row 1\)\. Correct such cells\.$"),
        ({"X": np.full((60, 4, 4), np.nan), "y": Y}, r": X has NaN, which only tables may have\."),
        ({"X": X, "y": Y * np.nan}, r": y has NaN or infinity\. Take those rows out\.$"),
        ({"X": X.astype(object), "y": Y}, r" cannot be read as an \.npz file: it holds Python "
         r"objects\.$"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_told(tmp_path: Path, arrays: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parts(saved(tmp_path, **arrays))


@pytest.mark.parametrize("content", [b"x", b"PK\x03\x04 and no more"])
def test_what_is_no_npz_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(BadInput, match=r" is not an \.npz file, or is cut off\.$"):
        parts(tmp_path / "a.npz")


def test_a_single_array_is_told(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", X)
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(BadInput, match=r" is one array; numpy\.savez writes a file with X and "):
        parts(tmp_path / "a.npz")
