from __future__ import annotations

from collections.abc import Sequence
import json
import math
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import optuna
from optuna.pruners import BasePruner
from optuna.pruners import HyperbandPruner
from optuna.pruners import SuccessiveHalvingPruner
from optuna.trial import TrialState
import pytest

from optuna_nas import SampledTrial
from optuna_nas.pruners import ParetoSuccessiveHalvingPruner
from optuna_nas.pruners._pareto_successive_halving import STOPPED


optuna.logging.set_verbosity(optuna.logging.WARNING)

BOTH = ["maximize", "minimize"]
VALUE = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, math.inf, -math.inf, math.nan])


def report(study: optuna.Study, trial: optuna.Trial, values: Sequence[Any], step: int) -> None:
    """What ``SampledTrial.report`` does."""
    if len(study.directions) == 1:
        trial.report(values[0], step)
        return
    reports = {**trial.user_attrs.get("reports", {}), str(step): list(values)}
    trial.set_user_attr("reports", reports)


def stops(pruner: BasePruner, study: optuna.Study, trial: optuna.Trial) -> bool:
    return pruner.prune(study, study.trials[trial.number])


def reported(
    study: optuna.Study, *curves: dict[int, Sequence[Any]], **constraints: float
) -> optuna.Trial:
    """Trials that are still running; the last of them."""
    for curve in curves:
        trial = study.ask()
        for step, values in curve.items():
            report(study, trial, values, step)
    for name, by in constraints.items():
        trial.set_constraint(name, by)
    return trial


@st.composite
def interleaved_reports(draw: st.DrawFn) -> list[tuple[int, int, float]]:
    """(trial, how many steps later, value), of several trials in turn."""
    return draw(
        st.lists(st.tuples(st.integers(0, 7), st.integers(1, 9), VALUE), min_size=1, max_size=60)
    )


def assert_equal_decisions(
    ours: BasePruner, optunas: BasePruner, direction: str, events: list[tuple[int, int, float]]
) -> None:
    """Both watch the same trials, which end as pruned, failed or complete, or never."""
    studies = [optuna.create_study(direction=direction, study_name="one") for _ in range(2)]
    running = [[study.ask() for _ in range(8)] for study in studies]
    steps = [0] * 8
    for who, later, value in events:
        steps[who] += later
        decided = []
        for trials, study, pruner in zip(running, studies, (ours, optunas), strict=True):
            trials[who].report(value, steps[who])
            decided.append(stops(pruner, study, trials[who]))
        assert decided[0] == decided[1]
        if decided[0] or steps[who] > 30:
            ends = TrialState.FAIL if later == 9 else TrialState.PRUNED
            for trials, study in zip(running, studies, strict=True):
                study.tell(trials[who], state=ends)
                trials[who] = study.ask()
            steps[who] = 0


@given(
    events=interleaved_reports(),
    direction=st.sampled_from(BOTH),
    min_resource=st.integers(1, 4),
    factor=st.integers(2, 4),
)
def test_with_one_objective_every_decision_is_that_of_optunas_successive_halving(
    events: list[tuple[int, int, float]], direction: str, min_resource: int, factor: int
) -> None:
    assert_equal_decisions(
        ParetoSuccessiveHalvingPruner(min_resource=min_resource, reduction_factor=factor),
        SuccessiveHalvingPruner(min_resource=min_resource, reduction_factor=factor),
        direction,
        events,
    )


@given(
    events=interleaved_reports(),
    direction=st.sampled_from(BOTH),
    factor=st.integers(2, 3),
    brackets=st.integers(1, 4),
)
def test_with_one_objective_and_brackets_every_decision_is_that_of_optunas_hyperband(
    events: list[tuple[int, int, float]], direction: str, factor: int, brackets: int
) -> None:
    hyperband = HyperbandPruner(
        min_resource=2, max_resource=2 * factor ** (brackets - 1) + 1, reduction_factor=factor
    )
    ours = ParetoSuccessiveHalvingPruner(reduction_factor=factor, brackets=brackets)
    assert_equal_decisions(ours, hyperband, direction, events)


def test_of_a_front_the_best_by_the_first_objective_goes_on_first() -> None:
    study = optuna.create_study(directions=BOTH)
    trial = reported(study, {2: [0.5, 1.0]}, {2: [0.9, 9.0]})
    assert not stops(ParetoSuccessiveHalvingPruner(keep_front=False), study, trial)
    trial = reported(study, {2: [0.4, 0.5]})
    assert stops(ParetoSuccessiveHalvingPruner(keep_front=False), study, trial)


def test_a_small_network_goes_on_for_what_is_known_before_training() -> None:
    study = optuna.create_study(directions=BOTH)
    large = [{2: [0.9 - i / 100, 9.0 + i]} for i in range(5)]
    trial = reported(study, *large, {2: [0.1, 1.0]})
    assert not stops(ParetoSuccessiveHalvingPruner(), study, trial)
    trial = reported(study, {2: [0.1, 9.5]})
    assert stops(ParetoSuccessiveHalvingPruner(), study, trial)


