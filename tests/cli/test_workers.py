"""``--workers``: real processes, the fewest that show what is to be shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import signal
import subprocess
import sys
from time import monotonic
from time import sleep
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
import pytest

from optuna_nas.study._heartbeat import WORKER
from optuna_nas.study._process import is_gone
from tests.cli.conftest import Ran


CODE = "from optuna_nas._cli import main; main()"
SEARCH = ("search", "flowers.csv", "--target", "kind", "--space", "mlp", "--workers", "2")


def trials() -> list[optuna.trial.FrozenTrial]:
    backend = JournalFileBackend("studies/flowers/study.journal")
    return optuna.load_study(study_name=None, storage=JournalStorage(backend)).trials


def test_workers_search_together_up_to_the_total(
    run: Callable[..., Ran], flowers_csv: Path
) -> None:
    ran = run(*SEARCH, "--trials", "5", "--epochs", "2", "--also", "parameters", "--json")
    assert ran.status == 0, ran.err
    assert "died" not in ran.err
    assert [trial.state for trial in trials()] == [TrialState.COMPLETE] * 5


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_ctrl_c_twice_leaves_no_worker_and_repeats_their_trials_next_time(
    tmp_path: Path, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, *SEARCH, "--epochs", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    journal, latest = Path("studies/flowers/study.journal"), monotonic() + 120
    while not (journal.exists() and journal.read_text().count(WORKER) == 2):
        assert process.poll() is None
        assert monotonic() < latest
        sleep(0.05)
    workers: list[dict[str, Any]] = [t.user_attrs[WORKER] for t in trials() if t.user_attrs]
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "Stopping after this network" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped. Saved: 0 networks. This goes on:" in err
    assert "Traceback" not in err
    assert all(is_gone(worker) for worker in workers)
    states = sorted(trial.state.name for trial in trials())
    assert states == ["FAIL"] * 2 + ["WAITING"] * 2
