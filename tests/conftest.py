from __future__ import annotations

from collections.abc import Iterator
import itertools
import os
import random
from zlib import crc32

from hypothesis import settings
import numpy as np
from optuna.samplers._lazy_random_state import LazyRandomState
import pytest
import torch

from optuna_nas.samplers import _draw


SEED = os.environ.get("OPTUNA_NAS_TEST_SEED", "0")
"""Another one gives all that has no seed of its own other numbers: no test may need lucky ones."""

settings.register_profile("the same each time", deadline=None, derandomize=True, database=None)
settings.load_profile("the same each time")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks are quickest on one thread, and there the same bit for bit everywhere."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def seeded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no seed, weights and samplers too, has the same numbers in each run of a test."""
    seeds = itertools.count(crc32(f"{SEED} {request.node.nodeid}".encode()))

    def draw(bits: int = 32) -> int:
        return next(seeds) % 2**bits

    for seed in (torch.default_generator.manual_seed, random.seed, np.random.seed):
        seed(draw())
    monkeypatch.setattr(_draw.secrets, "randbits", draw)
    monkeypatch.setattr(
        LazyRandomState,
        "_set_rng",
        lambda lazy: setattr(lazy, "_rng", np.random.RandomState(draw())),
    )
