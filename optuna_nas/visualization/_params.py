"""Decisions, from a dict or from a trial, and as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna_nas.space import ARCHITECTURE


def params_of(params_or_trial: Any, wanted_by: str, argument: str = "params") -> dict[str, Any]:
    """The decisions; of a trial those of the network, if it says which these are.

    Args:
        params_or_trial:
            A dict from decision to value, or a trial.
        wanted_by:
            The function that was called, for the message.
        argument:
            How it calls them.

    Raises:
        TypeError:
            If it is something else.
    """
    if isinstance(params_or_trial, Mapping):
        return dict(params_or_trial)
    params = getattr(params_or_trial, "params", None)
    if not isinstance(params, Mapping):
        raise TypeError(
            f"{wanted_by}: {argument} must be a dict from decision to value, or a trial, but is "
            f"{params_or_trial!r} ({type(params_or_trial).__name__})."
        )
    told = params_or_trial.user_attrs.get(ARCHITECTURE)
    names = told if isinstance(told, list | tuple) else params  # others may call theirs so
    return {name: params[name] for name in names if name in params}


def in_short(params: Mapping[str, Any]) -> str:
    """Decisions in one line, such as ``stages=2 max stage0(width=16 conv skip)``.

    Those of a scope stand together; a name only where one needs it.

    Args:
        params:
            From decision to value.
    """
    scopes: dict[str, list[str]] = {}
    for name, value in params.items():
        scope, _, last = name.rpartition("/")
        scopes.setdefault(scope, []).extend(_in_short(last, value))
    plain = scopes.pop("", [])
    return " ".join([*plain, *(f"{scope}({' '.join(v)})" for scope, v in scopes.items())])


def value_in_short(value: Any) -> str:
    """A choice in few letters.

    Args:
        value:
            What was chosen.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _in_short(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [name] if value else []
    return [value] if isinstance(value, str) else [f"{name}={value_in_short(value)}"]
