"""A search to look at: Plotly figures, as Optuna's own (``pip install "optuna-nas[plot]"``)."""

from optuna_nas.visualization._dashboard import save_plots
from optuna_nas.visualization._rungs import plot_rungs


__all__ = ["plot_rungs", "save_plots"]
