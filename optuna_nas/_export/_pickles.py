"""``check_without_pickles``: of a program, before torch reads it, which would run a pickle."""

from __future__ import annotations

import io
import json
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile
from zipfile import ZipFile

import torch


def check_without_pickles(path: Path, largest: int) -> None:
    """Raises if a program holds what ``torch.export.load`` would unpickle.

    Args:
        path:
            A file of ``torch.export.save``.
        largest:
            How many bytes it may have when unpacked.

    Raises:
        ValueError:
            If it does, is too large, or is no such file.
    """
    try:
        with ZipFile(path) as archive:
            reasons = (_pickled(name, archive) for name in archive.namelist())
            if reason := _ambiguous(archive, largest) or next(filter(None, reasons), None):
                raise ValueError(f"{str(path)!r} is refused: {reason}.")
    except BadZipFile:
        raise ValueError(f"{str(path)!r} is no program of torch.export.") from None


def _ambiguous(archive: ZipFile, largest: int) -> str | None:
    """Of two files of one name, torch may read the one that is not looked at here."""
    names = archive.namelist()
    if len(set(names)) < len(names):
        return "two files in it have one name"
    size = sum(info.file_size for info in archive.infolist())
    return f"unpacked it has {size:,} bytes, more than {largest=:,}" if size > largest else None


def _pickled(name: str, archive: ZipFile) -> str | None:
    if name.endswith(".json"):
        said: Any = json.loads(archive.read(name))
        tensors = said.get("config", {}) if isinstance(said, dict) else {}
        if isinstance(tensors, dict) and any(_is_pickle(one) for one in tensors.values()):
            return f"{name} in it names pickled tensors"
    if name.endswith((".pt", ".pkl")):
        try:
            torch.load(io.BytesIO(archive.read(name)), weights_only=True)
        except (UnpicklingError, RuntimeError, EOFError) as error:
            return f"{name} in it holds more than tensors ({str(error).splitlines()[0]})"
    return None


def _is_pickle(payload: Any) -> bool:
    """Tensors that are no plain bytes, and objects, which are always pickles."""
    named = isinstance(payload, dict) and str(payload.get("path_name", ""))
    return not named or payload.get("use_pickle") or not named.startswith(("weight_", "tensor_"))
