"""From a path or a URL to an Optuna storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import json
import os
from pathlib import Path
from time import time
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal import JournalFileSymlinkLock
from optuna.storages.journal import JournalRedisBackend
from optuna.storages.journal._file import LOCK_FILE_SUFFIX


LEGAL = (
    "a path that ends in .journal, an SQLAlchemy URL (sqlite:///study.db, postgresql://...), "
    "redis://..., an optuna.storages.BaseStorage, or None for memory"
)

PATIENCE = 30.0
"""Seconds, as long as Optuna waits for a lock that leads somewhere."""

_logger = optuna.logging.get_logger(f"optuna.{__name__}")  # obeys Optuna's verbosity


def open_storage(storage: BaseStorage | str | Path | None) -> BaseStorage | str | None:
    """Opens a storage, or leaves it to Optuna.

    Args:
        storage:
            A path ending in ``.journal`` (its folder is made; a last line that a full disk or a
            kill left half-written is taken away), ``redis://...``, an SQLAlchemy URL, a storage,
            or None.

    Returns:
        What ``optuna.create_study`` takes.

    Raises:
        ValueError:
            If it is none of these: a directory, a file of another kind, something else; or if
            the file cannot be written.
    """
    if storage is None or isinstance(storage, BaseStorage):
        return storage
    if not isinstance(storage, str | Path):
        raise ValueError(f"storage must be {LEGAL}, but got {storage!r}.")
    if str(storage).startswith("redis://"):
        return JournalStorage(JournalRedisBackend(str(storage)))
    if "://" in str(storage):
        return str(storage)
    path = Path(storage)
    if path.is_dir():
        way_out = "Give another name."
        if path.suffix != ".journal":
            way_out = f"Name a file in it: {path / 'study.journal'}."
        raise ValueError(f"storage is a directory: {path}. {way_out}")
    if path.suffix != ".journal":
        raise ValueError(f"storage must be {LEGAL}, but got {str(storage)!r}.")
    with told_if_unwritable(path):
        _check_journal(path)
        _unlock(path)
        _mend(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Optuna's lock is a link beside the journal to this name of it, and must lead there.
        return JournalStorage(JournalFileBackend(str(path.absolute())))


@contextmanager
def told_if_unwritable(storage: Any) -> Iterator[None]:
    """Takes an error of the file system for one of the argument.

    Args:
        storage:
            What is opened or written to.

    Raises:
        ValueError:
            If that fails.
    """
    try:
        yield
    except OSError as error:
        where = f"storage {storage}" if isinstance(storage, str | Path) else "the storage"
        raise ValueError(
            f"{where} cannot be written: {error.strerror} ({error.filename}). Give a path in a "
            "folder that you may write to."
        ) from error


def _check_journal(path: Path) -> None:
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb") as file:
        line = file.readline()
    try:
        known = "op_code" in json.loads(line)
    except (ValueError, TypeError):
        known = False
    if not known:
        raise ValueError(f"storage {path} holds something else than an Optuna journal.")


def _unlock(path: Path) -> None:
    """Takes away the lock of a process that was killed, if it leads nowhere.

    So it is of a journal that was opened by a relative name. Optuna would wait for it forever,
    and not for the seconds that it grants others.
    """
    lock = Path(f"{path}{LOCK_FILE_SUFFIX}")
    if lock.is_symlink() and not lock.exists() and time() - lock.lstat().st_mtime > PATIENCE:
        lock.unlink(missing_ok=True)


def _mend(path: Path) -> None:
    """Takes away a half-written last line: what is appended to it would make all unreadable."""
    if not _is_torn(path):
        return
    lock = JournalFileSymlinkLock(str(path.absolute()))
    lock.acquire()  # whoever is writing has it
    try:
        if _is_torn(path):
            with path.open("rb+") as file:
                file.truncate(file.read().rfind(b"\n") + 1)
            _logger.warning(f"{path} ended in half a line, which was taken away.")
    finally:
        lock.release()


def _is_torn(path: Path) -> bool:
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"
