from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
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
import typer

from optuna_nas._cli._errors import told
from optuna_nas._cli._interrupt import interruptible
from optuna_nas.study._heartbeat import WORKER
from optuna_nas.visualization._so_far import plural


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")

CODE = "from optuna_nas._cli import main; main()"


@pytest.fixture
def begin(tmp_path: Path, flowers_csv: Path) -> Iterator[Callable[[int], subprocess.Popen[str]]]:
    """Begins a search, and waits until a trial of it is running."""
    processes = []

    def start(epochs: int) -> subprocess.Popen[str]:
        command = ["search", "flowers.csv", "--target", "kind", "--space", "mlp"]
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, *command, "--trials", "500", "--epochs", str(epochs)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        journal, latest = tmp_path / "studies/flowers/study.journal", monotonic() + 60
        while not (journal.exists() and WORKER in journal.read_text()):
            assert process.poll() is None
            assert monotonic() < latest
            sleep(0.05)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def states(folder: Path) -> list[TrialState]:
    backend = JournalFileBackend(str(folder / "studies/flowers/study.journal"))
    study = optuna.load_study(study_name=None, storage=JournalStorage(backend))
    return [trial.state for trial in study.trials]


def test_a_first_ctrl_c_finishes_the_running_network(
    tmp_path: Path, begin: Callable[[int], subprocess.Popen[str]]
) -> None:
    process = begin(2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopping after this network; Ctrl-C again stops now." in err
    saved = len(states(tmp_path))
    assert err.endswith(
        f"Stopped. Saved: {plural(saved, 'network')}. This goes on:\n"
        "  optuna-nas search flowers.csv --target kind --space mlp --trials 500 --epochs 2\n"
    )
    assert out == ""
    assert set(states(tmp_path)) <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert 0 < len(states(tmp_path)) < 500


def test_a_second_ctrl_c_stops_at_once(
    tmp_path: Path, begin: Callable[[int], subprocess.Popen[str]]
) -> None:
    process = begin(1_000_000)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "Stopping after this network" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped. Saved: 0 networks. This goes on:" in err
    assert out == ""
    assert states(tmp_path) == [TrialState.FAIL]


def search_within(module: str, presses: int) -> list[str]:
    """What goes on after Ctrl-C has met a function of a module, which takes a moment to end."""
    told: list[str] = []
    press = partial(signal.raise_signal, signal.SIGINT)  # has no frame of its own
    space: dict[str, Any] = {"__name__": module, "press": press, "sleep": sleep, "told": told}
    code = f"def work():\n for _ in range({presses}): press()\n sleep(0.2)\n told.append('ended')"
    exec(code, space)

    def search() -> None:
        with interruptible(optuna.create_study()):
            space["work"]()
            sleep(60)
            told.append("too late")

    with pytest.raises(KeyboardInterrupt):
        search()
    return told


@pytest.mark.parametrize("module", ["optuna.storages.journal._file", "optuna_nas.study._optimize"])
def test_a_second_ctrl_c_waits_until_a_storage_has_all_and_a_trial_runs(
    module: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert search_within(module, presses=2) == ["ended"]
    assert "Stopping after this network; Ctrl-C again stops now.\n" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_second_ctrl_c_does_not_wait_for_training() -> None:
    assert search_within("torch.nn.functional", presses=2) == []


def test_a_third_ctrl_c_waits_for_nothing() -> None:
    assert search_within("optuna.storages", presses=3) == []


def test_ctrl_c_before_a_search_has_begun_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), told():
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "Stopped.\n"
