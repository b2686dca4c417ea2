from __future__ import annotations

from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState
import pytest

from optuna_nas.study import hypervolume
from optuna_nas.visualization import plot_anytime
from tests.visualization.trials import study_of
from tests.visualization.trials import trial_of


TWO = ("maximize", "minimize")


def line(figure: Any, name: str | None = None) -> Any:
    lines = [trace for trace in figure.data if trace.fill is None]
    return next(trace for trace in lines if name is None or trace.name.startswith(name))


def test_what_is_best_is_feasible_and_complete_but_every_trial_that_ended_counts() -> None:
    trials = [
        trial_of(state=TrialState.FAIL),
        trial_of(0.5),
        trial_of(reported={1: 0.9}),
        trial_of(0.8, broken=1.0),
        trial_of(float("inf")),
        trial_of(0.6, broken=-1.0),
        trial_of(0.4),
        trial_of(state=TrialState.RUNNING),
    ]
    drawn = line(plot_anytime(study_of(trials)))
    assert list(drawn.x) == [2, 3, 4, 5, 6, 7]
    assert list(drawn.y) == [0.5, 0.5, 0.5, 0.5, 0.6, 0.6]


def test_the_best_of_what_is_minimised_is_the_least() -> None:
    study = study_of([trial_of(v) for v in (3.0, 1.0, 2.0)], ["minimize"], ["loss"])
    figure = plot_anytime(study)
    assert list(line(figure).y) == [3.0, 1.0, 1.0]
    assert figure.layout.yaxis.title.text == "Best loss so far (lower is better)"


def test_of_several_seeds_it_is_mean_and_deviation_as_far_as_all_go() -> None:
    one = study_of([trial_of(v) for v in (1.0, 2.0, 5.0)])
    other = study_of([trial_of(), trial_of(3.0)])
    nothing = study_of([trial_of()])
    figure = plot_anytime({"evolution": [one, other, nothing]})
    band, mean = figure.data
    assert list(mean.x) == [2]
    assert list(mean.y) == [2.5]
    assert set(band.y) == {2.5 - np.sqrt(0.5), 2.5 + np.sqrt(0.5)}
    assert mean.name == "evolution (mean of 2 ± deviation) (1 more without a value)"


def test_a_control_is_grey_and_called_random() -> None:
    study = study_of([trial_of(1.0)])
    figure = plot_anytime({"ours": study, "random": study}, control=study)
    assert [trace.name for trace in figure.data] == ["ours", "random", "random, the control"]
    assert figure.data[-1].line.color == "#999999"
    assert plot_anytime({"ours": study}, control=[study]).data[-1].name == "random"


def test_seconds_are_those_of_all_trials_together() -> None:
    study = study_of([trial_of(1.0, seconds=2.0), trial_of(2.0, seconds=3.0)])
    assert list(line(plot_anytime(study, x="seconds")).x) == [2.0, 5.0]


def test_epochs_are_those_noted_or_else_the_last_step() -> None:
    trials = [trial_of(1.0, epochs=5), trial_of(reported={1: 0.1, 2: 0.2}), trial_of(2.0)]
    assert list(line(plot_anytime(study_of(trials), x="epochs")).x) == [5, 7]


def test_epochs_of_trials_that_tell_none_are_refused() -> None:
    study = study_of([trial_of(1.0), trial_of(2.0)], study_name="plain")
    with pytest.raises(ValueError, match=r"x='epochs' needs.*of the 2 of study 'plain' none has"):
        plot_anytime(study, x="epochs")


def test_with_several_objectives_it_is_the_hypervolume_after_each_trial() -> None:
    rng = np.random.default_rng(0)
    trials = [trial_of(rng.random(2).tolist(), broken=float(i % 4 == 3)) for i in range(30)]
    reference = [0.2, 0.7]
    drawn = line(plot_anytime(study_of(trials, TWO), reference=reference))
    for n in (1, 2, 10, 30):
        expected = hypervolume(study_of(trials[:n], TWO), reference)
        assert drawn.y[n - 1] == pytest.approx(expected)


def test_the_reference_is_by_default_the_worst_of_all_studies() -> None:
    one = study_of([trial_of([0.5, 1.0]), trial_of([0.7, 3.0])], TWO, ["accuracy", "ms"])
    other = study_of([trial_of([0.2, 4.0]), trial_of([0.1, 9.0], broken=1.0)], TWO)
    figure = plot_anytime({"one": one, "other": other})
    assert figure.layout.yaxis.title.text.endswith("<br>from accuracy 0.2, ms 4")
    assert line(figure, "one").y[-1] == pytest.approx(hypervolume(one, [0.2, 4.0]))


def test_the_axis_leaves_out_first_bad_guesses() -> None:
    study = study_of([trial_of(v) for v in (0.0, *np.linspace(0.9, 1.0, 40))])
    low, high = plot_anytime(study).layout.yaxis.range
    assert 0.8 < low < 0.9
    assert high > 1.0


@pytest.mark.parametrize("trials", [[], [trial_of()], [trial_of(1.0, broken=2.0, epochs=3)]])
@pytest.mark.parametrize("x", ["trials", "seconds", "epochs"])
def test_without_a_value_the_figure_says_so(trials: list[Any], x: Any) -> None:
    figure = plot_anytime(study_of(trials), x=x)
    assert not figure.data
    assert figure.layout.annotations[0].text == "No trial is complete and feasible yet."


def test_a_search_without_a_value_is_named_beside_others() -> None:
    figure = plot_anytime({"new": study_of([]), "old": study_of([trial_of(1.0)])})
    assert [trace.name for trace in figure.data] == ["new (nothing yet)", "old"]


def test_names_are_text() -> None:
    study = study_of([trial_of(1.0)], names=["<b>a</b>"])
    figure = plot_anytime({"<i>x</i> & $y$": study, "z": study})
    assert figure.data[0].name == "&lt;i&gt;x&lt;/i&gt; &amp; &#36;y&#36;"
    assert "&lt;b&gt;a&lt;/b&gt;" in figure.layout.yaxis.title.text


def one() -> optuna.Study:
    return study_of([trial_of(1.0)], study_name="one")


@pytest.mark.parametrize(
    ("studies", "options", "error", "message"),
    [
        (one(), {"x": "days"}, ValueError, r"x must be 'trials', 'sec.* or 'epochs', but is 'da"),
        ({}, {}, ValueError, r"studies is empty; give at least one"),
        ([], {}, ValueError, r"studies is an empty list"),
        ({"a": []}, {}, ValueError, r"studies\['a'\] is an empty list"),
        (
            "a.db",
            {},
            TypeError,
            r"studies must be a study or a list of studies, but is 'a.db' \(s",
        ),
        ([1], {}, TypeError, r"studies must be a study or a list of studies, but is \[1\] \(list"),
        (one(), {"control": 7}, TypeError, r"control must be a study .* but is 7 \(int\)"),
        (one(), {"reference": [0.0]}, ValueError, r"reference is of a hypervolume, but the stu"),
        (
            [one(), study_of([], ["minimize"], study_name="two")],
            {},
            ValueError,
            r"the same objectives, but 'one' has directions \['maximize'\] and 'two' has \['min",
        ),
        (
            study_of([trial_of([1.0, 2.0])], TWO),
            {"reference": [1.0]},
            ValueError,
            r"reference must be a finite number for each objective of study .* got \[1.0\]",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    studies: Any, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        plot_anytime(studies, **options)
