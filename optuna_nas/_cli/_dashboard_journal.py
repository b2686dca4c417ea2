"""Whether a journal can be read and added to, before it is."""

from __future__ import annotations

import json
from pathlib import Path
from time import sleep

from optuna_nas._cli._errors import BadInput


PATIENCE = 1.0
"""Seconds that a process which writes a line has to end it."""


def check_journal(path: Path) -> None:
    """Checks each line of a journal.

    Args:
        path:
            A file.

    Raises:
        BadInput:
            If a line is damaged, or the last has no end: what would be written next would become
            part of it.
    """
    if path.is_dir() or path.suffix != ".journal":
        return  # which opening it will tell
    if not _ends(path):
        sleep(PATIENCE)
    if not _ends(path):
        raise BadInput(
            f"{path} ends in the middle of a line: a process died while it wrote. Take that line "
            "away, and nothing else is lost; on Linux: sed -i '$d' and the file's name."
        )
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not _is_entry(line):
                raise BadInput(
                    f"line {number} of {path} is no entry of a journal: "
                    f"{line[:40].decode(errors='replace')!r}. Take it away, or take a copy of the "
                    "file from before."
                )


def is_locked(storage: str) -> bool:
    """Whether another process holds the lock of a journal.

    Args:
        storage:
            A path or a URL.
    """
    lock = Path(f"{storage}.lock")
    if "://" in storage or not lock.is_symlink():
        return False
    sleep(PATIENCE)  # a lock is held for as long as a line takes
    return lock.is_symlink()


def _ends(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:
            return True
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def _is_entry(line: bytes) -> bool:
    try:
        return "op_code" in json.loads(line)
    except (TypeError, ValueError):
        return False
