from __future__ import annotations

import math
from textwrap import dedent

from hypothesis import given
from hypothesis import strategies as st
import pytest

from optuna_nas.study import pareto_table
from optuna_nas.study._text_table import texts
from tests.study.studies import told_study


PARAMS = [
    {"width": 64, "act": "relu", "depth": 2, "lr": 0.0012345},
    {"width": 1024, "act": "a|b", "depth": 2, "lr": 0.1, "skip": True},
    {"width": 8, "act": "<tanh>", "depth": 2, "lr": 0.1},
]
STUDY = told_study([[0.9, 5.0], [0.95, 16.25], [0.5, 1.0]], params=PARAMS)


def test_the_table_shows_the_objectives_and_the_decisions_that_differ() -> None:
    expected = """\
        trial  accuracy  latency_ms  width  act     lr        skip
            2      0.50        1.00      8  <tanh>  0.100000  -
            0      0.90        5.00     64  relu    0.001234  -
            1      0.95       16.25  1,024  a|b     0.100000  True
        the same in all: depth = 2"""
    lines = [line.split() for line in str(pareto_table(STUDY)).splitlines()]
    assert lines == [line.split() for line in dedent(expected).splitlines()]


def test_columns_of_numbers_are_flush_right_and_texts_flush_left() -> None:
    study = told_study(
        [[0.9, 5.0], [0.5, 1.0]], params=[{"n": 10, "op": "sum"}, {"n": 9, "op": "product"}]
    )
    expected = """\
        trial  accuracy  latency_ms   n  op
            1       0.5           1   9  product
            0       0.9           5  10  sum"""
    assert str(pareto_table(study)) == dedent(expected)


def test_the_rows_are_data() -> None:
    table = pareto_table(STUDY)
    assert table.columns == ("trial", "accuracy", "latency_ms", "width", "act", "lr", "skip")
    assert table.rows[0] == (2, 0.5, 1.0, 8, "<tanh>", 0.1, None)
    assert table.same == {"depth": 2}


def test_the_rows_make_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas")
    table = pareto_table(STUDY)
    frame = pandas.DataFrame(table.rows, columns=table.columns)
    assert list(frame["latency_ms"]) == [1.0, 5.0, 16.25]


def test_the_table_begins_with_the_least_cost() -> None:
    assert [row[0] for row in pareto_table(STUDY).rows] == [2, 0, 1]
    values = [[0.1, 9.0], [0.5, 1.0]]
    assert [row[0] for row in pareto_table(told_study(values, ["maximize"] * 2)).rows] == [1, 0]


def test_decisions_can_be_chosen() -> None:
    table = pareto_table(STUDY, params=["depth"])
    assert table.columns == ("trial", "accuracy", "latency_ms", "depth")
    assert table.same == {}
    assert pareto_table(STUDY, params=[]).columns == ("trial", "accuracy", "latency_ms")
    message = r"params names 'deep', which no trial of the front has; they have 'width', 'act'"
    with pytest.raises(ValueError, match=message):
        pareto_table(STUDY, params=["deep"])


@pytest.mark.parametrize("unit", ["", "_ms"])
def test_a_measurement_with_an_interval_shows_its_ends(unit: str) -> None:
    record = {f"median{unit}": 5.0, f"low{unit}": 4.8, f"high{unit}": 5.3, "noisy": False}
    study = told_study([[0.9, 5.0], [0.5, 1.0]], user_attrs={0: {"latency_ms": record}})
    table = pareto_table(study, params=[])
    assert table.columns[2:] == ("latency_ms", "latency_ms low", "latency_ms high")
    assert table.rows == ((1, 0.5, 1.0, None, None), (0, 0.9, 5.0, 4.8, 5.3))
    assert "4.8" in str(table)


@pytest.mark.parametrize("record", [5.0, "fast", None, {}, {"low": "a", "lowest": 1.0}])
def test_other_user_attrs_of_that_name_are_no_interval(record: object) -> None:
    study = told_study([[0.9, 5.0]], user_attrs={0: {"latency_ms": record}})
    assert pareto_table(study).columns == ("trial", "accuracy", "latency_ms")


def test_a_study_with_one_objective_or_without_names_has_a_table_too() -> None:
    table = pareto_table(told_study([[1.0], [2.0]], ["maximize"], None))
    assert table.columns == ("trial", "value 0")
    assert table.rows == ((1, 2.0),)
    assert table.same == {"i": 1}


def test_markdown_and_html_escape_what_they_must() -> None:
    table = pareto_table(STUDY, params=["act"])
    header, rule, *rows = table.to_markdown().splitlines()
    assert header == "| trial | accuracy | latency_ms | act |"
    assert rule == "| ---: | ---: | ---: | --- |"
    assert rows[-1] == "| 1 | 0.95 | 16.25 | a\\|b |"
    page = table._repr_html_()
    assert page.startswith("<table>")
    assert '<td style="text-align: left">&lt;tanh&gt;</td>' in page
    assert pareto_table(STUDY).to_markdown().endswith("\n\nthe same in all: depth = 2")
    assert pareto_table(STUDY)._repr_html_().endswith("<p>the same in all: depth = 2</p>")


def test_a_study_without_a_front_has_no_table() -> None:
    with pytest.raises(ValueError, match=r"study 's' has no complete trial that is feasible"):
        pareto_table(told_study([]))


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ([1.0, 12345.0], ["1", "12,345"]),
        ([0.9, 0.9333333], ["0.9000", "0.9333"]),
        ([0.123456, 123.0], ["0.1235", "123.0000"]),
        ([0.5, 0.25, None], ["0.50", "0.25", "-"]),
        ([1e-9, 0.5], ["1e-09", "0.5"]),
        ([0.5, math.inf, math.nan], ["0.5", "inf", "nan"]),
        ([1e15, 1.0], ["1e+15", "1"]),
        ([True, "x", 3], ["True", "x", "3"]),
        ([0.0, -2.5], ["0.0", "-2.5"]),
        ([], []),
    ],
)
def test_numbers_of_a_column_have_as_many_decimals_each(
    column: list[object], written: list[str]
) -> None:
    assert texts(column) == written


@given(st.floats(-1e300, 1e300))
def test_a_number_is_written_to_four_digits(value: float) -> None:
    assert float(texts([value])[0].replace(",", "")) == pytest.approx(value, rel=5e-4)


def test_a_noisy_measurement_is_told_and_too_few_repeats_have_no_interval() -> None:
    fine = {"low_ms": 0.9, "high_ms": 1.1, "repeats": 40, "noisy": False}
    noisy = {"low_ms": 5.0, "high_ms": 5.0, "repeats": 1, "noisy": True}
    attrs = {0: {"latency_ms": noisy}, 1: {"latency_ms": fine}}
    table = pareto_table(told_study([[0.9, 5.0], [0.5, 1.0]], user_attrs=attrs))
    assert table.columns[3:6] == ("latency_ms low", "latency_ms high", "latency_ms noisy")
    assert [row[3:6] for row in table.rows] == [(0.9, 1.1, None), (None, None, "yes")]
