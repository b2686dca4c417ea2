"""Ctrl-C: the first stops after the running trial, the second stops at once."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
import signal
from types import FrameType

import optuna
from optuna.trial import FrozenTrial


@contextmanager
def interruptible(
    say: Callable[[str], None],
) -> Iterator[Callable[[optuna.Study, FrozenTrial], None]]:
    """Gives a callback that stops a study after a first Ctrl-C; a second is a KeyboardInterrupt.

    Args:
        say:
            Tells the user what is going to happen.
    """
    asked = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        say("Stopping after this network; Ctrl-C again stops now.")

    def stop_if_asked(study: optuna.Study, trial: FrozenTrial) -> None:
        if asked:
            study.stop()

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield stop_if_asked
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt
