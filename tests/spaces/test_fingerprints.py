"""Fingerprints of what we ship: of the params alone, and on NAS-Bench-201 the graph's."""

from __future__ import annotations

from itertools import permutations
from itertools import product
import random
from typing import Any

import optuna
import pytest
import torch
from torch import nn

from optuna_nas import build
from optuna_nas import fingerprint
from optuna_nas import SampledTrial
from optuna_nas import spaces
from optuna_nas.space import sketch
from optuna_nas.space._fingerprint import live_parameters


SMALL_DARTS: dict[str, Any] = {"channels": 2, "layers": 3, "nodes": 2, "in_channels": 1}
IMAGE = torch.randn(2, 1, 8, 8)

SPACES: dict[str, tuple[Any, Any]] = {
    "CNN": (spaces.CNN((1, 8, 8), 10), IMAGE),
    "DARTS": (spaces.DARTS(num_classes=3, **SMALL_DARTS), IMAGE),
    "from_dict": (
        spaces.from_dict({"width": [4, 8, 16]}, lambda chosen: nn.Linear(7, chosen["width"])),
        torch.randn(2, 7),
    ),
    "Hierarchical": (
        spaces.Hierarchical(3, channels=2, in_channels=1, levels=[(2, 2), (1, 3)]),
        IMAGE,
    ),
    "MLP": (spaces.MLP(7, 3), torch.randn(2, 7)),
    "MobileNet": (
        spaces.MobileNet(3, stages=[(8, 2), (16, 2)], in_channels=1, max_depth=2),
        IMAGE,
    ),
    "NASBench201": (spaces.NASBench201(3, 4, 1, 1), IMAGE),
    "RNN": (spaces.RNN(3, 5), torch.randn(2, 6, 3)),
    "Tabular": (spaces.Tabular(4, [3, 2, 20], 3), torch.ones(2, 7)),
    "Transformer": (spaces.Transformer((1, 8, 8), 10), IMAGE),
}


def drawn(network: Any, n: int) -> list[dict[str, Any]]:
    """Random params."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(n):
        trial = study.ask()
        sketch(network, SampledTrial(trial), "meta")
    return [trial.params for trial in study.trials]


def test_every_shipped_space_is_here() -> None:
    assert set(SPACES) == set(spaces.__all__)


@pytest.mark.parametrize("name", SPACES)
def test_it_follows_from_the_params_and_tells_sizes_apart(name: str) -> None:
    network, example = SPACES[name]
    shapes: dict[Any, Any] = {}
    found: dict[str, int] = {}
    sizes: set[int] = set()
    for params in drawn(network, 8):
        hashes = set()
        for seed in range(2):
            torch.manual_seed(seed)
            module = build(network, params)
            hashes.add(fingerprint(module, example, shapes=shapes))
        with torch.device("meta"):
            hashes.add(fingerprint(build(network, params), example))
        assert len(hashes) == 1
        live = live_parameters(module, example)
        assert found.setdefault(hashes.pop(), live) == live
        sizes.add(live)
    assert len(found) >= len(sizes) > 1


def test_a_rate_of_drop_path_counts() -> None:
    params = drawn(spaces.DARTS(**SMALL_DARTS), 1)[0]
    rates = (0.0, 0.1, 0.2)
    nets = [build(spaces.DARTS(**SMALL_DARTS, drop_path=p), params) for p in rates]
    assert len({fingerprint(net, IMAGE) for net in nets}) == 3


EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def cell(names: tuple[str, ...]) -> Any:
    """What a cell computes: nested sums, each a sorted tuple of (term, how often)."""

    def along(edge: int, value: Any) -> Any:
        name = names[edge]
        if not value or name == "none":
            return ()
        if name == "skip_connect":
            return value
        return (((name, edge if "conv" in name else None, value), 1),)

    def added(*values: Any) -> Any:
        counts: dict[Any, int] = {}
        for term, count in (one for value in values for one in value):
            counts[term] = counts.get(term, 0) + count
        return tuple(sorted(counts.items(), key=repr))

    first = ((("input", None, ()), 1),)
    second = along(0, first)
    third = added(along(1, first), along(2, second))
    return added(along(3, first), along(4, second), along(5, third))


def renamed(value: Any, names: dict[Any, Any]) -> Any:
    terms = (
        ((kind, names.get(edge), renamed(inner, names)), count)
        for (kind, edge, inner), count in value
    )
    return tuple(sorted(terms, key=repr))


def canonical(value: Any) -> str:
    """Equal for two cells if and only if some renaming of the convolutions makes them so."""
    edges = [edge for edge in range(6) if f", {edge}, (" in repr(value)]
    return min(
        repr(renamed(value, dict(zip(edges, order, strict=True))))
        for order in permutations(range(len(edges)))
    )


def test_on_nasbench201_classes_are_those_of_isomorphic_graphs() -> None:
    network, example = spaces.NASBench201(3, 2, 1, 1), torch.zeros(2, 1, 8, 8)
    names = [
        one for one in product(OPERATIONS, repeat=6) if sum("conv" in name for name in one) <= 4
    ]
    shapes: dict[Any, Any] = {}
    pairs = set()
    with torch.device("meta"):
        for chosen in random.Random(0).sample(names, 200):
            module = build(network, dict(zip(EDGES, chosen, strict=True)))
            pairs.add((fingerprint(module, example, shapes=shapes), canonical(cell(chosen))))
    assert len({found for found, _ in pairs}) == len({graph for _, graph in pairs}) == len(pairs)
    assert len(pairs) < 190


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",) * 2,
        (  # what node 1 computes goes nowhere
            "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
            "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
        ),
        (  # a convolution of nothing
            "|none~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|none~2|",
            "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
        ),
        (  # the same path by another node
            "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|",
            "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|",
        ),
    ],
)
def test_two_names_of_one_network_are_equal(first: str, second: str) -> None:
    network = spaces.NASBench201(10, 4, 2)
    one, other = (
        fingerprint(build(network, network.from_arch_string(name)), torch.zeros(2, 3, 8, 8))
        for name in (first, second)
    )
    assert one == other
