"""What does a decision of a pruner cost, in a study of 1,000 trials?

    python studies/pruner_overhead/run.py

The trials are in memory; of each rung about 60 % were stopped. Prints the median time of 30
decisions as a Markdown table: of the processor, so that other programs do not count; one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import process_time

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
from threadpoolctl import threadpool_limits

from optuna_nas.pruners import LearningCurvePruner
from optuna_nas.pruners import ParetoSuccessiveHalvingPruner


TRIALS, EPOCHS, RUNGS = 1000, 50, (2, 6, 18)
DIRECTIONS = ["maximize", "minimize", "minimize"]


@dataclass(frozen=True)
class Case:
    name: str
    make: Callable[[], BasePruner]
    step: int


CASES = [
    Case("successive halving, at the first rung", ParetoSuccessiveHalvingPruner, 2),
    Case("the same, crowding", lambda: ParetoSuccessiveHalvingPruner(tie_break="crowding"), 2),
    Case("the same, at the third rung", ParetoSuccessiveHalvingPruner, 18),
    Case("the same, between two rungs", ParetoSuccessiveHalvingPruner, 19),
    Case("learning curve, after 8 epochs", LearningCurvePruner, 8),
    Case("learning curve, after 30 epochs", LearningCurvePruner, 30),
]


def trial_of(rng: np.random.Generator, objectives: int, epochs: int) -> FrozenTrial:
    """With a random exponential curve and random costs."""
    rise = 1 - np.exp(-np.arange(1, epochs + 1) / rng.uniform(2, 9))
    curve = 0.5 + (rng.uniform(0, 0.5) * rise + rng.normal(0, 0.005, epochs))
    costs = rng.uniform(1, 9, objectives - 1).tolist()
    reports = {epoch: [score, *costs] for epoch, score in enumerate(curve.tolist(), start=1)}
    state = TrialState.COMPLETE if epochs == EPOCHS else TrialState.PRUNED
    return create_trial(
        state=state,
        values=reports[epochs] if state == TrialState.COMPLETE else None,
        intermediate_values={e: r[0] for e, r in reports.items()} if objectives == 1 else {},
        user_attrs={"reports": {str(e): r for e, r in reports.items()}} if objectives > 1 else {},
    )


def study_of(objectives: int) -> optuna.Study:
    rng = np.random.default_rng(0)
    reached = np.minimum(rng.geometric(0.6, TRIALS) - 1, len(RUNGS))
    study = optuna.create_study(directions=DIRECTIONS[:objectives])
    study.add_trials(trial_of(rng, objectives, [*RUNGS, EPOCHS][i]) for i in reached)
    return study


def milliseconds(case: Case, study: optuna.Study) -> float:
    """Of 30 trials, all of them new to the study."""
    rng, pruner, times = np.random.default_rng(1), case.make(), []
    for _ in range(30):
        trial = trial_of(rng, len(study.directions), case.step)
        trial.state, trial.number = TrialState.RUNNING, TRIALS
        started = process_time()
        pruner.prune(study, trial)
        times.append(1000 * (process_time() - started))
    return median(times)


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    studies = [study_of(objectives) for objectives in (1, 2, 3)]
    print("| ms | 1 objective | 2 objectives | 3 objectives |")
    print("|---|---|---|---|")
    with threadpool_limits(1):
        for case in CASES:
            cells = " | ".join(f"{milliseconds(case, study):.2f}" for study in studies)
            print(f"| {case.name} | {cells} |")


if __name__ == "__main__":
    main()
