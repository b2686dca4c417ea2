from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from tests.cli.conftest import Ran


Run = Callable[..., Ran]
KINDS = ("search", "flowers.csv", "--target", "kind", "--space", "mlp", "--warm-start", "darts")

OWN = """
from torch import nn

def net(trial):
    width = trial.suggest_int("width", 2, 8)
    return nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, 2))
"""


def origins() -> list[str | None]:
    storage = JournalStorage(JournalFileBackend("studies/flowers/study.journal"))
    study = optuna.load_study(study_name="flowers", storage=storage)
    return [trial.user_attrs.get("origin") for trial in study.trials]


def test_a_search_begins_by_hand_then_with_what_darts_proposes(
    run: Run, flowers_csv: Path
) -> None:
    assert run(*KINDS, "--epochs", "1", "--trials", "3").status == 0
    assert origins()[:3] == ["default", "darts", "darts"]
    run(*KINDS, "--epochs", "1", "--trials", "8")
    told = [origin for origin in origins() if origin is not None]
    assert told == ["default", *["darts"] * 5]


def test_a_space_without_decisions_for_gradients_is_refused(run: Run, flowers_csv: Path) -> None:
    Path("own_for_darts.py").write_text(OWN)
    ran = run(*KINDS, "--space", "own_for_darts:net")
    assert ran.err.startswith("error: --warm-start darts is not for --space own_for_darts:net: ")
    assert ran.status == 2
    assert not Path("studies").exists()
