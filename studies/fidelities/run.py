"""What is a cheap training worth? Ranks of small CNNs at four fidelities against full trainings.

    python studies/fidelities/run.py path/to/usps.npz [--networks 40]

Random architectures are trained in full and at each fidelity, with two seeds, on digits and USPS.
Each training is a row of rows.jsonl beside this script, so that running again does only what is
missing. Prints, as Markdown, how well each fidelity ranks them, and what it costs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import as_completed
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from dataclasses import dataclass
import json
from multiprocessing import get_context
import os
from pathlib import Path
import time
from typing import Any

import numpy as np
import optuna
from sklearn.datasets import load_digits
import torch

from optuna_nas import build
from optuna_nas import metrics
from optuna_nas import SampledTrial
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas.samplers import RandomSampler
from optuna_nas.space import smaller
from optuna_nas.study import rank_correlation
from optuna_nas.study import seeded
from optuna_nas.training import Fidelity


ROWS = Path(__file__).parent / "rows.jsonl"
DATASETS = ("digits", "USPS")
EPOCHS, SEEDS, TRAIN_ROWS, VALID_ROWS = 12, (0, 1), 1000, 797
FULL = "full"
CONTROLS = ("parameters", "flops")
Images = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Row:
    """One training, or what an architecture has without any."""

    dataset: str
    network: int
    fidelity: str
    seed: int
    score: float
    seconds: float


def images(dataset: str, usps: Path) -> tuple[Images, Images]:
    if dataset == "digits":
        x, y = load_digits(return_X_y=True)
        x = x.reshape(-1, 8, 8) / 16
    else:
        with np.load(usps) as arrays:
            x, y = arrays["x_train"] / 255, arrays["y_train"]
    rows = np.random.default_rng(0).permutation(len(x))[: TRAIN_ROWS + VALID_ROWS]
    x, y = x[rows, None].astype(np.float32), y[rows].astype(np.int64)
    return (x[:TRAIN_ROWS], y[:TRAIN_ROWS]), (x[TRAIN_ROWS:], y[TRAIN_ROWS:])


def space(side: int) -> spaces.CNN:
    return spaces.CNN((1, side, side), 10, min_stages=1, max_stages=2, widths=(4, 8, 16))


def fidelities(side: int) -> dict[str, Fidelity]:
    return {
        FULL: Fidelity(),
        "a quarter of the epochs": Fidelity(epochs=EPOCHS // 4),
        "a quarter of the rows": Fidelity(data=0.25),
        "images of half the side": Fidelity(image_size=side // 2),
        "half the width": Fidelity(network=smaller(space(side), {"width": 0.5})),
    }


def architectures(side: int, count: int) -> list[dict[str, Any]]:
    """The same ones, and more of them, whatever the count."""
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    trials = [study.ask() for _ in range(count)]
    with torch.device("meta"):
        for trial in trials:
            space(side)(SampledTrial(trial))
    return [trial.params for trial in trials]


def start() -> None:
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def trained(dataset: str, usps: Path, network: int, missing: set[tuple[str, int]]) -> list[Row]:
    """All that is missing of one architecture."""
    train, valid = images(dataset, usps)
    side = train[0].shape[-1]
    params = architectures(side, network + 1)[network]
    module = build(space(side), params)
    counts = {
        "parameters": metrics.Parameters().measure(module),
        "flops": metrics.Flops(torch.zeros(1, 1, side, side)).measure(module),
    }
    rows = [Row(dataset, network, n, s, counts[n], 0.0) for n, s in missing if n in counts]
    for name, fidelity in fidelities(side).items():
        for seed in SEEDS:
            if (name, seed) not in missing:
                continue
            evaluate = Train(train, valid, epochs=EPOCHS, seed=seed, fidelities=[fidelity])
            with seeded(1000 * seed + network):
                module = build(space(side), params)
                started = time.process_time()
                score = evaluate(module, optuna.trial.FixedTrial(params))
            seconds = time.process_time() - started
            rows.append(Row(dataset, network, name, seed, score, seconds))
    return rows


def read() -> list[Row]:
    lines = ROWS.read_text().splitlines() if ROWS.exists() else []
    return [Row(**json.loads(line)) for line in lines]


def measure(usps: Path, networks: int, jobs: int) -> None:
    """Does what is missing. Only this process writes rows, so that none is torn."""
    done = {(row.dataset, row.network, row.fidelity, row.seed) for row in read()}
    names = [*CONTROLS, *fidelities(8)]
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=start) as pool:
        futures = []
        for network in range(networks):
            for dataset in DATASETS:
                wanted = {(name, seed) for name in names for seed in SEEDS}
                missing = {one for one in wanted if (dataset, network, *one) not in done}
                if missing:
                    futures.append(pool.submit(trained, dataset, usps, network, missing))
        try:
            for future in as_completed(futures):
                with ROWS.open("a") as file:
                    file.writelines(json.dumps(asdict(row)) + "\n" for row in future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def study_of(rows: list[Row]) -> optuna.Study:
    """A trial for each architecture, with its scores as user attrs: ``"full, seed 0"``."""
    scores: dict[int, dict[str, float]] = {}
    for row in rows:
        scores.setdefault(row.network, {})[f"{row.fidelity}, seed {row.seed}"] = row.score
    study = optuna.create_study()
    for attrs in scores.values():
        study.add_trial(optuna.trial.create_trial(value=0.0, user_attrs=attrs))
    return study


def table(rows: list[Row]) -> Iterator[str]:
    """A training with one seed against the full one with the other, which is noisy itself."""
    seconds: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        seconds.setdefault((row.dataset, row.fidelity), []).append(row.seconds)
    yield "| data | score | Spearman | Kendall | Spearman, seeds swapped | cost, % |"
    yield "|---|---|---|---|---|---|"
    for dataset in DATASETS:
        study = study_of([row for row in rows if row.dataset == dataset])
        whole = np.array(seconds[dataset, FULL])
        for name in [*fidelities(8), *CONTROLS]:
            first, second = (
                rank_correlation(study, f"{name}, seed {seed}", f"{FULL}, seed {1 - seed}")
                for seed in SEEDS
            )
            cost = 100 * sum(seconds[dataset, name]) / whole.sum()
            yield (
                f"| {dataset} | {name} | {first.spearman} | {first.kendall} | {second.spearman} | "
                f"{cost:.0f} |"
            )


def report(networks: int) -> None:
    rows = [row for row in read() if row.network < networks]
    print("\n".join(table(rows)))
    for dataset in DATASETS:
        full = [row for row in rows if (row.dataset, row.fidelity) == (dataset, FULL)]
        scores, seconds = ([getattr(row, of) for row in full] for of in ("score", "seconds"))
        print(
            f"\n{dataset}: {networks} architectures, validation accuracy {np.mean(scores):.4f} +- "
            f"{np.std(scores, ddof=1):.4f}, a full training {np.mean(seconds):.1f} +- "
            f"{np.std(seconds, ddof=1):.1f} s."
        )
    print(f"\n{sum(row.seconds for row in rows) / 60:.0f} core-minutes of training.")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("usps", type=Path, help="usps.npz: x_train, y_train, uint8")
    parser.add_argument("--networks", type=int, default=40, help="at least 4")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    chosen = parser.parse_args()
    if chosen.networks < 4:
        parser.error("--networks must be at least 4, to be put in an order.")
    start()
    measure(chosen.usps, chosen.networks, chosen.jobs)
    report(chosen.networks)


if __name__ == "__main__":
    main()
