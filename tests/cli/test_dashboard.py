from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection
import json
import os
from pathlib import Path
import re
import signal
import socket
import subprocess
import sys
from typing import Any

import optuna
from optuna.trial import create_trial
import pytest

from optuna_nas import create_study
from optuna_nas import SampledTrial
from optuna_nas import spaces
from optuna_nas._cli._dashboard import _news
from optuna_nas._cli._dashboard_server import serving
from optuna_nas.study._remembered_network import remember_network
from optuna_nas.visualization import Dashboard
from tests.cli.conftest import Ran


COMMAND = "from optuna_nas._cli import main; main()"
NETWORK = spaces.MLP(in_features=4, out_features=2)


def searched(path: Path, n_trials: int = 2, name: str | None = None) -> optuna.Study:
    study = create_study(direction="maximize", storage=path, study_name=name, seed=0)
    remember_network(study, NETWORK)

    def objective(trial: optuna.Trial) -> float:
        NETWORK(SampledTrial(trial))
        return float(trial.number)

    study.optimize(objective, n_trials=n_trials)
    return study


def get(port: int, path: str, host: str | None = None) -> tuple[int, str, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={} if host is None else {"Host": host})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, response.getheader("Content-Type", ""), body


def test_the_command_serves_what_a_running_search_finds_until_it_is_stopped(
    tmp_path: Path,
) -> None:
    study = searched(tmp_path / "study.journal")
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "dashboard", ".", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
        # Tests that run in the background may have it ignored.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        assert lines[0] == "Drawings: artifacts\n"
        assert "which only this machine can. Ctrl-C ends it." in lines[1]
        assert lines[2] == "study, 2 trials: 2 drawings and 1 card more\n"
        found = re.search(r"http://127\.0\.0\.1:(\d+)/dashboard/studies/0", lines[1])
        assert found is not None
        port = int(found[1])
        searched_more = create_study(
            direction="maximize", storage=tmp_path / "study.journal", load_if_exists=True
        )
        trial = searched_more.ask()
        NETWORK(SampledTrial(trial))
        searched_more.tell(trial, 7.0)
        assert process.stdout.readline() == "study, 3 trials: 1 drawing and 2 cards more\n"
        told = json.loads(get(port, "/api/studies/0")[2])
        (artifact,) = told["trials"][2]["artifacts"]
        trial_id = study.trials[-1]._trial_id
        status, kind, body = get(port, f"/artifacts/0/{trial_id}/{artifact['artifact_id']}")
        assert (status, kind) == (200, "image/svg+xml")
        assert body.startswith(b"<svg")
        assert "the best so far" in told["trials"][2]["note"]["body"]
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "Stopped.\n"
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    storage = optuna.storages.InMemoryStorage()
    optuna.create_study(storage=storage)
    with serving(storage, tmp_path, 0) as port:
        yield port


def test_only_this_machine_is_served_and_only_by_its_own_name(port: int) -> None:
    assert get(port, "/api/studies")[0] == 200
    assert get(port, "/api/studies", f"localhost:{port}")[0] == 200
    status, _, body = get(port, "/api/studies", f"evil.example:{port}")
    assert status == 403
    assert body == b"Open this page as 127.0.0.1 or localhost."
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    for address in others - {"127.0.0.1", "::1"}:
        with socket.socket(socket.AF_INET6 if ":" in str(address) else socket.AF_INET) as other:
            if other.family == socket.AF_INET and not str(address).startswith("127."):
                assert other.connect_ex((address, port)) != 0


def test_a_port_that_is_taken_is_told(run: Callable[..., Ran], port: int, tmp_path: Path) -> None:
    searched(tmp_path / "study.journal")
    ran = run("dashboard", "study.journal", "--port", port)
    assert ran.status == 2
    assert f"port {port} is in use. Give another, or 0 for any: --port." in ran.err


def journal(path: Path) -> str:
    searched(path / "study.journal")
    return "study.journal"


def damaged(path: Path) -> str:
    file = path / journal(path)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:3], b"<html>\n", *lines[3:]]))
    return file.name


def empty(path: Path) -> str:
    (path / "empty.journal").touch()
    return "empty.journal"


