"""Params and fronts as tables."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from optuna.trial import FrozenTrial
from rich.table import Table

from optuna_nas.visualization._params import in_short
from optuna_nas.visualization._params import value_in_short


def as_table(params: Mapping[str, Any]) -> Table:
    """Returns params as a table, a line for each scope.

    Args:
        params:
            From decision to value.
    """
    table = Table.grid(padding=(0, 2))
    scopes: dict[str, dict[str, Any]] = {}
    for name, value in params.items():
        scope, _, last = name.rpartition("/")
        scopes.setdefault(scope, {})[last] = value
    for scope, decisions in scopes.items():
        told = (f"[dim]{name}[/] {value_in_short(value)}" for name, value in decisions.items())
        table.add_row(scope, "  ".join(told))
    return table


def front_table(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> Table:
    """Returns a Pareto front as a table, by the last objective, each network once.

    Args:
        trials:
            Those on the front.
        objectives:
            Their values' names.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("network", *objectives):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("decisions")
    told: list[Mapping[str, Any]] = []
    for trial in sorted(trials, key=lambda trial: (trial.values[-1], trial.number)):
        if trial.params in told:
            continue
        told.append(trial.params)
        table.add_row(str(trial.number), *map(in_digits, trial.values), in_short(trial.params))
    return table


def in_digits(value: float | None) -> str:
    """A score or a cost, as ``0.9944`` or ``2,962``.

    Args:
        value:
            Of an objective; None if nobody measured it.
    """
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if value.is_integer() and abs(value) > 1 else f"{value:.4f}"
