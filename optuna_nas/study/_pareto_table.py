"""``pareto_table``: the front of a study to read, or to make a data frame of."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from optuna.study import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from optuna_nas._ranking import costs
from optuna_nas.study._front import front
from optuna_nas.study._names import metric_names
from optuna_nas.study._text_table import aligned
from optuna_nas.study._text_table import html
from optuna_nas.study._text_table import is_number
from optuna_nas.study._text_table import markdown
from optuna_nas.study._text_table import texts


FEWEST_REPEATS = 6
"""Of fewer, the smallest and largest are no 95 % interval of the median."""


@dataclass(frozen=True)
class ParetoTable:
    """A front; ``print`` gives it as text, a notebook as a table.

    Example:

        .. code-block:: python

            pandas.DataFrame(table.rows, columns=table.columns)

    Attributes:
        columns:
            ``"trial"``, the objectives, with the ends of the interval behind one that was
            measured with an interval, and the decisions that differ.
        rows:
            One for each trial; None for a decision that a trial was not asked.
        same:
            The decisions that are the same in all rows.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    same: Mapping[str, Any]

    def __str__(self) -> str:
        return "\n".join([aligned(self.columns, *self._cells()), *self._note()])

    def to_markdown(self) -> str:
        """Returns the table in Markdown."""
        return "\n\n".join([markdown(self.columns, *self._cells()), *self._note()])

    def _repr_html_(self) -> str:
        note = "".join(f"<p>{escape(line)}</p>" for line in self._note())
        return html(self.columns, *self._cells()) + note

    def _cells(self) -> tuple[list[tuple[str, ...]], list[bool]]:
        """The rows as text, and which columns are flush right."""
        columns = list(zip(*self.rows, strict=True))
        right = [all(value is None or is_number(value) for value in column) for column in columns]
        return list(zip(*map(texts, columns), strict=True)), right

    def _note(self) -> list[str]:
        told = ", ".join(f"{name} = {texts([value])[0]}" for name, value in self.same.items())
        return [f"the same in all: {told}"] if told else []


def pareto_table(study: Study, *, params: Sequence[str] | None = None) -> ParetoTable:
    """Returns the Pareto front of a study as a table, one row for each architecture.

    The rows begin with the least cost: they are sorted by the first objective to minimise, or, if
    there is none, by the first.

    Example:

        .. code-block:: python

            print(pareto_table(study))

    Args:
        study:
            Only feasible complete trials count.
        params:
            Which decisions to show; by default those that differ, with the others below.

    Raises:
        ValueError:
            If no trial is complete and feasible, or none of the front has one of ``params``.
    """
    trials = _sorted(front(study), study.directions)
    names = {name: None for trial in trials for name in trial.params}
    if params is not None and (unknown := [name for name in params if name not in names]):
        raise ValueError(
            f"params names {', '.join(map(repr, unknown))}, which no trial of the front has; "
            f"they have {', '.join(map(repr, names))}."
        )
    same = {name: trials[0].params[name] for name in names if _is_same(trials, name)}
    shown = [name for name in names if name not in same] if params is None else params
    columns: list[tuple[str, list[Any]]] = [("trial", [trial.number for trial in trials])]
    for i, name in enumerate(metric_names(study)):
        columns.append((name, [trial.values[i] for trial in trials]))
        columns += _interval(trials, name)
    columns += [(name, [trial.params.get(name) for trial in trials]) for name in shown]
    return ParetoTable(
        columns=tuple(name for name, _ in columns),
        rows=tuple(zip(*(values for _, values in columns), strict=True)),
        same=same if params is None else {},
    )


def _sorted(trials: list[FrozenTrial], directions: Sequence[StudyDirection]) -> list[FrozenTrial]:
    first = next((i for i, d in enumerate(directions) if d == StudyDirection.MINIMIZE), 0)
    by = costs(trials, directions)[:, first]
    return [trials[i] for i in by.argsort(kind="stable")]


def _is_same(trials: Sequence[FrozenTrial], name: str) -> bool:
    first = trials[0].params
    return name in first and all(
        name in trial.params and trial.params[name] == first[name] for trial in trials
    )


def _interval(trials: Sequence[FrozenTrial], name: str) -> list[tuple[str, list[Any]]]:
    """Columns of the interval that a measurement of that name has in the trials' user attrs."""
    found = [trial.user_attrs.get(name) for trial in trials]
    records = [record if isinstance(record, dict) else {} for record in found]
    ends = {end: [interval_end(record, end) for record in records] for end in ("low", "high")}
    if all(all(value is None for value in values) for values in ends.values()):
        return []
    columns: list[tuple[str, list[Any]]] = [(f"{name} {e}", values) for e, values in ends.items()]
    noisy = ["yes" if record.get("noisy") else None for record in records]
    return [*columns, (f"{name} noisy", noisy)] if any(noisy) else columns


def interval_end(record: Mapping[str, Any], end: str) -> float | None:
    """Returns ``low`` of a record, or ``low_ms``: the unit may stand behind it; or None.

    Args:
        record:
            What a trial keeps of a measurement, as a user attr of the metric's name.
        end:
            ``"low"`` or ``"high"``.
    """
    if record.get("repeats", FEWEST_REPEATS) < FEWEST_REPEATS:
        return None
    ends = (v for key, v in record.items() if key.split("_")[0] == end and is_number(v))
    return next(ends, None)
