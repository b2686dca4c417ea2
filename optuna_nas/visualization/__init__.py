"""A search to look at: drawings of architectures, and Plotly figures, as Optuna's own.

Figures and PNGs need ``pip install "optuna-nas[plot]"``.
"""

from optuna_nas.visualization._architecture import plot_architecture
from optuna_nas.visualization._cell import plot_cell
from optuna_nas.visualization._dashboard import save_plots
from optuna_nas.visualization._difference import plot_difference
from optuna_nas.visualization._drawing import Drawing
from optuna_nas.visualization._rungs import plot_rungs


__all__ = [
    "Drawing",
    "plot_architecture",
    "plot_cell",
    "plot_difference",
    "plot_rungs",
    "save_plots",
]
