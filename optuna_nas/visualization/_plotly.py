"""Plotly, only once a figure is wanted."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def graph_objects(wanted_by: str) -> Any:
    """Imports ``plotly.graph_objects``.

    Args:
        wanted_by:
            The function that was called, for the message.

    Raises:
        ImportError:
            If plotly is missing.
    """
    try:
        return import_module("plotly.graph_objects")
    except ImportError as error:
        raise ImportError(f'{wanted_by} needs plotly: pip install "optuna-nas[plot]".') from error
