from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from optuna_nas.study import best_under
from optuna_nas.study import knee_point
from optuna_nas.study._front import front
from optuna_nas.visualization import plot_pareto_front
from optuna_nas.visualization._chart import notes_of
from tests.visualization.trials import study_of
from tests.visualization.trials import trial_of


NAMES = ["accuracy", "latency_ms"]
TWO = ("maximize", "minimize")


def searched(directions: Any = TWO, **options: Any) -> Any:
    rng = np.random.default_rng(1)
    trials = [trial_of(rng.random(2).tolist(), {"width": 1 + i % 4}) for i in range(40)]
    return study_of(trials, directions, NAMES, **options)


def marks(figure: Any, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name == name)


def test_the_front_is_that_of_the_study_and_the_others_are_dominated() -> None:
    study = searched()
    figure = plot_pareto_front(study)
    first = front(study)
    assert sorted(marks(figure, "front").x) == sorted(trial.values[1] for trial in first)
    assert len(marks(figure, "dominated").x) == 40 - len(first)
    assert figure.layout.xaxis.title.text == "latency_ms (lower is better)"
    assert figure.layout.yaxis.title.text == "accuracy (higher is better)"


def test_the_knee_has_a_ring() -> None:
    study = searched()
    assert marks(plot_pareto_front(study), "knee").x == (knee_point(study).values[1],)


def test_the_one_chosen_has_a_diamond_and_is_never_beyond_the_axes() -> None:
    study = searched()
    dominated = next(t for t in study.trials if t not in front(study))
    assert marks(plot_pareto_front(study, chosen=dominated.number), "chosen").x == (
        dominated.values[1],
    )
    assert "chosen" not in [trace.name for trace in plot_pareto_front(study).data]
    study.add_trial(trial_of([0.5, 1e6], {"width": 1}))
    low, high = plot_pareto_front(study, chosen=40).layout.xaxis.range
    assert low < 1e6 < high


@pytest.mark.parametrize("x", ["minimize", "maximize"])
@pytest.mark.parametrize("y", ["minimize", "maximize"])
def test_the_edge_runs_along_what_the_front_dominates(x: str, y: str) -> None:
    study = searched((y, x))
    figure = plot_pareto_front(study, objectives=("latency_ms", "accuracy"))
    edge = next(trace for trace in figure.data if trace.mode == "lines")
    points = list(zip(edge.x, edge.y, strict=True))
    sign = np.array([1 if x == "minimize" else -1, 1 if y == "minimize" else -1])
    for (x0, y0), (x1, y1) in pairwise(points):
        corner = (x1, y0) if edge.line.shape == "hv" else (x0, y1)
        worse = [sign * corner >= sign * point for point in ((x0, y0), (x1, y1))]
        assert all(one.all() for one in worse)


def test_a_limit_is_a_line_and_the_best_within_it_a_star() -> None:
    study = searched()
    figure = plot_pareto_front(study, limits={"latency_ms": 0.5})
    best = best_under(study, latency_ms=0.5)
    assert marks(figure, "best within the limits").y == (best.values[0],)
    assert set(marks(figure, "limit: latency_ms = 0.5").x) == {0.5}
    large = plot_pareto_front(study, limits={"latency_ms": 3_050_000})
    assert marks(large, "limit: latency_ms = 3,050,000").mode == "lines"


def test_limits_that_no_trial_keeps_are_said_to_be_so() -> None:
    figure = plot_pareto_front(searched(), limits={"accuracy": 2.0})
    assert "no trial is within the limits" in figure.layout.title.text
    assert figure.layout.yaxis.range[1] > 2.0


def test_the_limits_of_constraints_are_drawn_and_what_breaks_them_is_crossed() -> None:
    kept = trial_of([0.5, 3.0], broken=-2.0, constraints={"latency_ms <= 5": -2.0})
    broken = trial_of([0.9, 7.0], broken=2.0, constraints={"latency_ms <= 5": 2.0})
    figure = plot_pareto_front(study_of([kept, broken], TWO, NAMES))
    assert marks(figure, "breaks a constraint").x == (7.0,)
    assert set(marks(figure, "limit: latency_ms = 5").x) == {5.0}
    assert marks(figure, "front").x == (3.0,)


def test_without_a_feasible_trial_there_is_no_front_but_a_picture() -> None:
    study = study_of([trial_of([0.9, 7.0], broken=2.0)], TWO, NAMES)
    assert [trace.name for trace in plot_pareto_front(study).data] == ["breaks a constraint"]


