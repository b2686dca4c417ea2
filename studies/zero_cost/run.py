"""Are our zero-cost proxies the published ones, and what do they know of accuracy?

    python studies/zero_cost/run.py scores.csv cifar10_1000.npz nasbench201_cifar10.npz

Builds the networks of NAS-Bench-201 whose scores were published (NAS-Bench-Suite-Zero; 725 on
CIFAR-10), scores each on one batch of 32 images, and compares. Each network is a row of a file
beside this script, so that running again does only what is missing.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
import time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas import build
from optuna_nas import metrics
from optuna_nas import proxies
from optuna_nas.metrics._latency_fit import interval
from optuna_nas.metrics._latency_fit import spearman
from optuna_nas.spaces import NASBench201


ROWS = Path(__file__).parent / "rows.jsonl"
EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
BATCH = 32

PUBLISHED = {
    "synflow": "synflow",
    "naswot": "nwot",
    "jacob_cov": "jacov",
    "snip": "snip",
    "grad_norm": "grad_norm",
    "fisher": "fisher",
    "grasp": "grasp",
    "l2_norm": "l2_norm",
    "zen": None,
    "zico": None,
    "parameters": "params",
    "flops": "flops",
}
"""What we compute, and the column of each."""

PROXIES = [name for name in PUBLISHED if hasattr(proxies, name)]
BARS = {"synflow", "naswot", "snip", "grad_norm", "l2_norm"}
COLUMNS = (
    "proxy",
    "with the published score",
    "at least 0.90",
    "with accuracy",
    "published scores with accuracy",
    "within 0.04",
    "ms",
    "passes",
    "unscored",
)
ONE_PASS = ("synflow", "naswot", "jacob_cov", "snip", "grad_norm", "fisher", "l2_norm")
PASSES = 1.3


def batch_of(path: Path, first: int = 0, rows: int = BATCH) -> tuple[Tensor, Tensor]:
    with np.load(path) as data:
        x, y = (data[name][first : first + rows] for name in ("images", "labels"))
    images = (torch.tensor(x).float() / 255 - torch.tensor(MEAN)) / torch.tensor(DEVIATION)
    return images.permute(0, 3, 1, 2).contiguous(), torch.tensor(y).long()


def milliseconds(work: Any) -> tuple[Any, float]:
    """Of the processor: what else runs on the machine disturbs them less."""
    started = time.process_time()
    result = work()
    return result, 1000 * (time.process_time() - started)


def one_pass(net: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    F.cross_entropy(net(batch[0]), batch[1]).backward()
    net.zero_grad()


def row_of(index: int, params: dict[str, str], batch: tuple[Tensor, Tensor]) -> dict[str, Any]:
    torch.manual_seed(index)
    net = build(NASBench201(), params)
    one_pass(net, batch)  # the first allocates memory
    passes = [milliseconds(lambda: one_pass(net, batch))[1] for _ in range(3)]
    scores, took = {}, {}
    for name in PROXIES:
        score = getattr(proxies, name)
        scores[name], took[name] = milliseconds(lambda score=score: score(net, batch))
    counts = {
        "parameters": metrics.Parameters().measure(net),
        "flops": metrics.Flops(batch[0]).measure(net),
    }
    return {"index": index, "pass_ms": sorted(passes)[1], "ms": took, "scores": scores | counts}


def params_of(index: int, table: Path) -> dict[str, str]:
    with np.load(table) as data:
        names = data["op_names"]
        return {e: str(names[code]) for e, code in zip(EDGES, data["ops"][index], strict=True)}


def score_all(published: list[dict[str, str]], table: Path, batch: tuple[Tensor, Tensor]) -> None:
    done = {row["index"] for row in rows()}
    for entry in published:
        index = int(entry["arch_index"])
        if index not in done:
            row = row_of(index, params_of(index, table), batch)
            with ROWS.open("a") as file:
                file.write(json.dumps(row) + "\n")


def rows() -> list[dict[str, Any]]:
    lines = ROWS.read_text().splitlines() if ROWS.exists() else []
    return [json.loads(line) for line in lines]


def told(first: list[float], second: list[float]) -> str:
    rho = spearman(first, second)
    low, high = interval(rho, len(first))
    return f"{rho:.3f} ({low:.2f} to {high:.2f})"


def met(yes: bool) -> str:
    return "yes" if yes else "**no**"


def report(published: list[dict[str, str]], table: Path) -> None:
    with np.load(table) as data:
        accuracy = data["test_accuracy_200_epochs"].astype(float)
    by_index = {int(entry["arch_index"]): entry for entry in published}
    done = rows()
    truth = [accuracy[row["index"]] for row in done]
    print(f"{len(done)} of {len(published)} networks, torch {torch.__version__}\n")
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    for name, column in PUBLISHED.items():
        scores = [float(row["scores"][name]) for row in done]
        theirs = bar = known = near = ms = passes = "-"
        if column is not None:
            other = [float(by_index[row["index"]][column] or "nan") for row in done]
            there = [i for i, value in enumerate(other) if not np.isnan(value)]
            pairs = [(scores[i], other[i]) for i in there]
            rho = spearman(*zip(*pairs, strict=True))
            rho_known = spearman([other[i] for i in there], [truth[i] for i in there])
            theirs, known = told(*zip(*pairs, strict=True)), f"{rho_known:.3f}"
            bar = met(rho >= 0.90) if name in BARS else "-"
            near = met(abs(spearman(scores, truth) - rho_known) <= 0.04)
        if name in PROXIES:
            taken = [row["ms"][name] for row in done]
            share = np.median([row["ms"][name] / row["pass_ms"] for row in done])
            ms, passes = f"{np.mean(taken):.0f} ± {np.std(taken):.0f}", f"{share:.2f}"
            if name in ONE_PASS:
                passes += f", at most {PASSES}: {met(share <= PASSES)}"
        unscored = sum(np.isneginf(scores))
        print(
            f"| {name} | {theirs} | {bar} | {told(scores, truth)} | {known} | {near} | {ms} | "
            f"{passes} | {unscored} |"
        )
    votes = proxies.vote(
        *([row["scores"][name] for row in done] for name in ("synflow", "jacob_cov", "snip"))
    )
    print(f"| vote of synflow, jacob_cov and snip | - | - | {told(votes, truth)} |" + " - |" * 5)
    ms = [row["pass_ms"] for row in done]
    print(f"\nOne forward-backward pass of {BATCH}: {np.mean(ms):.0f} ± {np.std(ms):.0f} ms.")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scores", type=Path, help="zero_cost_nasbench201_cifar10.csv")
    parser.add_argument("images", type=Path, help="cifar10_1000.npz")
    parser.add_argument("table", type=Path, help="nasbench201_cifar10.npz")
    parser.add_argument("--networks", type=int, help="only so many, the first")
    parser.add_argument("--report", action="store_true", help="only print what there is")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with chosen.scores.open() as file:
        published = list(csv.DictReader(file))
    if not chosen.report:
        score_all(published[: chosen.networks], chosen.table, batch_of(chosen.images))
    report(published, chosen.table)


if __name__ == "__main__":
    main()
