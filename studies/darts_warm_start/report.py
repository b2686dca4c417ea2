"""The curves as Markdown tables: mean and standard deviation over the seeds."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

from anytime import Curve
from anytime import UNITS
from measure import Run
from measure import TRIALS
from methods import PROPOSALS
import numpy as np


AFTER = (5, 10, 12, 18, 24)
HALF = TRIALS // 2
REFERENCE = "cold"

Pairs = list[tuple[Curve, Curve]]  # of a method and of the cold search with the same seed


def report(curves: Mapping[Run, Curve], dataset: str) -> str:
    """Returns the tables of a dataset, each below its title."""
    methods: dict[str, Pairs] = {}
    for run, curve in curves.items():
        if run.dataset == dataset:
            reference = curves[Run(REFERENCE, dataset, run.seed)]
            methods.setdefault(run.method, []).append((curve, reference))
    tables: Sequence[tuple[str, Sequence[str], Callable[[Pairs], list[str]]]] = [
        (
            f"the first {PROPOSALS} trials, and what the supernet cost in cold trials",
            ["mean", "best", *UNITS.values()],
            _start,
        ),
        ("best validation accuracy by trials, %", [f"after {n}" for n in AFTER], _by_trials),
        (
            f"at the total cost of {TRIALS} cold trials: validation, % (test, %; trials)",
            [f"equal {unit}" for unit in UNITS.values()],
            _at_equal_cost,
        ),
        (
            "the final best of the cold search with the same seed is reached",
            [
                f"in {TRIALS} trials, seeds",
                f"in {HALF} trials, seeds",
                "after trials",
                *(f"{unit}, % of cold's" for unit in UNITS.values()),
            ],
            _reached,
        ),
    ]
    return "\n".join(
        _table(f"{dataset}: {title}", head, {name: cells(of) for name, of in methods.items()})
        for title, head, cells in tables
    )


def _start(pairs: Pairs) -> list[str]:
    first = [curve.scores[:PROPOSALS] for curve, _ in pairs]
    cost = [
        f"{np.mean([c.supernet[unit] / r.spent[unit][-1] * TRIALS for c, r in pairs]):.1f}"
        for unit in UNITS
    ]
    return [_told(x.mean() for x in first), _told(x.max() for x in first), *cost]


def _by_trials(pairs: Pairs) -> list[str]:
    return [_told(curve.best[n - 1] for curve, _ in pairs) for n in AFTER]


def _at_equal_cost(pairs: Pairs) -> list[str]:
    cells = []
    for unit in UNITS:
        trials = [c.trials_within(unit, reference.spent[unit][-1]) for c, reference in pairs]
        if min(trials) == 0:
            cells.append("no trial in some searches")
            continue
        ends = [(c, n - 1) for (c, _), n in zip(pairs, trials, strict=True)]
        valid, test = _told(c.best[n] for c, n in ends), _told(c.test[n] for c, n in ends)
        cells.append(f"{valid} ({test}; {np.mean(trials):.1f})")
    return cells


def _reached(pairs: Pairs) -> list[str]:
    trials = [curve.trials_to(reference.best[-1]) for curve, reference in pairs]
    found = [(c, r, n) for (c, r), n in zip(pairs, trials, strict=True) if n is not None]
    cells = [
        f"{len(found)} of {len(pairs)}",
        f"{sum(n <= HALF for _, _, n in found)} of {len(pairs)}",
        ", ".join("-" if n is None else str(n) for n in trials),
    ]
    for unit in UNITS:
        shares = (100 * c.spent[unit][n - 1] / r.spent[unit][-1] for c, r, n in found)
        cells.append(", ".join(f"{share:.0f}" for share in shares))
    return cells


def _told(values: Iterable[float]) -> str:
    numbers = np.array(list(values))
    deviation = f" +- {numbers.std(ddof=1):.2f}" if len(numbers) > 1 else ""
    return f"{numbers.mean():.2f}{deviation}"


def _table(title: str, head: Sequence[str], cells: Mapping[str, Sequence[str]]) -> str:
    lines = [["method", *head], ["---"] * (len(head) + 1), *([m, *c] for m, c in cells.items())]
    return f"### {title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)
