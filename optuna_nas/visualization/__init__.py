"""A search to look at: drawings of architectures, and Plotly figures, as Optuna's own.

Figures and PNGs need ``pip install "optuna-nas[plot]"``.
"""

from optuna_nas.visualization._anytime import plot_anytime
from optuna_nas.visualization._architecture import plot_architecture
from optuna_nas.visualization._cell import plot_cell
from optuna_nas.visualization._dashboard import save_plots
from optuna_nas.visualization._dashboard_page import Dashboard
from optuna_nas.visualization._decisions import plot_decisions
from optuna_nas.visualization._difference import plot_difference
from optuna_nas.visualization._drawing import Drawing
from optuna_nas.visualization._front import plot_pareto_front
from optuna_nas.visualization._genealogy import plot_genealogy
from optuna_nas.visualization._importance import plot_importance
from optuna_nas.visualization._latency import plot_latency
from optuna_nas.visualization._matplotlib import to_matplotlib
from optuna_nas.visualization._notebook import NotebookProgress
from optuna_nas.visualization._proxies import plot_proxies
from optuna_nas.visualization._report import report
from optuna_nas.visualization._rungs import plot_rungs
from optuna_nas.visualization._supernet import plot_supernet


__all__ = [
    "Dashboard",
    "Drawing",
    "NotebookProgress",
    "plot_anytime",
    "plot_architecture",
    "plot_cell",
    "plot_decisions",
    "plot_difference",
    "plot_genealogy",
    "plot_importance",
    "plot_latency",
    "plot_pareto_front",
    "plot_proxies",
    "plot_rungs",
    "plot_supernet",
    "report",
    "save_plots",
    "to_matplotlib",
]
