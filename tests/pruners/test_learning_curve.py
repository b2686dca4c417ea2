from __future__ import annotations

from collections.abc import Sequence
import math
from typing import Any

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import optuna
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_nas.pruners import LearningCurvePruner


optuna.logging.set_verbosity(optuna.logging.WARNING)

BOTH = ["maximize", "minimize"]
EPOCHS = 20


def rising(end: float, epochs: int = EPOCHS, rate: float = 4.0) -> list[float]:
    return [end - 0.6 * math.exp(-epoch / rate) for epoch in range(1, epochs + 1)]


def trial_of(
    curve: Sequence[Any],
    values: Sequence[float] | None = None,
    state: TrialState = TrialState.COMPLETE,
    **constraints: float,
) -> FrozenTrial:
    """Of reports at 1, 2, ...; by default its values are the last report."""
    several = isinstance(curve[0], list)
    at = dict(enumerate(curve, start=1))
    last = curve[-1] if several else [curve[-1]]
    return create_trial(
        state=state,
        values=(values or last) if state == TrialState.COMPLETE else None,
        intermediate_values={} if several else at,
        user_attrs={"reports": {str(step): r for step, r in at.items()}} if several else {},
        system_attrs={f"constraints:{name}": by for name, by in constraints.items()},
    )


def study_of(*complete: FrozenTrial, directions: Sequence[str] = BOTH[:1]) -> optuna.Study:
    study = optuna.create_study(directions=list(directions))
    study.add_trials(complete)
    return study


def stops(
    study: optuna.Study,
    curve: Sequence[Any],
    pruner: LearningCurvePruner | None = None,
    **by: float,
) -> bool:
    running = trial_of(curve, state=TrialState.RUNNING, **by)
    running.number = len(study.trials)
    return (pruner or LearningCurvePruner()).prune(study, running)


def test_a_curve_that_flattens_far_below_the_best_is_stopped() -> None:
    assert stops(study_of(trial_of(rising(0.95))), rising(0.7, 8))


def test_a_curve_on_its_way_beyond_the_best_goes_on() -> None:
    assert not stops(study_of(trial_of(rising(0.8))), rising(0.95, 8))


def test_a_slow_curve_that_will_overtake_goes_on_where_the_median_would_stop_it() -> None:
    study = study_of(*[trial_of(rising(0.8, rate=2.0))] * 5)
    slow = rising(1.0, 6, rate=8.0)
    assert slow[-1] < rising(0.8, 6, rate=2.0)[-1]
    assert not stops(study, slow)
    running = trial_of(slow, state=TrialState.RUNNING)
    assert optuna.pruners.MedianPruner().prune(study, running)


@settings(max_examples=30)
@given(
    end=st.floats(0.6, 1.0),
    best=st.floats(0.6, 1.0),
    epochs=st.integers(4, 19),
    unit=st.sampled_from([1.0, 1e-3, 1e4]),
)
def test_a_loss_is_judged_as_a_score_turned_over(
    end: float, best: float, epochs: int, unit: float
) -> None:
    score = study_of(trial_of(rising(best)))
    loss = study_of(trial_of([-unit * y for y in rising(best)]), directions=["minimize"])
    down = [-unit * y for y in rising(end, epochs)]
    assert stops(score, rising(end, epochs)) == stops(loss, down)


def test_before_a_trial_is_complete_none_is_stopped() -> None:
    assert not stops(study_of(), rising(0.1, 8))
    failed = trial_of(rising(0.95), state=TrialState.FAIL)
    assert not stops(study_of(failed), rising(0.1, 8))


def test_at_the_horizon_it_is_too_late() -> None:
    study = study_of(trial_of(rising(0.95)))
    assert not stops(study, rising(0.1, EPOCHS))
    assert not stops(study, rising(0.1, 8), LearningCurvePruner(horizon=8))


def test_without_a_report_of_a_complete_trial_the_horizon_must_be_given() -> None:
    silent = create_trial(value=0.95)
    assert not stops(study_of(silent), rising(0.7, 8))
    assert stops(study_of(silent), rising(0.7, 8), LearningCurvePruner(horizon=20))


def test_it_waits_for_min_steps_and_then_asks_at_each_interval() -> None:
    study = study_of(trial_of(rising(0.95)))
    pruner = LearningCurvePruner(min_steps=5, interval=3)
    judged = [n for n in range(1, 15) if stops(study, rising(0.6, n), pruner)]
    assert judged == [5, 8, 11, 14]


def test_with_top_it_is_enough_to_be_among_the_best() -> None:
    study = study_of(trial_of(rising(0.95)), trial_of(rising(0.94)), trial_of(rising(0.6)))
    assert stops(study, rising(0.75, 10), LearningCurvePruner(top=2))
    assert not stops(study, rising(0.75, 10), LearningCurvePruner(top=3))


