"""Small tables to search with, and cheap settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


CHEAP: dict[str, Any] = {"space": "mlp", "n_trials": 2, "epochs": 4, "random_state": 0}


def two_classes(rows: int = 80, seed: int = 0) -> tuple[Any, Any]:
    """Four numbers a row; the class is the sign of the first."""
    x = np.random.default_rng(seed).normal(size=(rows, 4))
    return x, (x[:, 0] > 0).astype(int)


def numbers(rows: int = 80, outputs: int = 1) -> tuple[Any, Any]:
    """Four numbers a row; what is predicted are sums of them."""
    x = np.random.default_rng(0).normal(size=(rows, 4))
    y = x[:, :outputs] * 3 + x[:, 1:2] + 10
    return x, y[:, 0] if outputs == 1 else y


def people(rows: int = 80) -> tuple[pd.DataFrame, Any]:
    """A table with columns of all kinds, some cells missing."""
    rng = np.random.default_rng(0)
    days = pd.to_timedelta(rng.integers(0, 1000, rows), "D")
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 10, rows),
            "city": rng.choice(["Bern", "Rome", "Oslo"], rows).astype(object),
            "size": pd.Categorical(rng.choice([1, 2, 3], rows)),
            "member": rng.random(rows) < 0.5,
            "since": pd.Timestamp("2020-01-01") + days,
            "visits": pd.array(rng.choice([1, 2, None], rows), dtype="Int64"),
        }
    )
    y = np.where(frame["member"] | (frame["city"] == "Bern"), "yes", "no")
    frame.loc[:5, "age"] = np.nan
    frame.loc[3:8, "city"] = None
    frame.loc[6:9, "since"] = pd.NaT
    return frame, y
