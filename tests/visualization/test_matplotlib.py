from __future__ import annotations

from html import unescape
from io import BytesIO
import sys
from typing import Any

from optuna.trial import TrialState
import plotly.graph_objects as go
import pytest

from optuna_nas.visualization import plot_anytime
from optuna_nas.visualization import plot_decisions
from optuna_nas.visualization import plot_genealogy
from optuna_nas.visualization import plot_importance
from optuna_nas.visualization import plot_latency
from optuna_nas.visualization import plot_pareto_front
from optuna_nas.visualization import plot_rungs
from optuna_nas.visualization import plot_supernet
from optuna_nas.visualization import to_matplotlib
from tests.visualization.test_genealogy import evolved
from tests.visualization.test_latency import table
from tests.visualization.test_supernet import searched
from tests.visualization.trials import study_of
from tests.visualization.trials import trial_of


MEASURED = {"low_ms": 2.5, "high_ms": 4.0, "repeats": 30}


def mixed(names: tuple[str, str] = ("accuracy", "ms")) -> Any:
    """Trials of every kind."""
    trials = [
        trial_of([0.1 * i, float(i)], {"op": "conv", "width": 1 + i % 4}, ms=MEASURED)
        for i in range(9)
    ]
    trials += [trial_of([0.5, 2.5], broken=1.0, constraints={"ms <= 5": 1.0})]
    trials += [trial_of(state=s) for s in (TrialState.FAIL, TrialState.RUNNING)]
    trials += [trial_of(rejected="<b>too large</b>"), trial_of(reports={"1": [0.1, 2.0]})]
    return study_of(trials, ("maximize", "minimize"), names)


def figures() -> dict[str, Any]:
    study, single = mixed(), study_of([trial_of(1.0), trial_of(2.0)])
    return {
        "anytime": plot_anytime({"a": [single, single], "b": study_of([])}, control=single),
        "hypervolume": plot_anytime(study),
        "front": plot_pareto_front(study, limits={"ms": 4.0}),
        "decisions": plot_decisions(study),
        "importance": plot_importance(study),
        "genealogy": plot_genealogy(evolved()),
        "rungs": plot_rungs(study),
        "supernet": plot_supernet(searched()),
        "latency": plot_latency(table(12)),
        "empty": plot_anytime(study_of([])),
    }


def test_every_figure_has_a_twin_with_its_title_and_axes() -> None:
    for name, figure in figures().items():
        twin = to_matplotlib(figure)
        twin.savefig(BytesIO(), format="png")
        title = unescape(figure.layout.title.text.replace("<br>", "\n"))
        assert twin.get_suptitle() == title, name
        labels = {axes.get_xlabel() for axes in twin.axes}
        assert (figure.layout.xaxis.title.text or "") in labels, name


def test_whole_numbers_on_a_logarithmic_axis_are_drawn() -> None:
    figure = plot_pareto_front(mixed()).update_xaxes(type="log", range=[0, 3])
    twin = to_matplotlib(figure)
    twin.savefig(BytesIO(), format="png")
    assert twin.axes[0].get_xscale() == "log"
    assert twin.axes[0].get_xlim() == (1, 1000)


def test_ticks_are_whole_only_if_all_that_is_drawn_is() -> None:
    def ticks(*columns: list[float]) -> list[float]:
        figure = go.Figure([go.Scatter(x=x, y=x, mode="markers") for x in columns])
        found: list[float] = to_matplotlib(figure).axes[0].get_xticks().tolist()
        return found

    assert all(at.is_integer() for at in ticks([1.0, 2.0], [3.0]))
    assert not all(at.is_integer() for at in ticks([0.2, 2.6], [1.0]))


def test_large_numbers_have_a_letter_at_each_tick_and_no_power_in_the_corner() -> None:
    study = study_of([trial_of([0.9, 3e6]), trial_of([0.8, 3.2e6])], ("maximize", "minimize"))
    twin = to_matplotlib(plot_pareto_front(study))
    twin.savefig(BytesIO(), format="png")
    across, up = twin.axes[0].xaxis, twin.axes[0].yaxis
    assert {label.get_text()[-1] for label in across.get_ticklabels()} == {"M"}
    assert across.get_offset_text().get_text() == ""
    assert not any("m" in label.get_text() for label in up.get_ticklabels())


def test_lines_are_the_same_numbers() -> None:
    figure = plot_anytime(study_of([trial_of(v) for v in (1.0, 3.0, 2.0)]))
    (line,) = to_matplotlib(figure).axes[0].get_lines()
    assert line.get_ydata().tolist() == [1.0, 3.0, 3.0]
    assert line.get_drawstyle() == "steps-post"


def test_what_plotly_would_read_as_markup_is_plain() -> None:
    figure = plot_pareto_front(mixed(("<b>a</b> & $x$", "ms")))
    assert to_matplotlib(figure).axes[0].get_ylabel().startswith("<b>a</b> & $x$ (higher")


def test_a_trace_that_our_plots_do_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"draws scatter, bar, heatmap.* trace of type 'pie'"):
        to_matplotlib(go.Figure([go.Pie(values=[1, 2])]))


def test_matplotlib_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = plot_anytime(study_of([]))
    for name in list(sys.modules):
        if name.split(".")[0] == "matplotlib":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        ImportError, match=r'to_matplotlib needs matplotlib: pip install "optuna-n'
    ):
        to_matplotlib(figure)
