"""Which process runs a trial, so that others of its host see at once when it is gone."""

from __future__ import annotations

from collections.abc import Mapping
import os
from pathlib import Path
import socket
from typing import Any


def identity() -> dict[str, Any]:
    """Returns what tells this process from all others, as JSON has it.

    Process numbers mean something only on one host, since its last boot, in one namespace of
    them (a container has its own). Where the system does not tell these, they are None.
    """
    pid = os.getpid()
    return {**_place(), "pid": pid, "started": _started(pid)}


def is_gone(process: Mapping[str, Any]) -> bool:
    """Whether a process has ended, as far as this one can know. When in doubt, it has not.

    Args:
        process:
            What :func:`identity` gave there.
    """
    if os.name != "posix" or any(process.get(what, "") != is_ for what, is_ in _place().items()):
        return False
    try:
        os.kill(process["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return bool(_started(process["pid"]) != process["started"])  # a later one of that number


def _place() -> dict[str, str | None]:
    return {
        "host": socket.gethostname(),
        "boot": _read("/proc/sys/kernel/random/boot_id"),
        "namespace": _namespace(),
    }


def _namespace() -> str | None:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _started(pid: int) -> str | None:
    """When a process began, in ticks since the boot; None where nobody says, or it is a zombie."""
    stat = _read(f"/proc/{pid}/stat")
    if stat is None:
        return None
    words = stat.rpartition(")")[2].split()
    return None if words[0] in "ZX" else words[19]


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None
