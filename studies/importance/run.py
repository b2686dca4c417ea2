"""Are the importances of decisions right where they are known, whoever searched?

    python studies/importance/run.py [--seeds 20] [--trials 100]

Samplers maximise a noisy function of five decisions, one of them asked only after one answer of
another. Then three evaluators say how much of the variance each explains; of a function like this
one knows.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
from statistics import mean
from statistics import stdev
import warnings

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator
from optuna.importance import get_param_importances
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.samplers import BaseSampler
from optuna.samplers import TPESampler

from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.visualization._functional_anova import importances


NOISE = 1.0
VARIANCES = {"big": 18.0, "depth": 4.0, "small": 2.0, "extra": 4 / 3, "idle": 0.0}
"""What each decision explains over the space: 9 x 2, 4 x 1, 1 x 2, half of 4 x 2/3."""

SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = {
    "random": lambda seed: RandomSampler(seed=seed),
    "evolution": lambda seed: RegularizedEvolutionSampler(seed=seed),
    "TPE": lambda seed: TPESampler(seed=seed),
}


def known(trial: optuna.Trial, seed: int) -> float:
    value = 3 * trial.suggest_int("big", 0, 4) + trial.suggest_int("small", 0, 4)
    if trial.suggest_int("depth", 1, 2) == 2:
        value += 2 + 2 * trial.suggest_int("extra", 0, 2)
    trial.suggest_categorical("idle", ["a", "b", "c"])
    return value + float(np.random.default_rng([seed, trial.number]).normal(scale=NOISE))


def ours(study: optuna.Study) -> Mapping[str, float]:
    values = np.array([trial.value for trial in study.trials])
    found = importances(study.trials, values, seed=0)
    return dict(zip(found.names, np.median(found.shares, axis=0).tolist(), strict=True))


def fanova(study: optuna.Study) -> Mapping[str, float]:
    return get_param_importances(
        study, evaluator=FanovaImportanceEvaluator(seed=0), normalize=False
    )


def ped_anova(study: optuna.Study) -> Mapping[str, float]:
    return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(), normalize=False)


EVALUATORS = {"plot_importance": ours, "Optuna's fANOVA": fanova, "Optuna's PED-ANOVA": ped_anova}


def normalised(found: Mapping[str, float]) -> dict[str, float]:
    """Shares of their sum, since PED-ANOVA's are in no unit that could be compared."""
    total = sum(found.values()) or 1.0
    return {name: found.get(name, 0.0) / total for name in VARIANCES}


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def row(sampler: str, evaluator: str, found: Sequence[Mapping[str, float]]) -> str:
    truth = normalised(VARIANCES)
    cells = []
    for name in VARIANCES:
        shares = [100 * one[name] for one in found]
        cells.append(f"{mean(shares):.1f} ± {stdev(shares):.1f}")
    off = [100 * mean(abs(one[n] - truth[n]) for n in VARIANCES) for one in found]
    first = mean(sorted(one, key=one.__getitem__)[::-1][:2] == ["big", "depth"] for one in found)
    error = f"{mean(off):.1f} ± {stdev(off):.1f}"
    return line([sampler, evaluator, *cells, error, f"{100 * first:.0f} %"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=100)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    print(line(["sampler", "evaluator", *VARIANCES, "off by", "the first two are right"]))
    print(line(["---"] * (len(VARIANCES) + 4)))
    truth = [f"{100 * share:.1f}" for share in normalised(VARIANCES).values()]
    print(line(["", "the truth", *truth, "", ""]))
    for name, make in SAMPLERS.items():
        studies = []
        for seed in range(options.seeds):
            study = optuna.create_study(direction="maximize", sampler=make(seed))
            study.optimize(partial(known, seed=seed), n_trials=options.trials)
            studies.append(study)
        for evaluator, evaluate in EVALUATORS.items():
            print(row(name, evaluator, [normalised(evaluate(study)) for study in studies]))


if __name__ == "__main__":
    main()
