from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import IntDistribution
import pytest

from optuna_nas import create_study
from optuna_nas._cli import _files
from optuna_nas._cli import _search
from tests.cli.conftest import Ran


Run = Callable[..., Ran]
MARKUP = '<img src=x onerror="document.title=1"><script>document.title=1</script>[a](/x) `b` |'


def searched(path: str, name: str = "mine", values: tuple[float, ...] = (0.5, 0.7)) -> None:
    """A study of a few trials, as anybody may have run it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    study = create_study(direction="maximize", storage=path, study_name=name, seed=0)
    for i, value in enumerate(values):
        params = {"depth": i}
        distributions: Any = {"depth": IntDistribution(0, 9)}
        trial = optuna.create_trial(value=value, params=params, distributions=distributions)
        study.add_trial(trial)


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots take most of the time of a report."""
    monkeypatch.setitem(__import__("sys").modules, "plotly.graph_objects", None)


def test_a_search_ends_with_a_report_of_all_it_knows(
    run: Run, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_search, "save_report", _files.save_report)
    search = ("search", "flowers.csv", "--target", "kind", "--space", "mlp", "--control")
    ran = run(*search, "--trials", "2", "--epochs", "1", "--also", "parameters")
    assert ran.status == 0, ran.err
    assert "Report studies/flowers/report.html" in ran.out
    page = Path("studies/flowers/report.html").read_text()
    for told in (
        "optuna-nas search flowers.csv --target kind",
        "60 to train on, 20 to choose by, 20 for the final test",
        "random search",
        "scikit-learn&#x27;s MLPClassifier",
        ", the winner of the finalists: accuracy",
        "Random search had the same data, split, search space and training.",
        "Command, data, options, seed, versions and machine are above.",
    ):
        assert told in page
    assert "The study does not keep" not in page

    Path("studies/flowers/report.html").unlink()
    ran = run("report", "studies/flowers")  # finds the same beside the study
    assert ran.raw == "studies/flowers/report.html\n"
    again = Path("studies/flowers/report.html").read_text()
    assert [len(text.split("<h2>")) for text in (page, again)] == [11, 11]
    assert "optuna-nas search flowers.csv --target kind" in again
    assert "Random search had the same data" in again


def test_a_report_of_any_study_is_written_where_asked(run: Run, no_plots: None) -> None:
    searched("sqlite:///study.db")
    assert run("report", "sqlite:///study.db").raw == "report.html\n"
    ran = run("report", "sqlite:///study.db", "--out", "mine.md")
    assert ran.raw == "mine.md\n"
    assert "trial 1 is the best: value 0 0.7" in Path("mine.md").read_text()


def test_random_search_and_repeats_may_lie_anywhere(run: Run, no_plots: None) -> None:
    for i in range(3):
        searched(f"run{i}.journal")
        searched(f"random{i}.journal", values=(0.1, 0.2))
    others = [f"--repeat=run{i}.journal" for i in (1, 2)]
    others += [f"--control=random{i}.journal" for i in range(3)]
    run("report", "run0.journal", *others)
    page = Path("report.html").read_text()
    assert "This search is not shown to be better than random search" in page
    assert "permutation test of 3 against 3 runs" in page


def test_a_network_of_ones_own_is_imported_from_the_current_folder_and_drawn(
    run: Run, no_plots: None
) -> None:
    Path("drawn.py").write_text(
        "from torch import nn\n\n\ndef net(trial):\n"
        "    blocks = range(trial.suggest_int('depth', 0, 9))\n"
        "    return nn.Sequential(nn.Linear(4, 2), *(nn.ReLU() for _ in blocks))\n\n\n"
        "net.input_shape = (4,)\n"
    )
    searched("study.journal")
    ran = run("report", "study.journal", "--network", "drawn:net")
    assert ran.status == 0, ran.err
    assert "Trial 1, the best: value 0 0.7" in Path("report.html").read_text()