@pytest.mark.parametrize("tie_break", ["epsilon_net", "crowding"])
def test_with_several_objectives_about_one_in_reduction_factor_goes_on(tie_break: Any) -> None:
    study = optuna.create_study(directions=BOTH)
    pruner = ParetoSuccessiveHalvingPruner(tie_break=tie_break)
    going = 0
    for i in range(90):
        trial = reported(study, {2: [math.sin(i), math.cos(3 * i)]})
        going += not stops(pruner, study, trial)
    assert 20 <= going <= 45


def test_an_objective_that_one_trial_does_not_know_is_left_out_for_all() -> None:
    study = optuna.create_study(directions=BOTH)
    trial = reported(study, {2: [0.9, None]}, {2: [0.8, 1.0]})
    assert stops(ParetoSuccessiveHalvingPruner(), study, trial)


def test_a_trial_that_knows_nothing_goes_on_and_leaves_the_others_comparable() -> None:
    study = optuna.create_study(directions=BOTH)
    trial = reported(study, {2: [0.9, 1.0]}, {2: [None, None]})
    assert not stops(ParetoSuccessiveHalvingPruner(), study, trial)
    assert stops(ParetoSuccessiveHalvingPruner(), study, reported(study, {2: [0.8, 2.0]}))


def test_trials_that_know_different_objectives_cannot_be_compared_and_go_on() -> None:
    study = optuna.create_study(directions=BOTH)
    trial = reported(study, {2: [0.9, None]}, {2: [None, 1.0]})
    assert not stops(ParetoSuccessiveHalvingPruner(), study, trial)


@pytest.mark.parametrize("values", [[math.nan, 1.0], [1.0, math.nan], [math.nan, None]])
def test_nan_at_a_rung_stops_a_trial_that_then_counts_for_nothing(values: list[Any]) -> None:
    study = optuna.create_study(directions=BOTH)
    trial = reported(study, {1: values, 2: values})
    assert stops(ParetoSuccessiveHalvingPruner(), study, trial)
    trial = reported(study, {2: [-math.inf, math.inf]})
    assert not stops(ParetoSuccessiveHalvingPruner(), study, trial)


def test_nan_between_two_rungs_changes_nothing() -> None:
    study = optuna.create_study(directions=BOTH)
    trial = reported(study, {1: [math.nan, 1.0]})
    assert not stops(ParetoSuccessiveHalvingPruner(), study, trial)


def test_trials_that_break_a_constraint_come_behind_those_that_do_not() -> None:
    study = optuna.create_study(directions=BOTH)
    reported(study, {2: [0.9, 1.0]}, latency=3.0)
    trial = reported(study, {2: [0.1, 9.0]}, latency=-1.0)
    assert not stops(ParetoSuccessiveHalvingPruner(), study, trial)
    trial = reported(study, {2: [1.0, 0.0]}, latency=1.0)
    assert stops(ParetoSuccessiveHalvingPruner(), study, trial)


def test_if_all_break_a_constraint_the_one_that_breaks_it_least_goes_on() -> None:
    study = optuna.create_study(directions=BOTH)
    reported(study, {2: [0.9, 1.0]}, latency=3.0)
    trial = reported(study, {2: [0.1, 9.0]}, latency=1.0)
    assert not stops(ParetoSuccessiveHalvingPruner(), study, trial)


@pytest.mark.parametrize("state", [TrialState.FAIL, TrialState.PRUNED])
def test_reports_count_whatever_became_of_the_trial(state: TrialState) -> None:
    study = optuna.create_study(directions=BOTH)
    study.tell(reported(study, {2: [0.9, 1.0]}), state=state)
    assert stops(ParetoSuccessiveHalvingPruner(), study, reported(study, {2: [0.8, 2.0]}))


def test_it_decides_only_at_the_first_report_at_or_beyond_a_rung() -> None:
    study = optuna.create_study(directions=BOTH)
    reported(study, {2: [0.9, 1.0], 7: [0.9, 1.0]})
    trial = reported(study, {1: [0.8, 2.0]})
    decided = []
    for step in (2, 3, 5, 8, 9):
        report(study, trial, [0.8, 2.0], step)
        decided.append(stops(ParetoSuccessiveHalvingPruner(), study, trial))
    assert decided == [True, False, False, True, False]


def test_between_two_rungs_it_does_not_read_other_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    study = optuna.create_study(directions=BOTH)
    trial = reported(study, {2: [0.9, 1.0], 3: [0.9, 1.0]})
    frozen = study.trials[trial.number]
    monkeypatch.setattr(study, "get_trials", None)
    assert not ParetoSuccessiveHalvingPruner().prune(study, frozen)


def test_it_does_not_stop_a_trial_that_has_not_reported() -> None:
    study = optuna.create_study(directions=BOTH)
    assert not stops(ParetoSuccessiveHalvingPruner(), study, reported(study, {}))


