"""What the user can put right: told in one line, without a traceback, with exit status 2."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
import errno

from rich.markup import escape
import typer

from optuna_nas._cli._consoles import say


class BadInput(Exception):
    """An argument or a file that cannot be worked with; its text says what to do."""


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
"""A disk that is full, a quota, a disk that is read-only, a folder that is another's."""


@contextmanager
def told() -> Iterator[None]:
    """Prints a :class:`BadInput` as one line to stderr and exits with status 2; Ctrl-C with 130.

    So with what a full or read-only disk says, wherever it is met.
    """
    try:
        yield
    except BadInput as error:
        say(f"[bold red]error:[/] {escape(' '.join(str(error).split()))}")
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        say("Stopped.")
        raise typer.Exit(130) from None
    except OSError as error:
        if error.errno not in FULL:
            raise
        say(f"[bold red]error:[/] {escape(str(error))}")
        raise typer.Exit(2) from None


@contextmanager
def bad_input(
    errors: tuple[type[Exception], ...] = (ValueError,), *, before: str = ""
) -> Iterator[None]:
    """Takes errors of the library that only an argument can cause for :class:`BadInput`.

    Args:
        errors:
            Which ones.
        before:
            What to put before the text.
    """
    try:
        yield
    except errors as error:
        raise BadInput(f"{before}{error}") from error


def nearest(name: str, legal: Iterable[str]) -> str:
    """Returns `` Did you mean 'price'?``, or nothing where no name is near.

    Args:
        name:
            What came.
        legal:
            What could have been meant.
    """
    lowered = {other.lower(): other for other in legal}
    found = get_close_matches(name.lower(), lowered, n=1)
    return f" Did you mean {lowered[found[0]]!r}?" if found else ""
