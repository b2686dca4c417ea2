"""How many trials a second two workers run, against one, with as many threads in all.

python studies/workers_speedup/run.py --seeds 5
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean
from statistics import stdev
from tempfile import TemporaryDirectory
from time import perf_counter

from optuna_nas._cli._options import Options
from optuna_nas._cli._search import quietly
from optuna_nas._cli._setup import set_up
from optuna_nas.study import create_study
from optuna_nas.study import optimize


HERE = Path(__file__).parent
ROWS = HERE / "rows.jsonl"

SHAPES = ((1, 1), (1, 2), (2, 1))
"""Workers, and the threads of each."""


def measure(workers: int, threads: int, seed: int, trials: int, epochs: int) -> dict[str, float]:
    """Runs the search of ``optuna-nas search digits``, with the same networks for each shape."""
    with quietly(threads), TemporaryDirectory() as folder:
        objective = set_up(Options("digits", epochs=epochs, seed=seed)).objective()
        study = create_study(
            direction="maximize",
            sampler="random",
            pruner=None,
            storage=str(Path(folder, "study.journal")),
            seed=seed,
        )
        before = perf_counter()
        optimize(study, objective, trials, workers=workers, threads=threads)
        seconds = perf_counter() - before
        ran = study.get_trials(deepcopy=False)
    first = min(trial.datetime_start for trial in ran)
    last = max(trial.datetime_complete for trial in ran)
    return {"seconds": seconds, "searching": (last - first).total_seconds(), "trials": len(ran)}


def table(rows: list[dict[str, float]]) -> str:
    """The rows as Markdown; a speed-up is the mean over seeds of the ratio of that seed."""
    head = ("workers x threads", "trials/s", "trials/s without the start", "against 1 x 1")
    said = [f"| {' | '.join((*head, 'against 1 x 2'))} |", "|---|---|---|---|---|"]
    found = {(int(r["workers"]), int(r["threads"]), int(r["seed"])): r for r in rows}
    seeds = sorted({seed for _, _, seed in found})
    for shape in SHAPES:
        mine = [found[(*shape, seed)] for seed in seeds]
        cells = [
            spread([r["trials"] / r[clock] for r in mine]) for clock in ("seconds", "searching")
        ]
        for other in SHAPES[:2]:
            before = [found[(*other, seed)]["seconds"] for seed in seeds]
            cells.append(spread([b / r["seconds"] for b, r in zip(before, mine, strict=True)]))
        said.append(f"| {shape[0]} x {shape[1]} | {' | '.join(cells)} |")
    return "\n".join(said)


def spread(values: list[float]) -> str:
    deviation = f" +- {stdev(values):.2f}" if len(values) > 1 else ""
    return f"{mean(values):.2f}{deviation}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=15)
    given = parser.parse_args()
    rows = [json.loads(line) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []
    of = {"trials": given.trials, "epochs": given.epochs}
    rows = [row for row in rows if row["asked"] == of and row["seed"] < given.seeds]
    for seed in range(given.seeds):
        for workers, threads in SHAPES:
            known = {"workers": workers, "threads": threads, "seed": seed}
            if any(known.items() <= row.items() for row in rows):
                continue
            found = measure(workers, threads, seed, given.trials, given.epochs)
            rows.append({**known, "asked": of, **found})
            with ROWS.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
