"""Ctrl-C: the first stops after the running trial, the second stops at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
import signal
import sys
from types import FrameType

import optuna


@contextmanager
def interruptible(study: optuna.Study) -> Iterator[None]:
    """Stops a search after a first Ctrl-C; a second is a KeyboardInterrupt at once.

    It is told on stderr, by as little code as can be: a second may come before the first is
    handled.

    Args:
        study:
            What is searched.
    """
    asked = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        sys.stderr.write("Stopping after this network; Ctrl-C again stops now.\n")
        with suppress(RuntimeError):  # a moment before or after the loop
            study.stop()

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt
