from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import json
import os
from pathlib import Path
import shutil
import sys
from types import SimpleNamespace
from typing import Any

import optuna
from optuna.artifacts import FileSystemArtifactStore
from optuna_dashboard import get_note
from optuna_dashboard import save_note
from optuna_dashboard._custom_plot_data import list_graph_object_ids
from optuna_dashboard.artifact._backend import list_trial_artifacts
import pytest
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import SampledTrial
from optuna_nas import spaces
from optuna_nas.visualization import Dashboard
from optuna_nas.visualization._card_notes import save_card


NETWORK = spaces.MLP(in_features=4, out_features=2)


def score(module: nn.Module, trial: Any) -> float:
    """Better with each trial, and with a curve."""
    for step in range(1, 3):
        trial.report(trial.number + 0.1 * step, step)
    return float(trial.number)


def searched(
    storage: Any = None, n_trials: int = 3, network: Any = NETWORK, **given: Any
) -> optuna.Study:
    study = create_study(
        directions=["maximize", "minimize"], storage=storage, seed=0, pruner=None, **given
    )
    objective = Objective(network, score, metrics.Parameters(), example=torch.zeros(2, 4))
    study.optimize(objective, n_trials=n_trials)
    return study


def artifacts(study: optuna.Study, number: int) -> list[Any]:
    attrs = study._storage.get_study_system_attrs(study._study_id)
    trial = study.trials[number]
    return list_trial_artifacts(attrs, trial.system_attrs, trial)


def note(study: optuna.Study, number: int) -> str:
    return str(get_note(noted(study, number)))


def noted(study: optuna.Study, number: int) -> Any:
    """What the dashboard asks of a trial, to read or write its note."""
    trial_id = study.trials[number]._trial_id
    return SimpleNamespace(storage=study._storage, study=study, _trial_id=trial_id)


def plots(study: optuna.Study) -> list[str]:
    return list_graph_object_ids(study._storage.get_study_system_attrs(study._study_id))