def test_a_result_of_another_study_is_left_alone(run: Run, no_plots: None) -> None:
    searched("study.journal")
    Path("result.json").write_text(json.dumps({"study": {"name": "other"}, "command": "other"}))
    assert run("report", "study.journal").status == 0
    assert "The study does not keep the command" in Path("report.html").read_text()


def test_a_journal_that_ends_in_half_a_line_is_reported_as_far_as_it_is_whole(
    run: Run, no_plots: None
) -> None:
    searched("study.journal")
    whole = Path("study.journal").read_text()
    Path("study.journal").write_text(whole[:-20])
    assert run("report", "study.journal").status == 0
    assert "trial 0 is the best: value 0 0.5" in Path("report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.journal"], r"there is no study at none.journal: that file is not there."),
        (["study.journal", "--study-name", "other"], "holds no study 'other'"),
        (["odd.journal"], "line 2 of odd.journal is no entry of a journal"),
        (["empty.journal"], "empty.journal holds no study."),
        (["study.journal", "--out", "report.pdf"], "path must end in .html or .md, but is 'rep"),
        (["study.journal", "--out", "none/report.html"], "is in no folder that is there"),
        (["study.journal", "--out", "folder.html"], "is a folder; give the name of a file."),
        (["study.journal", "--network", "no_such:Net"], "module 'no_such' cannot be imported"),
        (["study.journal", "--control", "none.journal"], "there is no study at none.journal"),
        (["study.journal", "--control", "least.journal"], "they cannot stand in one report"),
        (["broken/study.journal"], "broken/result.json cannot be read: Expecting"),
    ],
)
def test_what_cannot_be_reported_is_said_in_a_line_and_nothing_written(
    arguments: list[str], message: str, run: Run, no_plots: None
) -> None:
    searched("study.journal")
    searched("broken/study.journal")
    Path("broken/result.json").write_text("{")
    whole = Path("study.journal").read_text()
    Path("odd.journal").write_text(whole.replace("\n", "\nodd\n", 1))
    Path("empty.journal").touch()
    Path("folder.html").mkdir()
    create_study(direction="minimize", storage="least.journal", study_name="l")
    before = set(Path().rglob("*"))
    ran = run("report", *arguments)
    assert ran.status == 2
    assert ran.err.startswith("error: ")
    assert message in ran.err
    assert set(Path().rglob("*")) == before


def test_a_disk_that_is_full_is_said_and_leaves_nothing(
    run: Run, no_plots: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    searched("study.journal")
    before = set(Path().rglob("*"))
    monkeypatch.setattr("optuna_nas.visualization._report.os.replace", full)
    ran = run("report", "study.journal")
    assert ran.status == 2
    assert "the report cannot be written: [Errno 28] No space left on device" in ran.err
    assert set(Path().rglob("*")) == before


def test_markup_of_a_study_is_text_in_a_browser_and_no_image_is_broken(
    run: Run, browser: Any, tmp_path: Path
) -> None:
    study = optuna.create_study(storage="sqlite:///study.db", study_name=MARKUP)

    def odd(trial: optuna.Trial) -> float:
        trial.suggest_categorical(MARKUP, [MARKUP, "plain"])
        trial.set_user_attr("rejected" if trial.number == 2 else "note", MARKUP)
        return float(trial.number)

    study.optimize(odd, n_trials=3)
    study.set_user_attr(MARKUP, MARKUP)
    assert run("report", "sqlite:///study.db").status == 0
    browser.get_log("browser")
    browser.get((tmp_path / "report.html").as_uri())
    assert browser.title.startswith(MARKUP)
    text = browser.execute_script("return document.body.innerText")
    assert text.count(MARKUP) >= 5
    injected = 'script, img[src="x"], a[href], iframe'
    count = f"return document.querySelectorAll('{injected}').length"
    assert browser.execute_script(count) == 0
    widths = browser.execute_script("return [...document.images].map(i => i.naturalWidth)")
    assert len(widths) >= 2
    assert all(widths)
    assert browser.get_log("browser") == []
