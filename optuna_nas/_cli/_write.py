"""``write``: a file as a whole, or not at all."""

from __future__ import annotations

from contextlib import suppress
import os
from pathlib import Path

from optuna_nas._cli._errors import BadInput


def write(path: Path, text: str) -> None:
    """Writes a file under another name and then gives it its own, so none is half-written.

    Args:
        path:
            Where.
        text:
            What.

    Raises:
        BadInput:
            If it cannot be written; then what was there before still is.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise BadInput(f"{path} cannot be written: {error.strerror or error}.") from None


def make_folder(path: Path) -> None:
    """Makes a folder for the files of a search, and tries whether it can be written to.

    Args:
        path:
            Where.

    Raises:
        BadInput:
            If it cannot.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"--out {path} cannot be a folder: {error.strerror}. Give another."
        ) from None
