"""``quiet``: the conditions of a measurement, the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import gc
import os
from pathlib import Path
import tempfile
from typing import Any

from filelock import FileLock
import torch

from optuna_nas.metrics._counts import check_count


@contextmanager
def quiet(device: torch.device, threads: int) -> Iterator[None]:
    """Measures alone, on so many threads, without the garbage collector.

    Torch's random numbers go on as if nothing had been, whatever the network draws.

    Another worker that wants to measure on such a device waits, for as long as it takes. The lock
    is a file in the temporary directory; when a process dies, the system opens it again. Each
    user has their own, since files of others cannot be locked there.

    Args:
        device:
            Where is measured.
        threads:
            How many threads an operation of torch may take.
    """
    # Asked often: who measures again at once would else have the lock before those who wait.
    with FileLock(_lock_path(device)).acquire(poll_interval=0.005):
        # Not before: until then, another thread of this process may have changed them.
        before, collects = torch.get_num_threads(), gc.isenabled()
        torch.set_num_threads(threads)
        gc.disable()
        try:
            with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
                yield
        finally:
            torch.set_num_threads(before)
            if collects:
                gc.enable()


def check_threads(threads: Any) -> None:
    """Checks a number of threads.

    Args:
        threads:
            What came.

    Raises:
        TypeError:
            If it is no int.
        ValueError:
            If it is below 1, or this process has not so many cores.
    """
    check_count("threads", threads)
    allowed = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if allowed else os.cpu_count() or 1
    if threads > cores:
        raise ValueError(
            f"threads must be at most {cores}, the cores that this process may use, but is "
            f"{threads}."
        )


def _lock_path(device: torch.device) -> Path:
    user = os.getuid() if hasattr(os, "getuid") else ""  # on Windows the directory is the user's
    return Path(tempfile.gettempdir(), f"optuna_nas-{user}-{device.type}.lock")
