"""The rows as a Markdown table, beside chance and the best there is."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from statistics import mean
from statistics import stdev

from rows import Row
from rows import Run
from table import Table


GOAL = 93.4
PRINTED = {"darts": "54.30", "pc_darts": "93.41"}
HEAD = (
    "method", "printed", "test, %", "of each seed", "rank", "parameters, M",
    "without parameters, %", "collapsed", "seconds",
)  # fmt: skip


def report(rows: Mapping[Run, Row], table: Table) -> str:
    """Returns the table, and whether the goals are met."""
    methods: dict[str, list[Row]] = {}
    for run, row in sorted(rows.items(), key=lambda item: item[0].seed):
        methods.setdefault(run.method, []).append(row)
    lines = [HEAD, ["---"] * len(HEAD), *(_line(m, own) for m, own in methods.items())]
    controls = [
        ("an architecture at random", f"{table.test.mean():.2f} +- {table.test.std():.2f}"),
        ("the best of the table", f"{table.test.max():.2f}"),
    ]
    lines += [[name, "", test, *[""] * (len(HEAD) - 3)] for name, test in controls]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return "\n".join([text, *_goals(methods)])


def _line(method: str, rows: Sequence[Row]) -> list[str]:
    tests = [float(row["test"]) for row in rows]
    spread = f" +- {stdev(tests):.2f}" if len(tests) > 1 else ""
    return [
        method,
        PRINTED.get(method, ""),
        f"{mean(tests):.2f}{spread}",
        ", ".join(row["test"] for row in rows),
        ", ".join(row["rank"] for row in rows),
        _mean(rows, "parameters", ".2f"),
        f"{100 * mean(float(row['parameter_free']) for row in rows):.0f}",
        f"{sum(bool(row['collapsed']) for row in rows)} of {len(rows)}",
        _mean(rows, "seconds", ".0f"),
    ]


def _mean(rows: Sequence[Row], column: str, form: str) -> str:
    return format(mean(float(row[column]) for row in rows), form)


def _goals(methods: Mapping[str, Sequence[Row]]) -> list[str]:
    goals = []
    if rows := methods.get("recommended"):
        good = sum(float(row["test"]) >= GOAL for row in rows)
        goals.append(f"recommended: at least {GOAL} % in {good} of {len(rows)} seeds.")
    if rows := methods.get("darts"):
        fired = sum(int(row["fired"]) > 0 for row in rows)
        goals.append(f"darts: the detector has fired in {fired} of {len(rows)} seeds.")
    return goals