def test_the_higher_the_threshold_the_more_is_stopped() -> None:
    study = study_of(*[trial_of(rising(0.9 + i / 100)) for i in range(5)])
    curves = [rising(0.9 + i / 200, 5) for i in range(-10, 10)]
    stopped = [
        {
            i
            for i, curve in enumerate(curves)
            if stops(study, curve, LearningCurvePruner(threshold=t))
        }
        for t in (0.01, 0.2, 0.9)
    ]
    assert stopped[0] <= stopped[1] <= stopped[2]
    assert len(stopped[0]) < len(stopped[2])


def test_a_trial_that_was_among_the_best_once_goes_on() -> None:
    assert not stops(study_of(trial_of(rising(0.8))), [0.5, 0.81, 0.4, 0.3, 0.2, 0.1])


def test_where_forecasts_of_complete_trials_were_wrong_more_trials_go_on() -> None:
    late = rising(0.7, 14) + [0.9] * 6
    smooth = rising(0.9)
    own = rising(0.7, 8)
    assert stops(study_of(*[trial_of(smooth)] * 5), own)
    assert not stops(study_of(*[trial_of(late)] * 5), own)


def pair(curve: Sequence[float], cost: float) -> list[list[float | None]]:
    return [[y, cost] for y in curve]


def test_with_several_objectives_the_front_is_what_counts() -> None:
    study = study_of(
        trial_of(pair(rising(0.95), 9.0)), trial_of(pair(rising(0.8), 2.0)), directions=BOTH
    )
    assert stops(study, pair(rising(0.7, 10), 5.0))
    assert not stops(study, pair(rising(0.7, 10), 1.0))
    assert not stops(study, pair(rising(0.9, 10), 5.0))


def test_an_objective_that_is_not_known_yet_could_save_a_trial() -> None:
    study = study_of(trial_of(pair(rising(0.95), 1.0)), directions=BOTH)
    assert not stops(study, [[y, None] for y in rising(0.5, 10)])


def test_what_breaks_a_constraint_is_not_among_the_best() -> None:
    infeasible = trial_of(rising(0.95), latency=1.0)
    feasible = trial_of(rising(0.6), latency=0.0)
    assert not stops(study_of(infeasible, feasible), rising(0.8, 8))
    assert stops(study_of(infeasible, feasible), rising(0.99, 8), latency=2.0)
    assert not stops(study_of(infeasible), rising(0.5, 8), latency=2.0)


@pytest.mark.parametrize("n", [1, 6])
def test_nan_stops_a_trial(n: int) -> None:
    assert stops(study_of(), [0.5] * (n - 1) + [math.nan])


def test_reports_that_are_infinite_are_left_out() -> None:
    study = study_of(trial_of([-y for y in rising(0.95)]), directions=["minimize"])
    down = [-y for y in rising(0.7, 8)]
    assert stops(study, [math.inf, *down])
    assert not stops(study, [math.inf, math.inf, *down[:2]])


@pytest.mark.parametrize("end", [0.85, 0.88, 0.9])
def test_a_fresh_pruner_decides_the_same(end: float) -> None:
    study = study_of(trial_of(rising(0.9)))
    pruner = LearningCurvePruner()
    first = [stops(study, rising(end, n), pruner) for n in range(4, 15)]
    assert [stops(study, rising(end, n)) for n in reversed(range(4, 15))] == first[::-1]


def test_it_works_in_plain_optuna() -> None:
    def objective(trial: optuna.Trial) -> float:
        curve = rising(trial.suggest_float("end", 0.6, 0.95))
        for epoch, score in enumerate(curve, start=1):
            trial.report(score, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return curve[-1]

    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(
        direction="maximize", pruner=LearningCurvePruner(), sampler=sampler
    )
    study.optimize(objective, n_trials=15)
    states = [trial.state for trial in study.trials]
    assert states.count(TrialState.PRUNED) >= 5
    best = max(trial.params["end"] for trial in study.trials)
    assert study.best_params["end"] == best


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": 0.0}, r"threshold must be .* above 0 and below 1, but got 0\.0\."),
        ({"threshold": 1}, r"threshold must be a finite number above 0 and below 1, but got 1\."),
        ({"threshold": "a"}, r"threshold must be a finite number .* below 1, but got 'a'\."),
        ({"threshold": math.nan}, r"threshold must be .* above 0 and below 1, but got nan\."),
        ({"min_steps": 2}, r"min_steps must be an int of at least 3, but got 2\."),
        ({"interval": 0}, r"interval must be an int of at least 1, but got 0\."),
        ({"horizon": 0}, r"horizon must be an int of at least 1, but got 0\."),
        ({"horizon": "auto"}, r"horizon must be an int of at least 1, but got 'auto'\."),
        ({"top": 0}, r"top must be an int of at least 1, but got 0\."),
    ],
)
def test_an_argument_out_of_range_is_an_error_that_says_what_is_legal(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        LearningCurvePruner(**arguments)
