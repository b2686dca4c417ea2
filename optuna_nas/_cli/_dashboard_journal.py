"""Whether a journal can be read, before it is."""

from __future__ import annotations

import json
from pathlib import Path
from time import sleep

from optuna_nas._cli._errors import BadInput


PATIENCE = 1.0
"""Seconds that a process which writes a line has to end it and open the lock."""


def check_journal(path: Path) -> None:
    """Checks each line of a journal, but for a last one without an end: opening it mends that.

    Args:
        path:
            A file.

    Raises:
        BadInput:
            If a line is damaged.
    """
    if path.is_dir() or path.suffix != ".journal":
        return  # which opening it will tell
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.endswith(b"\n") and not _is_entry(line):
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


def _is_entry(line: bytes) -> bool:
    try:
        return "op_code" in json.loads(line)
    except (TypeError, ValueError):
        return False
