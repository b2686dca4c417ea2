"""What do pruners save on learning curves, what do they lose, and is a chance of 5 % one in 20?

    python studies/learning_curves/run.py

Whole curves of 60 candidates are replayed in random orders, one trial after the other. A trial is
worth its best epoch, as in ``Train``. "Wrong" is a stopped trial that would have beaten the best
complete trial of that moment. Prints a Markdown table. The first run takes nine minutes of
one core, of which the training of the curves six.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass

from curves import CANDIDATES
from curves import digits
from curves import drawn
from curves import EPOCHS
import numpy as np
from numpy.typing import NDArray
import optuna
from optuna.pruners import BasePruner
from optuna.pruners import MedianPruner
from optuna.pruners import NopPruner
from optuna.pruners import SuccessiveHalvingPruner
from optuna.trial import TrialState

from optuna_nas.pruners import LearningCurvePruner


TASKS: Mapping[str, Callable[[int], NDArray[np.float64]]] = {"digits": digits, "drawn": drawn}
PRUNERS: Mapping[str, Callable[[], BasePruner]] = {
    "none": NopPruner,
    "median": lambda: MedianPruner(n_startup_trials=5, n_warmup_steps=2),
    "successive halving": lambda: SuccessiveHalvingPruner(min_resource=2, reduction_factor=3),
    **{
        f"learning curve, {threshold}": lambda threshold=threshold: LearningCurvePruner(
            threshold=threshold
        )
        for threshold in (0.01, 0.05, 0.2)
    },
}


@dataclass(frozen=True)
class Replay:
    """One search: share of epochs used; regret; how many were stopped, how many wrongly."""

    epochs: float
    regret: float
    stopped: int
    wrong: int


def replay(curves: NDArray[np.float64], pruner: BasePruner) -> Replay:
    study = optuna.create_study(direction="maximize", pruner=pruner, study_name="replay")
    epochs = wrong = 0
    best = -np.inf
    for curve in curves:
        trial = study.ask()
        for epoch, score in enumerate(curve, start=1):
            epochs += 1
            trial.report(float(score), epoch)
            if epoch < EPOCHS and trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                wrong += bool(curve.max() > best)
                break
        else:
            best = max(best, curve.max())
            study.tell(trial, float(curve.max()))
    stopped = sum(trial.state == TrialState.PRUNED for trial in study.trials)
    return Replay(epochs / curves.size, float(curves.max() - best), stopped, wrong)


def row(task: str, pruner: str, replays: list[Replay]) -> str:
    epochs, regrets = ([getattr(r, of) for r in replays] for of in ("epochs", "regret"))
    stopped, wrong = (sum(getattr(r, of) for r in replays) for of in ("stopped", "wrong"))
    share = f"{100 * wrong / stopped:.1f} % of {stopped:,}" if stopped else "-"
    return (
        f"| {task} | {pruner} | {100 * np.mean(epochs):.0f} +- {100 * np.std(epochs):.0f} | "
        f"{100 * np.mean(regrets):.2f} +- {100 * np.std(regrets):.2f} | {share} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=3, help="sets of curves")
    parser.add_argument("--orders", type=int, default=3, help="of each set")
    chosen = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print("| curves | pruner | epochs used, % | regret, % accuracy | stopped wrongly |")
    print("|---|---|---|---|---|")
    for task in chosen.tasks:
        sets = [TASKS[task](seed) for seed in range(chosen.seeds)]
        for name, make in PRUNERS.items():
            replays = [
                replay(curves[np.random.default_rng(order).permutation(CANDIDATES)], make())
                for curves in sets
                for order in range(chosen.orders)
            ]
            print(row(task, name, replays), flush=True)


if __name__ == "__main__":
    main()
