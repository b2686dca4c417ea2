from __future__ import annotations

from typing import Any

from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
from optuna.trial import TrialState
import pytest

from optuna_nas.visualization import plot_decisions
from optuna_nas.visualization._levels import Levels
from tests.visualization.trials import study_of
from tests.visualization.trials import trial_of


def row(figure: Any, label: str, panel: str = "x") -> list[float | None]:
    """The cells of an option."""
    trace = next(one for one in figure.data if one.xaxis == panel and one.hoverinfo == "text")
    ticks = dict(zip(figure.layout.yaxis.ticktext, figure.layout.yaxis.tickvals, strict=True))
    return list(trace.z[ticks[label]])


def searched(ops: str, **options: Any) -> Any:
    names = {"c": "conv", "p": "pool", "s": "skip"}
    trials = [trial_of(float(i), {"op": names[op]}) for i, op in enumerate(ops)]
    return study_of(trials, **options)


def test_a_cell_is_the_share_of_an_option_in_a_tenth_of_the_trials() -> None:
    figure = plot_decisions(searched("cp" * 10 + "ss" * 10))
    assert figure.layout.xaxis.ticktext[0] == "0-3"
    assert row(figure, "op = conv") == [0.5] * 5 + [0.0] * 5
    assert row(figure, "op = skip") == [0.0] * 5 + [1.0] * 5


def test_the_last_column_is_of_the_best_trials() -> None:
    figure = plot_decisions(searched("c" * 28 + "sp"), best=0.1)
    assert figure.layout.xaxis2.ticktext == ("best 3",)
    assert row(figure, "op = skip", "x2") == [pytest.approx(1 / 3)]
    worst_first = plot_decisions(searched("c" * 28 + "sp", directions=["minimize"]), best=0.1)
    assert row(worst_first, "op = conv", "x2") == [1.0]


def test_a_decision_that_is_not_always_asked_has_shares_of_those_that_were() -> None:
    conv = trial_of(1.0, {"op": "conv", "width": 2})
    wide = trial_of(2.0, {"op": "conv", "width": 4})
    skip = trial_of(0.0, {"op": "skip"})
    figure = plot_decisions(study_of([conv, wide, skip] + [skip] * 17))
    assert row(figure, "width = 2")[:2] == [0.5, None]
    assert row(figure, "width = 4", "x2") == [0.5]
    grey = next(trace for trace in figure.data if trace.hoverinfo == "skip")
    assert [cells[1] for cells in grey.z] == [None] * 4 + [1] * 4


def test_what_was_stopped_rejected_or_failed_was_proposed_too() -> None:
    states = [TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING]
    figure = plot_decisions(study_of([trial_of(state=state) for state in states]))
    assert row(figure, "op = conv") == [1.0, 1.0, 1.0]
    assert all(trace.xaxis == "x" for trace in figure.data)  # there is no best trial


def test_one_trial_is_a_picture() -> None:
    figure = plot_decisions(searched("c"))
    assert row(figure, "op = conv") == [1.0]
    assert row(figure, "op = conv", "x2") == [1.0]


@pytest.mark.parametrize("trials", [[], [trial_of(1.0, {})]])
def test_without_decisions_the_figure_says_so(trials: list[Any]) -> None:
    figure = plot_decisions(study_of(trials))
    assert not figure.data
    assert "No trial was asked" in figure.layout.annotations[0].text


def test_some_decisions_can_be_chosen() -> None:
    study = study_of([trial_of(1.0)])
    texts = plot_decisions(study, params=["width"]).layout.yaxis.ticktext
    assert texts == ("width = 1", "width = 2", "width = 3", "width = 4")


def test_decisions_stand_where_they_are_asked() -> None:
    first, second = trial_of(1.0, {"width": 1}), trial_of(1.0, {"op": "conv", "width": 1})
    texts = plot_decisions(study_of([first, second])).layout.yaxis.ticktext
    assert texts[0] == "op = conv"


def test_names_and_choices_are_text() -> None:
    space = {"<b>op</b>": CategoricalDistribution(["<i>x</i>", "&"])}
    figure = plot_decisions(study_of([trial_of(1.0, {"<b>op</b>": "&"}, space=space)]))
    assert "<b>" not in figure.to_json()
    assert "<i>" not in figure.to_json()


@pytest.mark.parametrize(
    ("distribution", "labels", "value", "place"),
    [
        (CategoricalDistribution([True, 1, "1"]), ["True", "1", "1"], 1, 1),
        (CategoricalDistribution(["a", "b"]), ["a", "b"], "c", None),
        (IntDistribution(16, 48, step=16), ["16", "32", "48"], 32, 1),
        (FloatDistribution(0.0, 0.3, step=0.1), ["0", "0.1", "0.2", "0.3"], 0.1 + 0.2, 3),
        (IntDistribution(1, 64), ["1 to 17", "17 to 32", "32 to 48", "48 to 64"], 64, 3),
        (
            FloatDistribution(1e-4, 1.0, log=True),
            ["0.0001 to 0.001", "0.001 to 0.01", "0.01 to 0.1", "0.1 to 1"],
            0.02,
            2,
        ),
    ],
)
def test_a_value_is_an_option_or_in_a_range(
    distribution: Any, labels: list[str], value: Any, place: int | None
) -> None:
    levels = Levels(distribution)
    assert levels.labels == labels
    assert levels.place(value) == place


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"best": 0.0}, r"best must be above 0 and at most 1, but is 0.0"),
        ({"best": 1.5}, r"best must be above 0 and at most 1, but is 1.5"),
        ({"params": ["op", "depth"]}, r"has 'depth'; study 'one' has 'op', 'width'"),
        ({"params": "op"}, r"params must be a list of decisions with a choice, but has 'op'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_decisions(study_of([trial_of(1.0)], study_name="one"), **options)
