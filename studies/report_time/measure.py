"""Measures what a report of 1,000 trials takes.

python studies/report_time/measure.py
"""

from __future__ import annotations

from pathlib import Path
import resource
import subprocess
import sys
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import optuna
from optuna.trial import create_trial
from optuna.trial import TrialState
import torch

from optuna_nas import report
from optuna_nas import SampledTrial
from optuna_nas import spaces
from optuna_nas.study._remembered_network import remember_network


TRIALS, EPOCHS = 1000, 20


def made(objectives: int) -> optuna.Study:
    """Random networks with curves that nobody trained; a third of them stopped early."""
    network = spaces.CNN(input_shape=(1, 8, 8), num_classes=10)
    study = optuna.create_study(directions=["maximize", "minimize"][:objectives])
    remember_network(study, network, (torch.zeros(2, 1, 8, 8),))
    asked = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    rng = np.random.default_rng(0)
    for i in range(TRIALS):
        network(SampledTrial(asked.ask()))
        params = asked.get_trials(deepcopy=False)[-1]
        pruned = i % 3 == 0
        scores = 1 - 1 / (np.arange(1, 6 if pruned else EPOCHS + 1) + rng.random())
        curve = {step: float(score) for step, score in enumerate(scores, 1)}
        reports = {str(step): [score, None] for step, score in curve.items()}
        values = [float(scores[-1]), float(rng.integers(1000, 100_000))][:objectives]
        trial = create_trial(
            state=TrialState.PRUNED if pruned else TrialState.COMPLETE,
            values=None if pruned else values,
            params=params.params,
            distributions=params.distributions,
            user_attrs={"epochs": len(curve), **({"reports": reports} if objectives > 1 else {})},
            intermediate_values=curve if objectives == 1 else {},
        )
        study.add_trial(trial)
    return study


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(objectives: int) -> None:
    study = made(objectives)
    with TemporaryDirectory() as folder:
        begun, worked = perf_counter(), processor_seconds()
        report(study, Path(folder) / "report.html")
        seconds, worked = perf_counter() - begun, processor_seconds() - worked
    print(f"{objectives} objectives: {seconds:.1f} s, of a processor {worked:.1f} s")


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]))
    else:
        for objectives in ("1", "2"):  # each in a process of its own, with the imports
            subprocess.run([sys.executable, __file__, objectives], check=True)
