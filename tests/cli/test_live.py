from __future__ import annotations

from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState
import pytest

from optuna_nas._cli import _live
from optuna_nas._cli._live import Lines


def study_of(values: list[Any], directions: tuple[str, ...] = ("maximize",)) -> optuna.Study:
    study = optuna.create_study(directions=list(directions))
    for value in values:
        study.add_trial(
            optuna.create_trial(
                values=value,
                params={"op": "conv"},
                distributions={"op": CategoricalDistribution(["conv", "pool"])},
            )
        )
    return study


def shown(study: optuna.Study) -> list[str]:
    return Lines(study, "accuracy").__rich__().plain.splitlines()


def test_nothing_is_shown_of_a_search_that_has_nothing_yet() -> None:
    assert shown(study_of([])) == []


def test_the_best_so_far_is_a_sparkline_with_the_network_in_a_line() -> None:
    study = study_of([[0.1], [0.9], [0.5]])
    assert shown(study) == ["  accuracy ▁██", "  network 1: conv"]


def test_of_two_objectives_it_is_the_hypervolume_and_the_knee() -> None:
    study = study_of([[0.1, 9.0], [0.9, 5.0]], ("maximize", "minimize"))
    assert shown(study) == ["  hypervolume ▁█", "  knee, network 1: conv"]


@pytest.mark.parametrize("directions", [("maximize",), ("maximize", "minimize")])
def test_running_trials_of_all_workers_are_shown_with_their_step(
    directions: tuple[str, ...],
) -> None:
    study = study_of([], directions)
    first, _ = study.ask(), study.ask()
    if len(directions) == 1:
        first.report(0.5, 3)
    else:
        first.set_user_attr("reports", {"3": [0.5, None]})
    assert shown(study) == ["  running: network 0 (step 3), network 1"]


def test_of_many_running_trials_some_are_counted() -> None:
    study = study_of([])
    for _ in range(9):
        study.ask()
    assert shown(study)[0].endswith("network 5 and 3 more")


def test_the_study_is_looked_at_every_few_seconds_and_after_each_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(_live, "monotonic", lambda: now)
    study = study_of([])
    lines = Lines(study, "accuracy")
    assert lines.__rich__().plain == ""
    trial = study.ask()
    assert lines.__rich__().plain == ""
    now += _live.EVERY
    assert lines.__rich__().plain == "  running: network 0"
    study.tell(trial, state=TrialState.FAIL)
    assert lines.__rich__().plain == "  running: network 0"
    lines(study, study.trials[0])
    assert lines.__rich__().plain == ""


def test_a_storage_that_cannot_be_read_for_a_moment_leaves_what_was_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = study_of([[0.1]])
    lines = Lines(study, "accuracy")
    before = lines.__rich__().plain
    assert before

    def locked(*arguments: Any, **options: Any) -> None:
        raise StorageInternalError("the database is locked")

    monkeypatch.setattr(study, "get_trials", locked)
    lines(study, optuna.create_trial(value=0.1))
    assert lines.__rich__().plain == before


def test_a_network_named_with_markup_of_rich_is_text() -> None:
    study = optuna.create_study()
    study.add_trial(
        optuna.create_trial(
            value=0.1,
            params={"op": "[bold]x[/nonsense]"},
            distributions={"op": CategoricalDistribution(["[bold]x[/nonsense]"])},
        )
    )
    assert shown(study)[1] == "  network 0: [bold]x[/nonsense]"
