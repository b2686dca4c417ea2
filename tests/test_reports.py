from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from optuna_nas._reports import report_at
from optuna_nas._reports import reports_in
from optuna_nas._reports import TOGETHER
from optuna_nas._reports import with_report


VALUE = st.one_of(st.none(), st.floats(0, 1))


def written(reports: list[tuple[int, list[float | None]]]) -> dict[str, Any]:
    attrs: dict[str, Any] = {}
    for step, values in reports:
        key, part = with_report(attrs, step, values)
        attrs[key] = part
    return attrs


@given(st.lists(st.tuples(st.integers(0, 60), st.tuples(VALUE, VALUE).map(list)), max_size=80))
def test_what_was_reported_first_is_read_again_step_by_step(
    reports: list[tuple[int, list[float | None]]],
) -> None:
    expected: dict[int, list[float | None]] = {}
    for step, values in reports:
        before = expected.get(step, [None, None])
        pairs = zip(before, values, strict=True)
        expected[step] = [new if old is None else old for old, new in pairs]
    attrs = written(reports)
    assert reports_in(attrs) == expected
    assert list(reports_in(attrs)) == sorted(expected)
    for step in range(61):
        assert report_at(attrs, step) == expected.get(step)


def test_a_long_training_writes_no_report_more_than_twenty_times() -> None:
    attrs = written([(step, [0.5, None]) for step in range(1, 101)])
    assert list(attrs) == ["reports", "reports:1", "reports:2", "reports:3", "reports:4"]
    assert {len(part) for part in attrs.values()} == {TOGETHER}


def test_a_trial_that_reported_nothing_has_no_reports() -> None:
    assert reports_in({"curve": [1.0]}) == {}
    assert report_at({}, 1) is None
