"""How well does a latency table rank networks that it has not seen?

    python studies/latency_table/run.py [--space nasbench201] [--seeds 3] [--networks 100]

Draws networks of a space and measures each a few times, in rounds, so that what else the machine
does falls on all of them. Then, for each seed, learns a table on other networks and predicts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
import os
from statistics import mean
from statistics import median
from statistics import stdev
import time

import optuna
import torch
from torch import nn

from optuna_nas import spaces
from optuna_nas.metrics import Flops
from optuna_nas.metrics import Latency
from optuna_nas.metrics import LatencyTable
from optuna_nas.metrics import Metric
from optuna_nas.metrics import Parameters
from optuna_nas.metrics._blocks import blocks_of
from optuna_nas.metrics._latency_fit import interval
from optuna_nas.metrics._latency_fit import spearman
from optuna_nas.space import Network
from optuna_nas.space import SampledTrial


SPACES: dict[str, Network] = {
    "nasbench201": spaces.NASBench201(),
    "mobilenet": spaces.MobileNet(),
    "cnn": spaces.CNN(input_shape=(3, 32, 32), num_classes=10),
}
EXAMPLE = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
TEST_SEED = 10_000


@dataclass(frozen=True)
class Test:
    """The networks to predict, and what they took in each round."""

    networks: Sequence[nn.Module]
    blocks: Sequence[list[str]]
    rounds: Sequence[list[float]]

    @property
    def truth(self) -> list[float]:
        return [median(times) for times in zip(*self.rounds, strict=True)]


@dataclass(frozen=True)
class Learned:
    """What a table says of them, as it is and as a plain sum, and what it cost."""

    rho: float
    off: float
    plain_rho: float
    plain_off: float
    seconds: float
    blocks: int
    met: int


def drawn(space: Network, n: int, seed: int, without: set[str]) -> list[nn.Module]:
    """So many different networks, none of them among those of ``without``; adds them there."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    networks: list[nn.Module] = []
    while len(networks) < n:
        trial = study.ask()
        network = space(SampledTrial(trial))
        if str(trial.params) not in without:
            without.add(str(trial.params))
            networks.append(network)
    return networks


def measured(networks: Sequence[nn.Module], latency: Latency, rounds: int) -> list[list[float]]:
    """Milliseconds, by round and network."""
    times = []
    for i in range(rounds):
        order = torch.randperm(len(networks), generator=torch.Generator().manual_seed(i)).tolist()
        ms = {j: latency.measure(networks[j]) for j in order}
        times.append([ms[j] for j in range(len(networks))])
        print(f"round {i + 1} of {rounds}, load {load()}", flush=True)
    return times


def load() -> str:
    return ", ".join(f"{x:.1f}" for x in os.getloadavg())


def predicted(metric: Metric, networks: Sequence[nn.Module]) -> list[float]:
    return [metric.measure(network) for network in networks]


def off(prediction: Sequence[float], truth: Sequence[float]) -> float:
    return median(abs(p - t) / t for p, t in zip(prediction, truth, strict=True))


def row(name: str, rhos: Sequence[float], offs: Sequence[float], n: int) -> str:
    low, high = interval(mean(rhos), n)
    spread = f" +- {stdev(rhos):.3f}" if len(rhos) > 1 else " " * 9
    error = f"{mean(offs):.1%}" if offs else "-"
    return f"{name:20} {mean(rhos):.3f}{spread}   {low:.3f} to {high:.3f}   {error:>8}"


def learned(others: Sequence[nn.Module], test: Test, latency: Latency) -> Learned:
    """What a table of other networks says of the test's."""
    began = time.perf_counter()
    table = LatencyTable.learn(others, latency)
    seconds, blocks = time.perf_counter() - began, len(table.blocks)
    prediction = predicted(table, test.networks)
    plain = [sum(table.blocks[block] for block in called) for called in test.blocks]
    print(f"{table}, load {load()}", flush=True)
    return Learned(
        rho=spearman(prediction, test.truth),
        off=off(prediction, test.truth),
        plain_rho=spearman(plain, test.truth),
        plain_off=off(plain, test.truth),
        seconds=seconds,
        blocks=blocks,
        met=len(table.blocks) - blocks,
    )


def report(test: Test, tables: Sequence[Learned]) -> None:
    n, rounds = len(test.networks), test.rounds
    rhos = [t.rho for t in tables]
    print(f"\n{n} networks of {min(test.truth):.2f} to {max(test.truth):.2f} ms")
    print("                     Spearman          95 % interval   half within")
    print(row("latency table", rhos, [t.off for t in tables], n))
    print(row("plain sum", [t.plain_rho for t in tables], [t.plain_off for t in tables], n))
    for metric in (Flops(EXAMPLE), Parameters()):
        print(row(metric.name, [spearman(predicted(metric, test.networks), test.truth)], [], n))
    if len(rounds) > 1:
        pairs = list(combinations(rounds, 2))
        again = [spearman(a, b) for a, b in pairs], [off(a, b) for a, b in pairs]
        print(row("measured again", *again, n))
    print(f"learning: {mean(t.seconds for t in tables):.0f} s", end=", ")
    print("blocks, and those met later:", *(f"{t.blocks}+{t.met}" for t in tables))
    print(f"goal, Spearman of 0.95: {'met' if mean(rhos) >= 0.95 else 'missed'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", choices=SPACES, default="nasbench201")
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--learn", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    began = time.perf_counter()
    print(f"{options.space}, torch {torch.__version__}, 1 thread, {os.cpu_count()} cores")

    space, taken = SPACES[options.space], set[str]()
    networks = drawn(space, options.networks, TEST_SEED, taken)
    latency = Latency(EXAMPLE, repeats=20, time_limit=0.6)
    rounds = measured(networks, latency, options.rounds)
    blocks = [blocks_of(network.eval(), [EXAMPLE]) for network in networks]
    test = Test(networks, blocks, rounds)
    tables = [
        learned(drawn(space, options.learn, seed, set(taken)), test, latency)
        for seed in range(options.seeds)
    ]
    report(test, tables)
    print(f"{time.perf_counter() - began:.0f} s in all, load {load()}")


if __name__ == "__main__":
    main()
