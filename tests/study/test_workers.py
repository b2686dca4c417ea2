"""Workers that open one study at the same moment, each in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
import torch

from optuna_nas.study import create_study
from optuna_nas.study import open_storage
from optuna_nas.study import seeded
from optuna_nas.study._seeds import SEED


WORKERS = 3


@pytest.fixture(scope="module")
def workers() -> Iterator[tuple[ProcessPoolExecutor, Any]]:
    context = get_context("spawn")
    with context.Manager() as manager:
        barrier = manager.Barrier(WORKERS)
        with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
            yield pool, barrier


def first_proposal(
    storage: str, sampler: str, seed: int | None, barrier: Barrier
) -> tuple[int, dict[str, float]]:
    """Opens the study together with the others; what it was given as a seed and proposes."""
    open_storage(storage)
    barrier.wait(60)
    study = create_study(
        sampler=sampler, storage=storage, study_name="s", load_if_exists=True, seed=seed
    )
    trial = study.ask()
    for name in "xy":
        trial.suggest_float(name, 0, 1)
    return study.user_attrs[SEED], trial.params


@pytest.mark.parametrize("seed", [0, None])
@pytest.mark.parametrize("sampler", ["tpe", "regularized_evolution"])
@pytest.mark.parametrize("storage", ["sqlite:///{}/s.db", "{}/s.journal"])
def test_no_two_propose_the_same_and_all_have_one_seed(
    storage: str, sampler: str, seed: int | None, tmp_path: Path, workers: Any
) -> None:
    pool, barrier = workers
    where = storage.format(tmp_path)
    if "://" in where:  # where tables are made at the same moment, Optuna fails
        create_study(storage=where)
    begun = [pool.submit(first_proposal, where, sampler, seed, barrier) for _ in range(WORKERS)]
    seeds, proposals = zip(*(future.result() for future in begun), strict=True)
    assert len({proposal["x"] for proposal in proposals}) == WORKERS
    assert len(set(seeds)) == 1
    assert seed in (seeds[0], None)


def test_only_the_first_of_optunas_samplers_follows_from_the_seed(tmp_path: Path) -> None:
    def drawn(name: str) -> list[float]:
        path = tmp_path / f"{name}.journal"
        studies = [
            create_study(sampler="tpe", storage=path, load_if_exists=True, seed=5)
            for _ in range(2)
        ]
        return [study.ask().suggest_float("x", 0, 1) for study in studies]

    (first, second), (again, other) = drawn("a"), drawn("b")
    assert first == again
    assert len({first, second, other}) == 3


def test_a_block_that_is_seeded_leaves_the_generator_as_it_was() -> None:
    before = torch.get_rng_state()
    with seeded(3):
        first = torch.rand(2)
    assert torch.equal(torch.get_rng_state(), before)
    with seeded(3):
        assert torch.equal(torch.rand(2), first)


def test_seeding_opens_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*arguments: Any) -> None:
        raise AssertionError("a GPU was opened")

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "get_rng_state", opened)
    with seeded(0):
        assert np.isfinite(torch.rand(1).item())
