"""A curve as text."""

from __future__ import annotations

from collections.abc import Sequence


EIGHTHS = " ▁▂▃▄▅▆▇█"
HEIGHT = 5
WIDTH = 60


def chart(values: Sequence[float]) -> list[str]:
    """Returns lines of text that show a curve, a column for each value.

    Args:
        values:
            Finite numbers, at least one. Of more than fit, every so many is shown.
    """
    shown = values[:: -(-len(values) // WIDTH)]
    low, high = min(shown), max(shown)
    wide = max(1, min(3, WIDTH // len(shown)))
    # The lowest is one eighth high, so that every value is seen.
    scale = (HEIGHT * 8 - 1) / (high - low) if high > low else 0.0
    heights = [1 + round((value - low) * scale) for value in shown]
    labels = {HEIGHT - 1: f"{high:.4g}", 0: f"{low:.4g}"}
    margin = max(map(len, labels.values()))
    return [
        f"{labels.get(row, ''):>{margin}} "
        + "".join(EIGHTHS[min(max(height - 8 * row, 0), 8)] * wide for height in heights)
        for row in reversed(range(HEIGHT))
    ]
