"""The rows as Markdown tables: medians and quartiles over the seeds, and paired differences."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from math import ceil

from measure import Row
from methods import COST
from methods import EVALUATIONS
import numpy as np
from numpy.typing import NDArray


Measured = Mapping[str, Sequence[Row]]  # the rows of each method, in the order of the seeds

EPISODES = 5
BUDGETS = {
    "random": ("5 evaluations", EPISODES),
    "controller": ("5 episodes", EPISODES),
    "plain REINFORCE": ("5 episodes", EPISODES),
    "evolution": ("10 x 5", EVALUATIONS),
    "plain evolution": ("10 x 5", EVALUATIONS),
    "gradients": ("50 epochs, 1 training", EVALUATIONS),
    "gradients, weights kept": ("50 epochs, 1 training", EVALUATIONS),
    "plain supernet": ("50 epochs, 1 training", EVALUATIONS),
}
WARM = ("gradients, then evolution", "gradients, then predictor")
SUPERNETS = ("plain supernet", "plain supernet, then random")
COUNTERPARTS = [
    ("controller", "plain REINFORCE"),
    ("evolution", "plain evolution"),
    *((warm, supernet) for warm in WARM for supernet in SUPERNETS),
]
CONTROLS = ("TPE", "evolution", "controller", "local search", "predictor", *WARM)
RESAMPLES = 10_000


def report(rows: Measured) -> str:
    """Returns the tables, each below its title; those of methods that were measured."""
    early = [
        ("controller", "plain REINFORCE", EPISODES),
        ("gradients", "plain supernet", EVALUATIONS),
        ("gradients, weights kept", "plain supernet", EVALUATIONS),
    ]
    pairs = [(ours, theirs, EVALUATIONS) for ours, theirs in COUNTERPARTS]
    against = [(name, "random", EVALUATIONS) for name in CONTROLS]
    warmed = [(name, name.removeprefix("gradients, then "), EVALUATIONS) for name in WARM]
    return "\n".join(
        [
            _budgets(rows),
            _ends(rows),
            _pairs("Ours minus plain, articles' budgets", rows, early),
            _pairs(f"Ours minus plain, {EVALUATIONS} evaluations", rows, pairs),
            _clock(rows),
            _pairs(f"Minus random, {EVALUATIONS} evaluations", rows, against),
            _pairs(f"Warm start minus none, {EVALUATIONS} evaluations", rows, warmed),
        ]
    )


def _budgets(rows: Measured) -> str:
    return _table(
        "Articles' budgets",
        ["method", "budget", "validation MSE", "test MSE"],
        [
            [m, budget, *(_quartiles(_column(rows[m], f"{part} {n}")) for part in PARTS)]
            for m, (budget, n) in BUDGETS.items()
            if m in rows
        ],
    )


def _ends(rows: Measured) -> str:
    found = {m: _column(rows[m], f"valid {EVALUATIONS}") for m in rows}
    best = np.min(list(found.values()), axis=0)
    ranked = sorted(rows, key=lambda m: float(np.median(found[m])))
    return _table(
        f"{EVALUATIONS} evaluations, best median first",
        ["method", "validation MSE", "test MSE", "seeds with the best of all, %"],
        [
            [
                m,
                *(_quartiles(_column(rows[m], f"{part} {EVALUATIONS}")) for part in PARTS),
                f"{100 * np.mean(found[m] == best):.0f}",
            ]
            for m in ranked
        ],
    )


def _clock(rows: Measured) -> str:
    """The same comparison when a supernet costs what it takes by the clock."""
    if not {"random", *WARM[:1]} <= set(rows):
        return ""
    search, training = (
        _column(rows[name], column)
        for name, column in ((WARM[0], "seconds"), ("random", "evaluation"))
    )
    worth = ceil(np.median(search / training))
    left = EVALUATIONS - max(0, worth - COST)
    pairs = [pair for pair in COUNTERPARTS if pair[0] in WARM]
    return _table(
        f"Ours minus plain, if our supernet costs {worth} evaluations, its time, and not {COST}",
        HEAD,
        [
            _compared(rows, ours, theirs, left, EVALUATIONS)
            for ours, theirs in pairs
            if {ours, theirs} <= set(rows)
        ],
    )


def _pairs(title: str, rows: Measured, pairs: Sequence[tuple[str, str, int]]) -> str:
    return _table(
        title,
        HEAD,
        [
            _compared(rows, ours, theirs, n, n)
            for ours, theirs, n in pairs
            if {ours, theirs} <= set(rows)
        ],
    )


def _compared(rows: Measured, ours: str, theirs: str, n: int, m: int) -> list[str]:
    difference = _column(rows[ours], f"valid {n}") - _column(rows[theirs], f"valid {m}")
    counts = [(difference < 0).sum(), (difference == 0).sum(), (difference > 0).sum()]
    return [
        f"{ours} - {theirs}",
        _interval(difference, np.median),
        _interval(difference, np.mean),
        " / ".join(map(str, counts)),
    ]


def _interval(values: NDArray[np.float64], statistic: Callable[..., NDArray[np.float64]]) -> str:
    """A statistic and its bootstrap interval of 95 %, by percentiles, over the seeds."""
    rng = np.random.default_rng(0)
    drawn = values[rng.integers(len(values), size=(RESAMPLES, len(values)))]
    low, high = np.quantile(statistic(drawn, axis=1), [0.025, 0.975])
    return f"{statistic(values):+.3f} [{low:+.3f}, {high:+.3f}]"


def _quartiles(values: NDArray[np.float64]) -> str:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{middle:.3f} [{low:.3f}, {high:.3f}]"


def _column(rows: Sequence[Row], column: str) -> NDArray[np.float64]:
    return np.array([row[column] for row in rows])


def _table(title: str, head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *cells]
    return f"### {title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


PARTS = ("valid", "test")
HEAD = ["pair", "median [95 %]", "mean [95 %]", "seeds: better / equal / worse"]
