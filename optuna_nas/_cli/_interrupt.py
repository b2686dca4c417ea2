"""Ctrl-C: the first stops after the running trial, the second stops at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
import os
import signal
import sys
from types import FrameType

import optuna


BUSY = ("filelock", "optuna.storages", "optuna.study", "optuna_nas.study._heartbeat")
"""Modules that must end what they do, and what they call: interrupted, a journal keeps its lock or
raises another error in place of the interrupt, and a dead trial is not repeated."""

BETWEEN = ("importlib._bootstrap", "_frozen_importlib", "optuna_nas.study._optimize")
"""Modules that must not be met themselves: an import may swallow an error, and where trials begin
and end, none is running that could be told that it failed."""

SOON = 0.05
"""Seconds until a second Ctrl-C is tried again."""


@contextmanager
def interruptible(study: optuna.Study) -> Iterator[None]:
    """Stops a search after a first Ctrl-C; a second is a KeyboardInterrupt at once.

    At once is when the storage has what it is just told. A third waits for nothing.

    It is told on stderr, by as little code as can be: a second may come before the first is
    handled, and either while something else is printed.

    Args:
        study:
            What is searched.
    """
    asked = 0

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise KeyboardInterrupt
        if asked > 1:
            stop_now(number, frame)
            return
        os.write(2, b"Stopping after this network; Ctrl-C again stops now.\n")
        with suppress(RuntimeError):  # a moment before or after the loop
            study.stop()

    before = signal.signal(signal.SIGINT, on_signal)
    with _tried_again():
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


@contextmanager
def unbroken() -> Iterator[None]:
    """Lets a storage end what it is told in the block: Ctrl-C comes after it, a second at once."""
    asked = 0

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


@contextmanager
def _tried_again() -> Iterator[None]:
    """Lets :func:`stop_now` wait, where the system has a timer."""
    if sys.platform == "win32":
        yield
        return
    before = signal.signal(signal.SIGALRM, stop_now)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def stop_now(number: int, frame: FrameType | None) -> None:
    """Interrupts this process, now or as soon as nothing is left half-done.

    Args:
        number:
            Of the signal.
        frame:
            What it met.

    Raises:
        KeyboardInterrupt:
            If that may be now.
    """
    if sys.platform == "win32" or not _is_busy(frame):
        raise KeyboardInterrupt
    signal.setitimer(signal.ITIMER_REAL, SOON)


def _is_busy(frame: FrameType | None) -> bool:
    if frame is not None and _module(frame) in BETWEEN:
        return True
    while frame is not None:
        if _module(frame).startswith(BUSY):
            return True
        frame = frame.f_back
    return False


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))
