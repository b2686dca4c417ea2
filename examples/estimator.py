"""A search as a scikit-learn estimator: a table with numbers, texts and missing cells.

Beside it, on the same rows: the network made by hand that the search began with.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from optuna_nas import NASClassifier


def visitors(rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Who comes back, and what is known of them; one cell in ten is missing."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.normal(45, 15, rows),
            "spent": np.exp(rng.normal(3, 1, rows)),
            "channel": rng.choice(["letter", "friend", "search"], rows),
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, rows), "D"),
        }
    )
    often = (frame["channel"] == "friend") ^ (frame["spent"] > 20) | (frame["age"] > 65)
    comes_back = np.where(often ^ (rng.random(rows) < 0.05), "yes", "no")
    return frame.mask(rng.random(frame.shape) < 0.1), comes_back


if __name__ == "__main__":
    x, y = visitors(500)
    x, x_test, y, y_test = train_test_split(x, y, random_state=0, stratify=y)
    settings = {"epochs": 15, "random_state": 0}

    default = NASClassifier(n_trials=1, **settings).fit(x, y)
    found = NASClassifier(n_trials=None, timeout=10, ensemble=3, verbose=1, **settings).fit(x, y)

    print(f"made by hand:  test accuracy {default.score(x_test, y_test):.3f}")
    print(f"searched:      test accuracy {found.score(x_test, y_test):.3f}")
    print(f"{len(found.history_)} networks; on rows held out the ensemble gained ", end="")
    print(f"{found.ensemble_gain_:+.3f}; trials and their weights: {found.ensemble_weights_}")
    print(found.best_model_)
