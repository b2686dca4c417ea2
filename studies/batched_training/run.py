"""How much faster are many small networks trained as one?

    python studies/batched_training/run.py [--seeds 5] [--threads 1 2] [--only perceptrons]
    python studies/batched_training/run.py --device cuda

The same random trials by ``study.optimize`` and by ``optimize_batched``, in turns, in one process
that needs the machine to itself. Each (problem, threads, seed) is a row of a file beside this
script, so that running again does only what is missing. Prints Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
import json
from pathlib import Path
from statistics import mean
from statistics import stdev
from time import perf_counter
from time import process_time
from typing import Any

import optuna
from problems import ON_GPU
from problems import ONE_ARCHITECTURE
from problems import Problem
from problems import PROBLEMS
from problems import recipe
import torch

import optuna_nas
from optuna_nas import Objective
from optuna_nas import Train
from optuna_nas.study import optimize_batched


ROWS = Path(__file__).parent / "rows.jsonl"
COLUMNS = (
    "problem",
    "threads",
    "trials/s, one by one",
    "trials/s, batched",
    "times as fast",
    "in CPU time",
    "in groups",
    "bar",
)


def study_of(problem: Problem, seed: int, shared: bool) -> optuna.Study:
    study = optuna_nas.create_study(sampler="random", pruner=None, direction="maximize", seed=seed)
    if shared:
        params = first_params(problem, seed)
        for _ in range(problem.trials):
            study.enqueue_trial(params)
    return study


def first_params(problem: Problem, seed: int) -> dict[str, Any]:
    study = optuna_nas.create_study(sampler="random", direction="maximize", seed=seed)
    trial = study.ask()
    problem.network(optuna_nas.space.SampledTrial(trial))
    return trial.params


def measured(run: Callable[[], Any]) -> tuple[Any, float, float]:
    wall, cpu = perf_counter(), process_time()
    result = run()
    return result, perf_counter() - wall, process_time() - cpu


def row_of(name: str, problem: Problem, seed: int, threads: int, device: str) -> dict[str, Any]:
    shared = name in ONE_ARCHITECTURE
    train = Train(*problem.data(), epochs=problem.epochs, recipe=recipe, device=device, seed=0)
    objectives = [Objective(problem.network, train) for _ in range(2)]
    # What happens once in a process is no part of either.
    first = Train(*problem.data(), epochs=1, recipe=recipe, device=device, seed=0)
    optimize_batched(
        study_of(problem, seed, True), Objective(problem.network, first), 2, measure=False
    )
    studies = [study_of(problem, seed, shared) for _ in range(2)]
    alone = partial(studies[0].optimize, objectives[0], n_trials=problem.trials)
    batched = partial(
        optimize_batched, studies[1], objectives[1], problem.trials, batch=problem.trials
    )
    runs = {"alone": alone, "batched": batched}
    order = ["alone", "batched"] if seed % 2 else ["batched", "alone"]
    came = {way: measured(runs[way]) for way in order}
    done = came["batched"][0]
    scores = [[t.value for t in s.trials if t.value is not None] for s in studies]
    return {
        "problem": name,
        "seed": seed,
        "threads": threads,
        "device": device,
        "trials": problem.trials,
        "seconds": {way: came[way][1] for way in runs},
        "cpu": {way: came[way][2] for way in runs},
        "together": done.together,
        "one_by_one": dict(done.alone),
        "mean_score": [mean(part) if part else None for part in scores],
    }


def rows() -> list[dict[str, Any]]:
    lines = ROWS.read_text().splitlines() if ROWS.exists() else []
    return [json.loads(line) for line in lines]


def measure(problems: dict[str, Problem], options: argparse.Namespace) -> None:
    done = {(r["problem"], r["seed"], r["threads"], r["device"]) for r in rows()}
    for seed in range(options.seeds):
        for threads in options.threads:
            torch.set_num_threads(threads)
            for name, problem in problems.items():
                if (name, seed, threads, options.device) not in done:
                    row = row_of(name, problem, seed, threads, options.device)
                    with ROWS.open("a") as file:
                        file.write(json.dumps(row) + "\n")


def told(numbers: list[float]) -> str:
    spread = f" ± {stdev(numbers):.2f}" if len(numbers) > 1 else ""
    return f"{mean(numbers):.2f}{spread}"


def report(problems: dict[str, Problem], options: argparse.Namespace) -> None:
    print(f"torch {torch.__version__}, {options.device}\n")
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    reasons: dict[str, int] = {}
    for name, problem in problems.items():
        for threads in options.threads:
            found = [
                r
                for r in rows()
                if (r["problem"], r["threads"], r["device"]) == (name, threads, options.device)
            ]
            if found:
                print(line(name, threads, problem.bar, found))
            for row in found:
                for reason, n in row["one_by_one"].items():
                    reasons[reason] = reasons.get(reason, 0) + n
    print("\nOne by one, because:\n")
    for reason, n in sorted(reasons.items(), key=lambda pair: -pair[1]):
        print(f"- {n} trials: {reason}")


def line(name: str, threads: int, bar: float, found: list[dict[str, Any]]) -> str:
    speeds = {w: [r["trials"] / r["seconds"][w] for r in found] for w in ("alone", "batched")}
    wall = [r["seconds"]["alone"] / r["seconds"]["batched"] for r in found]
    cpu = [r["cpu"]["alone"] / r["cpu"]["batched"] for r in found]
    share = mean(r["together"] / r["trials"] for r in found)
    # Where all is trained one by one, both do the same work, and differ by the clock's noise.
    met = "yes" if mean(wall) >= (bar if bar > 1 else 0.95) else "**no**"
    least = f"at least {bar:g}: {met}" if bar > 1 else f"never slower (0.95): {met}"
    cells = [name, threads, told(speeds["alone"]), told(speeds["batched"]), told(wall), told(cpu)]
    return "| " + " | ".join(map(str, [*cells, f"{share:.0%}", least])) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--device", default="cpu", help="cuda: the CNNs instead")
    parser.add_argument("--only", default="", help="problems whose name begins so")
    parser.add_argument("--report", action="store_true", help="only print what there is")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    every = {**PROBLEMS, **ONE_ARCHITECTURE} if options.device == "cpu" else ON_GPU
    problems = {name: p for name, p in every.items() if name.startswith(options.only)}
    if not options.report:
        measure(problems, options)
    report(problems, options)


if __name__ == "__main__":
    main()
