from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optuna_nas._cli import _export
from optuna_nas._cli import _search
from tests.cli.conftest import flowers
from tests.cli.conftest import HEADER
from tests.cli.conftest import Ran
from tests.cli.conftest import write_csv


Run = Callable[..., Ran]
KINDS = ("search", "flowers.csv", "--target", "kind", "--space", "mlp", "--epochs", "2")


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be exported: a module, its params and where to."""
    found: list[Any] = []

    def save(setup: Any, module: Any, params: Any, path: Any, scores: Any, **how: Any) -> None:
        found.append((module, params, path, scores, how))

    monkeypatch.setattr(_export, "save_model", save)
    return found


def test_the_winner_is_the_same_network_as_at_the_end_of_the_search(
    run: Run, flowers_csv: Path, saved: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = []
    monkeypatch.setattr(_search, "save_model", lambda _, module, *a, **o: modules.append(module))
    run(*KINDS, "--trials", "2")
    ran = run("export", "studies/flowers", "--to", "out")
    assert (ran.status, ran.raw) == (0, "out\n")
    assert ran.err.count(" again: 3 of 3, mean accuracy ") == 2
    ((module, _, path, scores, how),) = saved
    assert (path, how) == (Path("out"), {"overwrite": False})
    assert list(scores) == ["test accuracy"]
    state = module.state_dict()
    assert all((state[name] == value).all() for name, value in modules[0].state_dict().items())


def test_any_network_of_the_search_can_be_exported(
    run: Run, flowers_csv: Path, saved: list[Any]
) -> None:
    run(*KINDS, "--trials", "2", "--sampler", "random", "--out", "here")
    run("export", "here", "--to", "out", "--trial", "1")
    run("export", "here/study.journal", "--to", "out", "--trial", "1")
    assert len(saved) == 2
    for wrong, message in (
        (["here", "--to", "out", "--trial", "2"], "--trial must be at most 1, the last network of "
         "the study, not 2."),
        (["here", "--to", "here"], "--to here is there already. Give another, or --overwrite."),
        (["here/control.journal", "--to", "out"], "here/control.journal is random search beside a "
         "search, and its networks are not exported. For one of the search: here."),
        (["nowhere", "--to", "out"], "nowhere is not the folder of a search: it has no "
         "search.toml."),
    ):  # fmt: skip
        ran = run("export", *wrong)
        assert (ran.err, ran.status) == (f"error: {message}", 2)


def test_other_data_than_those_of_the_search_are_refused(
    run: Run, flowers_csv: Path, saved: list[Any]
) -> None:
    run(*KINDS, "--trials", "1")
    write_csv(Path("flowers.csv"), HEADER, flowers(90))
    ran = run("export", "studies/flowers", "--to", "out")
    assert "belongs to another search: data was flowers.csv (" in ran.err
    assert ran.status == 2
    assert saved == []


def test_a_network_that_was_rejected_is_refused(
    run: Run, flowers_csv: Path, saved: list[Any]
) -> None:
    run(*KINDS, "--trials", "5", "--limit", "parameters=1500", "--sampler", "random")
    ran = run("export", "studies/flowers", "--to", "out", "--trial", "0")
    assert ran.err.startswith("error: --trial 0 was not trained: breaks parameters <= 1500 (by ")
    assert ran.status == 2