@pytest.fixture(params=["memory", "journal", "sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "postgresql":
        url = os.environ.get("OPTUNA_NAS_POSTGRESQL")
        if url is None:
            pytest.skip("OPTUNA_NAS_POSTGRESQL names no server")
        yield url
        for name in optuna.get_all_study_names(url):
            if name.startswith("dashboard test"):
                optuna.delete_study(study_name=name, storage=url)
    else:
        paths = {"journal": tmp_path / "s.journal", "sqlite": f"sqlite:///{tmp_path}/s.db"}
        yield paths.get(request.param)


def test_trials_get_drawings_those_on_the_front_cards_and_the_study_plots(
    storage: Any, tmp_path: Path
) -> None:
    study = searched(storage, study_name="dashboard test")
    made = Dashboard(tmp_path / "artifacts").update(study)
    assert (made.drawings, made.missing) == (3, {})
    for number in range(3):
        (artifact,) = artifacts(study, number)
        assert artifact["mimetype"] == "image/svg+xml"
        svg = (tmp_path / "artifacts" / artifact["artifact_id"]).read_text()
        assert svg.startswith("<svg")
        assert f"trial {number}" in svg
    on_front = {trial.number for trial in study.best_trials}
    assert made.cards == len(on_front)
    assert {number for number in range(3) if note(study, number)} == on_front
    (artifact,) = artifacts(study, 2)
    assert f"/{artifact['artifact_id']})" in note(study, 2)
    assert "optuna_nas.spaces.MLP(in_features=4, out_features=2)" in note(study, 2)
    assert "rungs-0" in plots(study)


def test_what_is_there_is_not_made_again_by_this_process_or_another(tmp_path: Path) -> None:
    study = searched(tmp_path / "s.journal")
    dashboard = Dashboard(tmp_path)
    dashboard.update(study)
    for again in (dashboard, Dashboard(tmp_path)):
        made = again.update(study)
        assert (made.drawings, made.cards) == (0, 0)


def test_a_trial_that_is_beaten_loses_its_card(tmp_path: Path) -> None:
    study = create_study(direction="maximize", seed=0, pruner=None)
    objective = Objective(NETWORK, score, example=torch.zeros(2, 4))
    study.optimize(objective, n_trials=1)
    Dashboard(tmp_path).update(study)
    assert "the best so far" in note(study, 0)
    study.optimize(objective, n_trials=1)
    assert Dashboard(tmp_path).update(study).cards == 2
    assert note(study, 0) == ""
    assert "the best so far" in note(study, 1)


def test_a_note_that_somebody_wrote_or_changed_stays(tmp_path: Path) -> None:
    study = searched(n_trials=1)
    assert save_card(study, study.trials[0], "ours")
    changed = note(study, 0).replace("ours", "mine")
    save_note(noted(study, 0), changed)
    assert Dashboard(tmp_path).update(study).cards == 0
    assert note(study, 0) == changed


def test_a_drawing_whose_file_is_gone_is_drawn_again(tmp_path: Path) -> None:
    study, folder = searched(), tmp_path / "artifacts"
    dashboard = Dashboard(folder)
    dashboard.update(study)
    shutil.rmtree(folder)
    assert dashboard.update(study).drawings == 3
    assert len(list(folder.iterdir())) == 3
    assert len(artifacts(study, 0)) == 1


def test_a_drawing_that_the_user_took_away_stays_away(tmp_path: Path) -> None:
    study = searched()
    Dashboard(tmp_path).update(study)
    (artifact,) = artifacts(study, 0)
    trial_id = study.trials[0]._trial_id
    key = f"dashboard:artifacts:{trial_id}:{artifact['artifact_id']}"
    study._storage.set_study_system_attr(study._study_id, key, json.dumps(None))
    assert Dashboard(tmp_path).update(study).drawings == 0


def test_an_artifact_store_of_ones_own_is_taken(tmp_path: Path) -> None:
    study = searched()
    assert Dashboard(FileSystemArtifactStore(tmp_path)).update(study).drawings == 3


def own(trial: Any) -> nn.Module:
    return nn.Linear(4, trial.suggest_int("width", 1, 3))


def test_a_network_of_ones_own_is_drawn_if_it_is_given(tmp_path: Path) -> None:
    study = searched(network=own)
    missing = Dashboard(tmp_path).update(study).missing
    assert missing == {None: "the study does not say what its network is, so nothing can be drawn"}
    assert note(study, study.best_trials[0].number)  # with no drawing
    made = Dashboard(tmp_path, own).update(study)
    assert (made.drawings, made.missing) == (3, {})
    assert "![" in note(study, study.best_trials[0].number)


def test_a_study_of_somebody_elses_has_cards_and_says_what_cannot_be_drawn(tmp_path: Path) -> None:
    study = optuna.create_study()
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    made = Dashboard(tmp_path, own, example=torch.zeros(2, 4)).update(study)
    assert (made.drawings, made.cards) == (0, 1)
    assert "params do not fit the network: missing 'width'" in made.missing[0]
    assert "- x **" in note(study, study.best_trial.number)


def test_an_empty_study_has_nothing_to_show_and_is_no_error(tmp_path: Path) -> None:
    made = Dashboard(tmp_path).update(create_study(direction="maximize", seed=0))
    assert (made.drawings, made.cards) == (0, 0)


def test_failed_running_and_rejected_trials_do_no_harm(tmp_path: Path) -> None:
    def picky(module: nn.Module, trial: Any) -> float:
        if trial.number == 0:
            return float("nan")
        if trial.number == 1:
            raise ArithmeticError
        return 1.0

    study = create_study(direction="maximize", seed=0, pruner=None)
    objective = Objective(NETWORK, picky, example=torch.zeros(2, 4))
    study.optimize(objective, n_trials=3, catch=(ArithmeticError,))
    study.ask()
    made = Dashboard(tmp_path).update(study)
    assert (made.drawings, made.cards, made.missing) == (2, 1, {})


def test_as_a_callback_it_works_no_longer_than_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock of our own, on which a trial takes 100 s and a piece of work 3 s."""
    clock = [0.0]
    module = "optuna_nas.visualization._dashboard_page"
    monkeypatch.setattr(f"{module}.perf_counter", lambda: clock[0])
    pieces = Dashboard._pieces

    def slow(self: Dashboard, study: optuna.Study) -> Iterator[str]:
        for piece in pieces(self, study):
            clock[0] += 3.0
            yield piece

    monkeypatch.setattr(Dashboard, "_pieces", slow)
    study = create_study(direction="maximize", seed=0, pruner=None)

    def objective(trial: optuna.Trial) -> float:
        clock[0] += 100.0
        NETWORK(SampledTrial(trial))
        return float(trial.number)

    dashboard = Dashboard(tmp_path, NETWORK, share=0.02)
    study.optimize(objective, n_trials=20, callbacks=[dashboard])
    assert 0.018 <= clock[0] / 2000 - 1 <= 0.0215
    assert 8 < len(list(tmp_path.iterdir())) < 20
    assert dashboard.update(study).drawings > 0
    assert len(list(tmp_path.iterdir())) == 20


def test_as_a_callback_it_ends_no_search_when_the_disk_is_full(
    tmp_path: Path,
) -> None:
    class Full(FileSystemArtifactStore):
        def write(self, artifact_id: str, content_body: Any) -> None:
            raise OSError(28, "No space left on device")

    study = searched()
    dashboard = Dashboard(Full(tmp_path), share=0.99)
    message = r"Dashboard could not write \(.*No space left on device\), and stops; the search go"
    with pytest.warns(UserWarning, match=message):
        dashboard(study, study.trials[-1])
    dashboard(study, study.trials[-1])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda path: Dashboard(3), TypeError, r"artifacts must be a folder .* but is 3 \(int\)"),
        (
            lambda path: Dashboard(path / "file"),
            ValueError,
            r"artifacts '.*file' cannot be a folder: File exists\. Give another",
        ),
        (lambda path: Dashboard(path, share=0), ValueError, r"share must be between 0 and 1, but"),
    ],
)
def test_bad_arguments_are_told(
    make: Callable[[Path], Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(error, match=message):
        make(tmp_path)


@pytest.mark.parametrize("missing", ["optuna_dashboard", "plotly"])
def test_a_package_that_is_missing_is_told_before_the_search(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    message = rf'Dashboard needs {missing}: pip install "optuna-nas\[dashboard,plot\]"'
    with pytest.raises(ImportError, match=message):
        Dashboard(tmp_path)


def test_markup_in_the_name_of_a_study_is_text_in_the_drawing(tmp_path: Path) -> None:
    study = searched(n_trials=1, study_name="</text><script>alert(1)</script>")
    Dashboard(tmp_path).update(study)
    (file,) = tmp_path.iterdir()
    assert "<script" not in file.read_text()
    assert "&lt;script&gt;" in file.read_text()


def test_plots_are_saved_seldom_while_a_search_runs_and_once_when_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves = []
    monkeypatch.setattr(
        "optuna_nas.visualization._dashboard_page.save_plots",
        lambda study: saves.append(len(study.trials)),
    )
    study = create_study(direction="maximize", seed=0)
    dashboard = Dashboard(tmp_path)
    for value in range(12):
        trial = study.ask()
        dashboard.update(study)
        study.tell(trial, value)
    dashboard.update(study)
    dashboard.update(study)
    assert saves == [2, 3, 4, 5, 7, 9, 12, 12]
