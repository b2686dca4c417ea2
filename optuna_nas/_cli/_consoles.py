"""Where the command line says what: results on stdout, all else on stderr."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType


@dataclass(frozen=True)
class Consoles:
    """Two consoles.

    Args:
        out:
            For results: stdout.
        notes:
            For what is going on: stderr, and silent where that is no terminal.
    """

    out: Console
    notes: Console


def consoles() -> Consoles:
    """Those of this process."""
    notes = Console(stderr=True)
    notes.quiet = not notes.is_terminal
    return Consoles(Console(), notes)


def say(line: str) -> None:
    """Prints a line to stderr, terminal or not.

    Args:
        line:
            With markup of rich's.
    """
    Console(stderr=True, soft_wrap=True, highlight=False).print(line)


def say_over(line: str) -> None:
    """Prints a line in place of what a spinner says just now, which is drawn again below.

    Args:
        line:
            With markup of rich's.
    """
    erase = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))
    Console(stderr=True).control(erase)
    say(line)
