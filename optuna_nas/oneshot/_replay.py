"""Which names an architecture has: what the network would ask again, given its answers.

The supernet's trial notes on the way to which options each decision is asked. So a replay takes
microseconds, and single-path training can draw an architecture for every batch.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any
from typing import TypeAlias

from optuna_nas.oneshot._gate import Gate
from optuna_nas.space import describe
from optuna_nas.space._decisions import legal


Context: TypeAlias = tuple[tuple[str, frozenset[int]], ...]
"""Decisions with logits of which one must be taken, from the outermost to the innermost."""

Ask: TypeAlias = tuple[str, Context]


def replay(
    asks: Iterable[Ask], gates: Mapping[str, Gate], answer: Callable[[str], Any]
) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """Asks again what the network asks.

    Args:
        asks:
            What it asks on the way to which options, in its order.
        gates:
            Of the decisions that are not fixed, by name.
        answer:
            From a name to its value.

    Returns:
        The value of each name that is active, and the logits that they take.
    """
    params: dict[str, Any] = {}
    taken: dict[str, tuple[int, ...]] = {}
    for name, context in asks:
        if name in params or any(led.isdisjoint(taken.get(n, ())) for n, led in context):
            continue
        params[name] = answer(name)
        if name in gates and legal(gates[name].distribution, params[name]):
            taken[name] = gates[name].choices[params[name]]
    return params, taken


def checked(
    asks: Sequence[Ask],
    gates: Mapping[str, Gate],
    values: Mapping[str, Any],
    params: Mapping[str, Any],
) -> dict[str, tuple[int, ...]]:
    """Returns the logits that params take, or says all that is wrong with them.

    Args:
        asks:
            What the network asks.
        gates:
            Of the decisions that are not fixed.
        values:
            Of those that are.
        params:
            The value of each decision, exactly those that are active.

    Raises:
        TypeError:
            If ``params`` is no dict.
        ValueError:
            If names are missing or unknown or not active, or values illegal.
    """
    if not isinstance(params, Mapping):
        raise TypeError(
            "params must be a dict from decision to value, but got "
            f"{params!r} ({type(params).__name__})."
        )
    absent = object()
    asked, taken = replay(asks, gates, lambda name: params.get(name, absent))
    wrong = [f"missing {name!r}" for name, value in asked.items() if value is absent]
    wrong += [
        problem
        for name, value in asked.items()
        if value is not absent and (problem := _problem(name, value, gates, values))
    ]
    known = {name for name, _ in asks}
    for name in params:
        if name not in known:
            wrong.append(f"unknown {name!r}{_guess(name, known - set(params))}")
        elif name not in asked and not wrong:  # else it may be active once that is put right
            wrong.append(f"{name!r} is not asked in this architecture")
    if wrong:
        raise ValueError(f"params do not fit the supernet: {'; '.join(wrong)}.")
    return taken


def check_known(asks: Iterable[Ask], values: Mapping[str, Any]) -> None:
    """Raises if values name a decision that the network does not ask.

    Args:
        asks:
            What the network asks.
        values:
            By name.
    """
    known = {name for name, _ in asks}
    unknown = [f"{n!r}{_guess(n, known - set(values))}" for n in values if n not in known]
    if unknown:
        raise ValueError(
            f"values name decisions that the network does not ask: {', '.join(unknown)}."
        )


def _problem(
    name: str, value: Any, gates: Mapping[str, Gate], values: Mapping[str, Any]
) -> str | None:
    if name not in gates:
        if value == values[name]:
            return None
        return f"{name!r} = {value!r}, but this supernet was made with {values[name]!r}"
    gate = gates[name]
    if not legal(gate.distribution, value):
        return f"illegal {name!r} = {value!r} ({describe(gate.distribution)})"
    dropped = [gate.labels[i] for i in gate.choices[value] if not gate.kept[i]]
    if dropped:
        return f"{name!r} = {value!r}, but {', '.join(map(repr, dropped))} was dropped"
    return None


def _guess(name: str, names: Iterable[str]) -> str:
    nearest = get_close_matches(name, sorted(names), n=1)
    return f" (did you mean {nearest[0]!r}?)" if nearest else ""
