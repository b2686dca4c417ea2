from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._write import write


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "old")
    write(tmp_path / "a.json", "new")
    assert (tmp_path / "a.json").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("fails", ["write_text", "replace"])
def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    def full(path: Path, *arguments: Any, **options: Any) -> None:
        Path(path).touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    write(tmp_path / "a.json", "old")
    monkeypatch.setattr(*((Path, fails, full) if fails == "write_text" else (os, fails, full)))
    message = r"a\.json cannot be written: No space left on device\.$"
    with pytest.raises(BadInput, match=message):
        write(tmp_path / "a.json", "new")
    assert (tmp_path / "a.json").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
