"""Kills workers of a search at random moments, and counts what that costs.

python studies/killed_workers/run.py killed.journal
python studies/killed_workers/run.py sqlite:///killed.db
python studies/killed_workers/run.py postgresql://...
"""

from __future__ import annotations

from collections import Counter
import multiprocessing
import os
import random
import signal
import sys
from threading import Event
from threading import Thread
from time import sleep

import optuna
from optuna.trial import TrialState

from optuna_nas.study import create_study
from optuna_nas.study import optimize
from optuna_nas.study._heartbeat import WORKER


TRIALS, WORKERS, KILLS = 200, 2, 12


def objective(trial: optuna.Trial) -> float:
    x, y = trial.suggest_float("x", 0, 1), trial.suggest_int("y", 0, 9)
    sleep(0.05 + 0.1 * x)
    trial.report(x, 1)
    return x + y


def kill(study: optuna.Study, ended: Event, killed: list[int]) -> None:
    """Kills a worker now and then, once it has begun a trial."""
    rng = random.Random(0)
    while not ended.wait(rng.uniform(1.0, 3.0)) and len(killed) < KILLS:
        begun = {t.user_attrs[WORKER]["pid"] for t in study.trials if WORKER in t.user_attrs}
        there = [p.pid for p in multiprocessing.active_children() if p.pid in begun]
        if there:
            killed.append(rng.choice(there))
            os.kill(killed[-1], signal.SIGKILL)


def main(storage: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    name = f"killed {os.getpid()}"
    study = create_study(storage=storage, study_name=name, sampler="random", seed=0)
    told: dict[int, object] = {}
    ended, killed = Event(), list[int]()
    killer = Thread(target=kill, args=(study, ended, killed))
    killer.start()
    try:
        optimize(
            study,
            objective,
            TRIALS,
            workers=WORKERS,
            heartbeat=1.0,
            max_retry=3,
            callbacks=[lambda study, trial: told.update({trial.number: trial.values})],
            say=lambda text: None,
        )
    finally:
        ended.set()
        killer.join()
    trials = study.trials
    lost = [trial for trial in trials if trial.state == TrialState.FAIL]
    repeats = Counter(t.user_attrs["retry_of"][-1] for t in trials if "retry_of" in t.user_attrs)
    states = Counter(trial.state.name.lower() for trial in trials)
    changed = sum(told.get(trial.number) != trial.values for trial in trials)
    print(f"{storage.partition(':')[0]}: {len(killed)} kills; {dict(states)}")
    once = sum(repeats[trial.number] == 1 for trial in lost)
    print(f"  lost trials that were repeated once: {once} of {len(lost)}")
    print(f"  finished trials that were lost or changed: {changed}")


if __name__ == "__main__":
    main(sys.argv[1])
