"""``Scope``: a view of a trial whose names begin with a prefix; that is all nesting takes."""

from __future__ import annotations

from typing import Any

from optuna_nas.space._decisions import check_name


class Scope:
    """A trial that puts ``name/`` before every name it asks, and is the wrapped trial otherwise.

    Args:
        trial:
            Any trial that a network may be given, a scope included.
        name:
            What to put before every name, followed by ``/``.
    """

    def __init__(self, trial: Any, name: str) -> None:
        check_name(name)
        self._trial = trial
        self._prefix = f"{name}/"

    def scope(self, name: str) -> Scope:
        return Scope(self, name)

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__") or attribute == "_trial":
            raise AttributeError(attribute)
        found = getattr(self._trial, attribute)
        if not attribute.startswith("suggest_"):
            return found

        def suggest(name: str, *args: Any, **kwargs: Any) -> Any:
            check_name(name)
            return found(self._prefix + name, *args, **kwargs)

        return suggest