def two(path: Path) -> str:
    searched(path / "two.journal", name="one")
    searched(path / "two.journal", name="other")
    return "two.journal"


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (lambda path: "no.journal", [], r"there is no study at no\.journal: that file is not"),
        (lambda path: "sqlite:///no.db", [], r"there is no study at no\.db: that file is not"),
        (lambda path: ".", [], r"there is no study in the folder \.: no \.journal file\. Of"),
        (empty, [], r"empty\.journal holds no study\."),
        (damaged, [], r"line 4 of study\.journal is no entry of a journal: '<html>"),
        (
            two,
            ["--study-name", "oter"],
            r"holds no study 'oter'\. Did you mean 'other'\?",
        ),
        (two, ["--network", "nets:Net"], r"--network is for one study, but .* holds 2: 'one', 'o"),
        (journal, ["--network", "Net"], r"--network must be module:function, as in nets:Net, not"),
        (
            journal,
            ["--network", "no_such:Net"],
            r"--network no_such:Net: module 'no_such' cannot be imp",
        ),
        (journal, ["--network", "nets:Nte"], r"no function or class 'Nte'\. Did you mean 'Net'\?"),
        (
            journal,
            ["--network", "nets:WIDTH"],
            r"module 'nets' has no function or class 'WIDTH'\.",
        ),
        (journal, ["--port", "70000"], r"--port must be between 0 and 65535, not 70000\."),
        (journal, ["--artifacts", "nets.py"], r"artifacts 'nets\.py' cannot be a folder: File ex"),
    ],
)
def test_bad_input_is_told_before_anything_is_served(
    make: Callable[[Path], str],
    arguments: list[str],
    message: str,
    run: Callable[..., Ran],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    (tmp_path / "nets.py").write_text("def Net(trial): ...\nWIDTH = 3\n")
    ran = run("dashboard", make(tmp_path), *arguments)
    assert ran.status == 2
    assert re.search(message, ran.err), ran.err


def test_optuna_dashboard_that_is_missing_is_told(
    run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal(tmp_path)
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    ran = run("dashboard", "study.journal")
    assert ran.status == 2
    assert 'Dashboard needs optuna_dashboard: pip install "optuna-nas[dashboard,plot]"' in ran.err


def stop(seconds: float) -> None:
    raise KeyboardInterrupt


def test_a_locked_journal_is_told(
    run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optuna_nas._cli._dashboard_journal.PATIENCE", 0.0)
    monkeypatch.setattr("optuna_nas._cli._dashboard._news", lambda *_: iter(()))
    monkeypatch.setattr("optuna_nas._cli._dashboard.sleep", stop)
    journal(tmp_path)
    Path("study.journal.lock").symlink_to("study.journal")
    ran = run("dashboard", "study.journal", "--port", 0)
    assert "study.journal is locked: another process writes, or died writing." in ran.out


def test_a_last_line_that_is_half_written_is_taken_away(
    run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optuna_nas._cli._dashboard._news", lambda *_: iter(()))
    monkeypatch.setattr("optuna_nas._cli._dashboard.sleep", stop)
    file = tmp_path / journal(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"op_code": 1, "wor')
    assert run("dashboard", "study.journal", "--port", 0).status == 0
    assert file.read_bytes() == whole


def test_a_study_that_is_not_ours_is_served_and_what_is_missing_told(
    run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optuna_nas._cli._dashboard.sleep", stop)
    storage = f"sqlite:///{tmp_path}/s.db"
    study = optuna.create_study(storage=storage, study_name="theirs")
    uniform = optuna.distributions.FloatDistribution(0, 1)
    study.add_trial(create_trial(params={"x": 0.5}, distributions={"x": uniform}, value=1.0))
    optuna.create_study(storage=storage, study_name="empty")
    ran = run("dashboard", storage, "--port", 0)
    assert (
        "theirs: the study does not say what its network is, so nothing can be drawn. Give "
        "it: --network module:function." in ran.out
    )
    assert "theirs, 1 trial: 0 drawings and 1 card more" in ran.out
    assert "empty: no trials yet." in ran.out
    assert f"Drawings: {tmp_path}/artifacts" in ran.out


def test_a_network_of_ones_own_is_imported_from_the_current_folder(
    run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optuna_nas._cli._dashboard.sleep", stop)
    (tmp_path / "own_net.py").write_text(
        "from torch import nn\n\n\n"
        "def net(trial):\n    return nn.Linear(4, trial.suggest_int('width', 1, 3))\n\n\n"
        "net.input_shape = (4,)\n"
    )
    study = create_study(direction="maximize", storage=tmp_path / "own.journal", seed=0)
    study.optimize(lambda trial: trial.suggest_int("width", 1, 3), n_trials=2)
    monkeypatch.setattr(sys, "path", [*sys.path])
    ran = run("dashboard", "own.journal", "--port", 0, "--network", "own_net:net")
    assert "own, 2 trials: 2 drawings and 1 card more" in ran.out
    del sys.modules["own_net"]


def test_a_study_that_is_deleted_or_cannot_be_written_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = searched(tmp_path / "study.journal")
    storage = study._storage

    def full(self: Dashboard, study: optuna.Study) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Dashboard, "update", full)
    boards = {"study": Dashboard(tmp_path)}
    told = r"study: nothing can be written: .*No space left"
    assert re.match(told, next(_news(storage, boards)))
    optuna.delete_study(study_name="study", storage=storage)
    assert list(_news(storage, boards)) == ["study: the study was deleted."]
