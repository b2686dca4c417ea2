from __future__ import annotations

from typing import Any

import optuna
from optuna.trial import TrialState
import pytest

from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers._planning import plan_of
from optuna_nas.visualization import plot_genealogy
from tests.visualization.trials import study_of
from tests.visualization.trials import trial_of


def evolved(trials: int = 30, directions: tuple[str, ...] = ("maximize",)) -> optuna.Study:
    sampler = RegularizedEvolutionSampler(population_size=4, tournament_size=3, seed=0)
    study = optuna.create_study(sampler=sampler, directions=directions)

    def objective(trial: optuna.Trial) -> Any:
        numbers = [trial.suggest_int(f"<b>{i}</b>", 0, 9) for i in range(4)]
        if trial.number % 7 == 6:
            raise optuna.TrialPruned
        return (sum(numbers), 40 - sum(numbers[1:]))[: len(directions)]

    study.optimize(objective, n_trials=trials)
    return study


def pairs(trace: Any) -> set[tuple[int, int]]:
    """The numbers at the two ends of each line."""
    return set(zip(trace.x[::3], trace.x[1::3], strict=True))


def test_lines_go_from_parent_to_child() -> None:
    study = evolved()
    expected = {(p, trial.number) for trial in study.trials for p in plan_of(trial).parents}
    assert expected
    assert pairs(plot_genealogy(study).data[0]) == expected


def test_a_child_is_one_generation_further_than_its_parent() -> None:
    study = evolved()
    figure = plot_genealogy(study)
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    generation = {x: y for trace in dots for x, y in zip(trace.x, trace.y, strict=True)}
    assert set(generation) == {trial.number for trial in study.trials}
    for trial in study.trials:
        parents = plan_of(trial).parents
        assert generation[trial.number] == (generation[parents[0]] + 1 if parents else 0)


def test_the_descent_of_the_best_leads_to_a_trial_without_parents() -> None:
    study = evolved()
    line = pairs(next(t for t in plot_genealogy(study).data if t.name == "descent of the best"))
    assert max(child for _, child in line) == study.best_trial.number
    assert not plan_of(study.trials[min(parent for parent, _ in line)]).parents


def test_with_several_objectives_the_best_is_that_of_the_one_asked_for() -> None:
    study = evolved(directions=("maximize", "minimize"))
    figure = plot_genealogy(study, objective=1)
    line = pairs(next(t for t in figure.data if t.name == "descent of the best"))
    values = [t.values[1] for t in study.trials if t.state == TrialState.COMPLETE]
    assert study.trials[max(child for _, child in line)].values[1] == min(values)


def test_the_colour_is_the_score_and_what_has_none_is_marked() -> None:
    study = evolved()
    study.tell(study.ask(), state=TrialState.FAIL)
    study.ask()
    marks = {trace.name: trace for trace in plot_genealogy(study).data if trace.mode == "markers"}
    scored = marks[None]
    assert list(scored.marker.color) == [study.trials[int(x)].value for x in scored.x]
    assert set(marks) == {None, "stopped early or rejected", "failed", "running"}


def test_hovers_say_what_was_mutated_and_names_are_text() -> None:
    figure = plot_genealogy(evolved())
    hovers = [text for trace in figure.data for text in trace.hovertext or ()]
    assert any("<br>child of " in text and ", mutated in &lt;b&gt;" in text for text in hovers)
    assert "<b>" not in figure.to_json()


def test_an_evolution_that_has_just_begun_has_one_generation() -> None:
    figure = plot_genealogy(evolved(1))
    assert [list(trace.y) for trace in figure.data] == [[0]]


def test_without_trials_the_figure_says_so() -> None:
    figure = plot_genealogy(study_of([]))
    assert figure.layout.annotations[0].text == "The study has no trials yet."


def test_trials_of_a_sampler_without_parents_are_refused() -> None:
    study = study_of([trial_of(1.0)], study_name="plain")
    message = r"none of the 1 trials of study 'plain' says who its parents are; those of Regul"
    with pytest.raises(ValueError, match=message):
        plot_genealogy(study)


@pytest.mark.parametrize("objective", [-1, 1])
def test_an_objective_that_is_not_there_is_refused(objective: int) -> None:
    message = rf"objective must be at least 0 and below 1.*, but is {objective}"
    with pytest.raises(ValueError, match=message):
        plot_genealogy(evolved(1), objective=objective)
