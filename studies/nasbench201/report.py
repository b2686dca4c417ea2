"""The rows as Markdown tables: mean and standard deviation over the seeds."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from math import sqrt
from statistics import mean
from statistics import stdev

from protocols import ERROR
from protocols import Row
from protocols import SECONDS
from protocols import SLOWEST


Measured = Mapping[str, Sequence[Row]]  # the rows of each method

AFTER = (50, 100, 150, 200, 300)
TWO_AFTER = (50, 100, 200, 400)
SIGNALS = {"mean": "the mean over the seeds", "noisy": "one seed drawn per query"}
COST = ("duplicates, %", "ms a trial")
PRINTED = {
    "random": "93.70 +- 0.36",
    "evolution (10, 3), repeats": "93.92 +- 0.30",
    "controller": "93.85 +- 0.37",
}


def report(protocol: str, measured: Measured) -> str:
    """Returns the tables of a protocol, each below its title."""
    if protocol == "paper":
        return _paper(measured)
    if protocol in SLOWEST:
        return _latency(protocol, measured)
    return _validation(SIGNALS[protocol], measured)


def _validation(signal: str, measured: Measured) -> str:
    after = [f"after {n}" for n in AFTER]
    regret = {m: [_told(rows, f"regret {n}", 3) for n in AFTER] for m, rows in measured.items()}
    test = {m: [_told(rows, f"test {n}", 2) for n in AFTER] for m, rows in measured.items()}
    optimal = {
        m: [*(_optimal(rows, n) for n in AFTER), *_cost(rows)] for m, rows in measured.items()
    }
    return "\n".join(
        [
            _table(f"Validation regret, signal: {signal}", after, regret),
            _table(f"Test accuracy, %, signal: {signal}", after, test),
            _table(
                f"Searches whose best is the optimum, %, signal: {signal}",
                [*after, *COST],
                optimal,
            ),
        ]
    )


def _paper(measured: Measured) -> str:
    return _table(
        f"Test accuracy, %, after {SECONDS:,.0f} simulated seconds, signal: 12 epochs",
        ["test", "standard error", "printed", "queries", *COST],
        {
            method: [
                _told(rows, "test", 2),
                f"{stdev(row['test'] for row in rows) / sqrt(len(rows)):.3f}",
                PRINTED.get(method, ""),
                _told(rows, "queries", 1),
                *_cost(rows),
            ]
            for method, rows in measured.items()
        },
    )


def _latency(device: str, measured: Measured) -> str:
    up_to = f"{ERROR:g} % and {SLOWEST[device]:g} ms"
    return _table(
        f"Hypervolume of error and latency on {device} up to {up_to}, in % of the optimum",
        [*(f"after {n}" for n in TWO_AFTER), *COST],
        {
            method: [*(_told(rows, f"share {n}", 2) for n in TWO_AFTER), *_cost(rows)]
            for method, rows in measured.items()
        },
    )


def _table(title: str, head: Sequence[str], cells: Mapping[str, Sequence[str]]) -> str:
    lines = [["method", *head], ["---"] * (len(head) + 1), *([m, *c] for m, c in cells.items())]
    return f"### {title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _told(rows: Sequence[Row], column: str, digits: int) -> str:
    """Mean and deviation; empty if the method does not get that far."""
    values = [row[column] for row in rows if column in row]
    return f"{mean(values):.{digits}f} +- {stdev(values):.{digits}f}" if values else ""


def _optimal(rows: Sequence[Row], n: int) -> str:
    regrets = [row[f"regret {n}"] for row in rows if f"regret {n}" in row]
    return f"{100 * mean(regret == 0 for regret in regrets):.0f}" if regrets else ""


def _cost(rows: Sequence[Row]) -> list[str]:
    return [_told(rows, "repeated", 1), f"{mean(row['ms'] for row in rows):.1f}"]
