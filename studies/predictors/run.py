"""Which predictor knows best, after some trainings, what other architectures are worth?

    python studies/predictors/run.py path/to/nasbench201_cifar10.npz [--seeds 20]

Each predictor sees random architectures of NAS-Bench-201 with their robust scores, and predicts
others.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from statistics import stdev
import time
from typing import Any
from typing import TypeAlias
import warnings

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution
from scipy.special import ndtri
from scipy.stats import rankdata
from scipy.stats import spearmanr
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.neural_network import MLPRegressor

from optuna_nas.samplers._encoding import Encoding
from optuna_nas.samplers._gaussian_process import GaussianProcess
from optuna_nas.samplers._gaussian_process import Kernel
from optuna_nas.samplers._scores import robust_scores


TRAININGS = (10, 25, 50, 100, 200)
OTHERS = 2_000
EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")
PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))
"""The paths from node 0 to node 3, as places of edges."""

Floats: TypeAlias = NDArray[np.float64]
Predictor: TypeAlias = Callable[[Floats, Floats, Floats], Floats]
"""From seen rows, their scores and other rows to the others' scores."""


def process(kernel: Kernel) -> Predictor:
    """A Gaussian process: the mean of its prediction."""

    def predict(seen: Floats, scores: Floats, others: Floats) -> Floats:
        return GaussianProcess(kernel, seen, scores, slice(None)).predict(others)[0]

    return predict


def of_the_order(predict: Predictor) -> Predictor:
    """The same, learning from normal scores."""
    return lambda seen, scores, others: predict(
        seen, ndtri((rankdata(scores) - 0.5) / len(scores)), others
    )


def regressor(make: Callable[[], Any]) -> Predictor:
    """A regressor of scikit-learn's."""
    return lambda seen, scores, others: make().fit(seen, scores).predict(others)


def ensemble(seen: Floats, scores: Floats, others: Floats) -> Floats:
    """Five small networks, as in BANANAS (White et al. 2021, sec. 4)."""
    members = [
        MLPRegressor(
            hidden_layer_sizes=(64, 64), learning_rate_init=0.01, max_iter=200, random_state=i
        )
        for i in range(5)
    ]
    return np.mean([member.fit(seen, scores).predict(others) for member in members], axis=0)


def one_hot_paths(ops: NDArray[np.int64]) -> Floats:
    """White et al. 2021, sec. 3: a column for each sequence of operations along a path."""
    blocks = []
    for path in PATHS:
        index = np.ravel_multi_index(tuple(ops[:, path].T), (5,) * len(path))
        blocks.append(np.eye(5 ** len(path))[index])
    return np.concatenate(blocks, axis=1)


def predictors(ops: NDArray[np.int64], names: list[str]) -> dict[str, tuple[Floats, Predictor]]:
    """What is compared: an encoding of all architectures, and who learns from it."""
    encoding = Encoding({edge: CategoricalDistribution(names) for edge in EDGES})
    rows = encoding.rows([dict(zip(EDGES, (names[i] for i in op), strict=True)) for op in ops])
    paths = one_hot_paths(ops)
    flags = Encoding({f"path {i}": CategoricalDistribution([0, 1]) for i in range(paths.shape[1])})
    taken = flags.rows([dict(zip(flags.columns, row, strict=True)) for row in paths.astype(int)])
    forest = regressor(lambda: RandomForestRegressor(200, random_state=0))
    boosting = regressor(lambda: GradientBoostingRegressor(random_state=0))
    return {
        "Gaussian process, learned options (ours)": (rows, process(Kernel(encoding))),
        "the same, from the order alone": (rows, of_the_order(process(Kernel(encoding)))),
        "Gaussian process, Hamming": (rows, process(Kernel(encoding, learned=False))),
        "Gaussian process, paths": (taken, process(Kernel(flags, learned=False))),
        "random forest, one-hot": (rows, forest),
        "random forest, paths": (paths, forest),
        "gradient boosting, one-hot": (rows, boosting),
        "networks, one-hot": (rows, ensemble),
        "networks, paths": (paths, ensemble),
        "linear, one-hot": (rows, regressor(lambda: RidgeCV(np.logspace(-3, 3, 13)))),
    }


def measure(
    compared: Mapping[str, tuple[Floats, Predictor]], values: Floats, seed: int
) -> dict[str, list[tuple[float, float]]]:
    """Spearman's correlation and seconds of each predictor, after so many trainings."""
    order = np.random.default_rng(seed).permutation(len(values))
    others, found = order[-OTHERS:], {}
    for name, (rows, predict) in compared.items():
        found[name] = []
        for n in TRAININGS:
            seen, begun = order[:n], time.perf_counter()
            scores = robust_scores(values[seen])
            told = predict(rows[seen], scores - scores.mean(), rows[others])
            seconds = time.perf_counter() - begun
            found[name].append((float(spearmanr(told, values[others]).statistic), seconds))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="nasbench201_cifar10.npz")
    parser.add_argument("--seeds", type=int, default=20, help="at least 2")
    options = parser.parse_args()
    if not options.table.is_file():
        parser.error(f"{options.table} is not there.")
    if options.seeds < 2:
        parser.error("--seeds must be at least 2, to have a deviation.")
    warnings.simplefilter("ignore")  # networks that would like more epochs
    with np.load(options.table) as data:
        names = [str(name) for name in data["op_names"]]
        compared = predictors(data["ops"].astype(np.int64), names)
        values = np.nanmean(data["valid_accuracy_200_epochs_by_seed"], axis=1)
    runs = [measure(compared, values, seed) for seed in range(options.seeds)]
    print(f"| predictor | {' | '.join(map(str, TRAININGS))} | ms |")
    print(f"|---|{'---|' * (len(TRAININGS) + 1)}")
    for name in compared:
        columns = [[run[name][i][0] for run in runs] for i in range(len(TRAININGS))]
        told = [f"{mean(c):.3f} +- {stdev(c):.3f}" for c in columns]
        seconds = mean(run[name][TRAININGS.index(100)][1] for run in runs)
        print(f"| {name} | {' | '.join(told)} | {1e3 * seconds:.0f} |")


if __name__ == "__main__":
    main()
