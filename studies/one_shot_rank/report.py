"""The results as Markdown: coefficients over seeds, with intervals over architectures."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from statistics import mean
from statistics import stdev
from typing import Any
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau
from scipy.stats import spearmanr


Row: TypeAlias = dict[str, Any]
Floats: TypeAlias = NDArray[np.float64]

RESAMPLES = 1000
AGAINST = "uniform"


def report(alone: Sequence[Sequence[Row]], methods: dict[str, list[Row]]) -> str:
    """Two tables, by validation loss and by validation accuracy."""
    return "\n".join(_by_metric(metric, alone, methods) for metric in ("loss", "accuracy"))


def _by_metric(metric: str, alone: Sequence[Sequence[Row]], methods: dict[str, list[Row]]) -> str:
    trained = np.array([[row["scores"][metric] for row in rows] for rows in alone])
    truth = trained.mean(0)
    between = np.sqrt(truth.var(ddof=1))
    within = np.sqrt(trained.var(0, ddof=1).mean())
    found = {m: np.array([row["scores"][metric] for row in rows]) for m, rows in methods.items()}
    lines = [
        f"By validation {metric}. Deviation between architectures {between:.4f}, between two "
        f"trainings of one {within:.4f}. Kendall of one training against the other: "
        f"{_kendall(*trained[:2]):.2f}, Spearman {_spearman(*trained[:2]):.2f}.",
        "",
        f"| score | Kendall | 95 % | minus {AGAINST}, 95 % | Spearman | 95 % | passes | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_line(method, rows, found, truth) for method, rows in methods.items()),
        "",
    ]
    return "\n".join(lines)


def _line(method: str, rows: list[Row], found: dict[str, Floats], truth: Floats) -> str:
    scores, others = found[method], found[AGAINST]
    apart = ""
    if method != AGAINST:
        apart = _interval(
            lambda i: _mean(_kendall, scores, truth, i) - _mean(_kendall, others, truth, i), truth
        )
    cells = [
        method,
        _spread([_kendall(row, truth) for row in scores]),
        _interval(lambda i: _mean(_kendall, scores, truth, i), truth),
        apart,
        _spread([_spearman(row, truth) for row in scores]),
        _interval(lambda i: _mean(_spearman, scores, truth, i), truth),
        f"{rows[0]['passes']:,}",
        f"{mean(row['seconds'] for row in rows):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _mean(
    coefficient: Callable[[Floats, Floats], float], scores: Floats, truth: Floats, i: Floats
) -> float:
    """Over seeds, on a resample of the architectures."""
    return mean(coefficient(row[i], truth[i]) for row in scores)


def _interval(statistic: Callable[[Any], float], truth: Floats) -> str:
    """Percentiles of a bootstrap over architectures."""
    resamples = np.random.default_rng(0).integers(len(truth), size=(RESAMPLES, len(truth)))
    low, high = np.nanpercentile([statistic(i) for i in resamples], [2.5, 97.5])
    return f"{low:.2f} to {high:.2f}"


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.2f}" + (f" +- {stdev(values):.2f}" if len(values) > 1 else "")


def _kendall(x: Floats, y: Floats) -> float:
    return float(kendalltau(x, y).statistic)


def _spearman(x: Floats, y: Floats) -> float:
    return float(spearmanr(x, y).statistic)