def test_a_trial_that_jumped_and_lost_has_not_been_at_the_next_rung() -> None:
    study = optuna.create_study(directions=BOTH)
    reported(study, {2: [0.9, 1.0]})
    lost = reported(study, {7: [0.8, 2.0]})
    assert stops(ParetoSuccessiveHalvingPruner(), study, lost)
    assert stops(ParetoSuccessiveHalvingPruner(), study, lost)
    assert study.trials[lost.number].system_attrs[STOPPED] == 2
    pruner = ParetoSuccessiveHalvingPruner(min_resource=6)
    assert not stops(pruner, study, reported(study, {6: [0.1, 9.0]}))


def test_asked_about_a_trial_that_has_ended_it_answers_and_writes_nothing() -> None:
    study = optuna.create_study(directions=BOTH)
    reported(study, {2: [0.9, 1.0]})
    lost = reported(study, {7: [0.8, 2.0]})
    study.tell(lost, state=TrialState.PRUNED)
    assert stops(ParetoSuccessiveHalvingPruner(), study, lost)
    assert STOPPED not in study.trials[lost.number].system_attrs


def test_rungs_that_are_given_are_as_good_as_those_that_are_multiplied() -> None:
    studies = [optuna.create_study(directions=BOTH, study_name="one") for _ in range(2)]
    pruners = [
        ParetoSuccessiveHalvingPruner(min_resource=1, brackets=2),
        ParetoSuccessiveHalvingPruner(rungs=[1, 3, 9], brackets=2),
    ]
    for i in range(40):
        decided = []
        for study, pruner in zip(studies, pruners, strict=True):
            trial = reported(study, {1: [math.sin(i), math.cos(i)], 4: [0.5, math.cos(3 * i)]})
            decided.append(stops(pruner, study, trial))
        assert decided[0] == decided[1]


def test_every_worker_decides_the_same_by_what_is_in_the_storage(tmp_path: Path) -> None:
    def open_study() -> optuna.Study:
        file = optuna.storages.journal.JournalFileBackend(str(tmp_path / "one.journal"))
        return optuna.create_study(
            storage=optuna.storages.JournalStorage(file),
            study_name="one",
            directions=BOTH,
            load_if_exists=True,
        )

    first, second = open_study(), open_study()
    kept = ParetoSuccessiveHalvingPruner()
    for i in range(12):
        study = (first, second)[i % 2]
        trial = reported(study, {2: [math.sin(i), math.cos(i)], 7: [math.cos(i), 1.0]})
        fresh = ParetoSuccessiveHalvingPruner()
        assert stops(kept, first, trial) == stops(fresh, second, trial)


def test_reports_may_come_back_from_json_in_any_order() -> None:
    study = optuna.create_study(directions=BOTH)
    reported(study, {2: [0.9, 1.0]})
    trial = study.ask()
    kept = json.loads('{"3": [0.9, 0.5], "11": [0.1, 2.0], "2": [0.1, 2.0]}')
    trial.set_user_attr("reports", kept)
    assert not stops(ParetoSuccessiveHalvingPruner(rungs=[2, 3]), study, trial)
    assert not stops(ParetoSuccessiveHalvingPruner(rungs=[11]), study, trial)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_resource": 0}, r"min_resource must be an int of at least 1, but got 0\."),
        ({"min_resource": 1.5}, r"min_resource must be an int of at least 1, but got 1\.5\."),
        ({"min_resource": True}, r"min_resource must be an int of at least 1, but got True\."),
        ({"reduction_factor": 1}, r"reduction_factor must be an int of at least 2, but got 1\."),
        ({"brackets": 0}, r"brackets must be an int of at least 1, but got 0\."),
        (
            {"tie_break": "random"},
            r"tie_break must be 'crowding' or 'epsilon_net', but got 'random'\.",
        ),
        ({"rungs": [2, 2]}, r"rungs must be at least one and strictly increasing.*\[2, 2\]"),
        ({"rungs": [6, 2]}, r"rungs must be at least one and strictly increasing.*\[6, 2\]"),
        ({"rungs": []}, r"rungs must be at least one and strictly increasing.*\[\]"),
        ({"rungs": [0, 2]}, r"each of rungs must be an int of at least 1, but got 0\."),
        ({"rungs": [2], "brackets": 2}, r"rungs must be at least as many as brackets \(2\)"),
    ],
)
def test_an_argument_out_of_range_is_an_error_that_says_what_is_legal(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ParetoSuccessiveHalvingPruner(**arguments)


def test_what_no_other_dominates_goes_on_unless_it_is_told_to_be_the_paper() -> None:
    def stopped(*, keep_front: bool) -> list[bool]:
        pruner = ParetoSuccessiveHalvingPruner(rungs=[1], keep_front=keep_front)
        study = optuna.create_study(directions=["maximize", "minimize"], pruner=pruner)
        found = []
        for i in reversed(range(6)):  # all on one front
            trial = SampledTrial(study.ask())
            trial.report([0.1 * i, float(i)], 1)
            found.append(trial.should_prune())
        dominated = SampledTrial(study.ask())
        dominated.report([0.1, 4.0], 1)
        assert dominated.should_prune()
        return found

    assert stopped(keep_front=True) == [False] * 6
    assert sum(stopped(keep_front=False)) >= 3