def test_the_front_shows_the_intervals_of_measurements() -> None:
    measured = {"low_ms": 2.5, "high_ms": 4.0, "repeats": 30}
    trials = [trial_of([0.5, 3.0], latency_ms=measured), trial_of([0.8, 5.0], {"width": 2})]
    dots = marks(plot_pareto_front(study_of(trials, TWO, NAMES)), "front")
    assert dots.error_x.array == (1.0, 0.0)
    assert dots.error_x.arrayminus == (0.5, 0.0)
    assert dots.error_y.array is None
    assert "latency_ms: 3 (2.5 to 4)" in dots.hovertext[0]


def test_hovers_have_the_architecture_and_names_are_text() -> None:
    from optuna.distributions import CategoricalDistribution

    space = {"<b>op</b>": CategoricalDistribution(["<script>", "b"])}
    trial = trial_of([0.5, 3.0], {"<b>op</b>": "<script>"}, space=space)
    figure = plot_pareto_front(study_of([trial], TWO, ["<i>a</i>", "b"]))
    assert "&lt;b&gt;op&lt;/b&gt; = &lt;script&gt;" in marks(figure, "front").hovertext[0]
    assert "<i>" not in figure.to_json()


def test_far_off_trials_do_not_flatten_the_picture_and_are_counted() -> None:
    rng = np.random.default_rng(0)
    near = [trial_of([0.9 + 0.01 * a, 3.0 + b]) for a, b in rng.random((30, 2))]
    figure = plot_pareto_front(study_of([*near, trial_of([0.1, 3.5])], TWO, NAMES))
    assert figure.layout.yaxis.range[0] > 0.8
    assert figure.layout.title.text.endswith("<br>1 far-off trial lies beyond the axes")
    assert notes_of(figure) == ["1 far-off trial lies beyond the axes"]


def test_the_front_is_drawn_to_its_ends_however_far_off() -> None:
    near = [trial_of([0.9 - 0.01 * i, 3.0 + i]) for i in range(30)]
    far = trial_of([0.95, 400.0], {"op": "skip"})
    figure = plot_pareto_front(study_of([*near, far], TWO, NAMES))
    assert figure.layout.xaxis.range[1] > 400.0


def test_of_few_trials_all_are_drawn() -> None:
    near = [trial_of([0.9 - 0.01 * i, 3.0 + i]) for i in range(6)]
    figure = plot_pareto_front(study_of([*near, trial_of([0.1, 400.0])], TWO, NAMES))
    assert figure.layout.xaxis.range[1] > 400.0
    assert "beyond" not in figure.layout.title.text


def test_of_three_objectives_two_are_drawn_without_an_edge() -> None:
    trials = [trial_of([0.5, 3.0, 10.0]), trial_of([0.4, 4.0, 5.0], {"width": 2})]
    study = study_of(trials, (*TWO, "minimize"), [*NAMES, "parameters"])
    figure = plot_pareto_front(study, objectives=("parameters", "accuracy"))
    assert sorted(marks(figure, "front").x) == [5.0, 10.0]
    assert all(trace.mode == "markers" for trace in figure.data)


def test_without_complete_trials_the_figure_says_so() -> None:
    figure = plot_pareto_front(study_of([trial_of()], TWO))
    assert figure.layout.annotations[0].text == "No trial is complete yet."


@pytest.mark.parametrize(
    ("study", "options", "error", "message"),
    [
        (
            study_of([], names=["accuracy"], study_name="one"),
            {},
            ValueError,
            r"needs two objectives, but study 'one' has one, 'accuracy'; plot_anytime draws it",
        ),
        (
            searched(),
            {"objectives": ("accuracy", "size")},
            ValueError,
            r"objectives must be two of 'accuracy', 'latency_ms', but is \('accuracy', 'size'\)",
        ),
        (searched(), {"objectives": ("accuracy",) * 2}, ValueError, r"objectives must be two of"),
        (searched(), {"objectives": "accuracy"}, ValueError, r"objectives must be two of"),
        (searched(), {"limits": {"size": 3}}, ValueError, r"has no metric 'size'"),
        (
            searched(study_name="s"),
            {"chosen": 40},
            ValueError,
            r"^chosen must be the number of a complete trial of study 's' with finite values, "
            r"but is 40\.$",
        ),
        (searched(), {"limits": {"latency_ms": "3"}}, TypeError, r"the limit of latency_ms must"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    study: Any, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        plot_pareto_front(study, **options)
