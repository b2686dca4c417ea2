"""What trials report in a study with several objectives: a value of each at each step.

Optuna keeps intermediate values for one objective only. These are user attrs, some reports in
each, so that a long training does not write all that it reported again with every epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from itertools import count
from typing import Any
from typing import TypeAlias


Values: TypeAlias = Sequence[float | None]
"""A value of each objective, None where it is not known yet."""

REPORTS = "reports"
"""User attrs: ``{step: values}``. The first is called so, the next ``"reports:1"``, and so on."""

TOGETHER = 20
"""How many reports are in one of them."""


def reports_in(user_attrs: Mapping[str, Any]) -> dict[int, Values]:
    """Returns what was reported, by step.

    Args:
        user_attrs:
            A trial's.
    """
    found = {int(s): values for part in _parts(user_attrs) for s, values in part.items()}
    return dict(sorted(found.items()))


def report_at(user_attrs: Mapping[str, Any], step: int) -> Values | None:
    """Returns what was reported at a step, or None.

    Args:
        user_attrs:
            A trial's.
        step:
            Which.
    """
    found = (part.get(str(step)) for part in _parts(user_attrs))
    return next((values for values in found if values is not None), None)


def with_report(
    user_attrs: Mapping[str, Any], step: int, values: Values
) -> tuple[str, dict[str, Values]]:
    """Returns the user attr to write for one more report. What a step has already, it keeps.

    Args:
        user_attrs:
            A trial's.
        step:
            Where.
        values:
            One for each objective.
    """
    parts = list(_parts(user_attrs))
    at = next((i for i, part in enumerate(parts) if str(step) in part), len(parts) - 1)
    if at < 0 or (str(step) not in parts[at] and len(parts[at]) >= TOGETHER):
        return _name(len(parts)), {str(step): list(values)}
    before = parts[at].get(str(step), [None] * len(values))
    merged = [new if old is None else old for old, new in zip(before, values, strict=True)]
    return _name(at), {**parts[at], str(step): merged}


def _parts(user_attrs: Mapping[str, Any]) -> Iterator[dict[str, Values]]:
    for i in count():
        if (part := user_attrs.get(_name(i))) is None:
            return
        yield part


def _name(i: int) -> str:
    return f"{REPORTS}:{i}" if i else REPORTS
