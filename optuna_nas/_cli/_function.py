"""``module:function``: a search space of the user's own, by its name."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
import sys
from typing import Any

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest


def load_function(name: str, option: str) -> Any:
    """The function of a trial that a name stands for; the current folder can be imported from.

    Args:
        name:
            ``"module:function"``.
        option:
            Whose value it is, for errors.

    Raises:
        BadInput:
            If there is no such module, or no such function in it.
    """
    module, _, function = name.partition(":")
    if not module or not function:
        raise BadInput(f"{option} must be module:function, as in nets:Net, not {name!r}.")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # for good: the workers of a search import it too
    try:
        found = import_module(module)
    except (ImportError, ValueError) as error:
        raise BadInput(
            f"{option} {name}: module {module!r} cannot be imported from {here}: {error}."
        ) from None
    if not callable(getattr(found, function, None)):
        legal = [n for n, value in vars(found).items() if callable(value) and n[0] != "_"]
        raise BadInput(
            f"{option} {name}: module {module!r} has no function or class {function!r}."
            f"{nearest(function, legal)}"
        )
    return getattr(found, function)
