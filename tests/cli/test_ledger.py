from __future__ import annotations

from collections.abc import Callable
import html
import json
from pathlib import Path
import re
import signal
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
import pytest

from optuna_nas._cli import _choose
from optuna_nas._cli import _finish
from optuna_nas._cli import _ledger
from optuna_nas._cli import _search
from optuna_nas._cli._finish import still_learning
from optuna_nas.study import Heartbeat
from optuna_nas.visualization._report_search import RUN
from tests.cli.conftest import Ran


CommandLine = Callable[..., Ran]
KINDS = ("search", "flowers.csv", "--target", "kind", "--space", "mlp", "--epochs", "2")
FOLDER = "studies/flowers"


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the finalists that were trained again."""
    numbers: list[int] = []
    train_again = _choose.train_again

    def noted(setup: Any, trial: Any, each: Any) -> Any:
        numbers.append(trial.number)
        return train_again(setup, trial, each)

    monkeypatch.setattr(_choose, "train_again", noted)
    return numbers


def study() -> optuna.Study:
    storage = JournalStorage(JournalFileBackend(f"{FOLDER}/study.journal"))
    return optuna.load_study(study_name="flowers", storage=storage)


def result() -> Any:
    return json.loads(Path(FOLDER, "result.json").read_text())


def report(run: CommandLine) -> str:
    page = Path(run("report", FOLDER).out).read_text()
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)))


def test_a_search_that_goes_on_trains_no_finalist_twice(
    run: CommandLine, flowers_csv: Path, trained: list[int]
) -> None:
    first = run(*KINDS, "--pruner", "none", "--trials", "2")
    assert "Now 7 trainings of" in first.err
    before = result()["finalists"]
    ran = run(*KINDS, "--pruner", "none", "--trials", "2")
    assert re.search(
        r"Now 1 training of up to 2 epochs, about \d+ s: the winner once more \(2 finalists had "
        r"that before\)\.",
        ran.err,
    )
    assert re.search(r"Network \d again: 3 of 3, mean accuracy \S+, from before, 0 s", ran.err)
    assert result()["finalists"] == before
    run(*KINDS, "--pruner", "none", "--trials", "3")
    assert sorted(trained) == [0, 1, 2]


def test_finalists_of_an_earlier_end_compete_with_the_new_ones(
    run: CommandLine, flowers_csv: Path, trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_finish, "FINALISTS", 1)
    run(*KINDS, "--pruner", "none", "--trials", "1")
    searched = study()
    better = searched.ask(searched.trials[0].distributions)
    searched.tell(better, 1.0)
    run(*KINDS, "--pruner", "none", "--trials", "2")
    assert trained == [0, 1]
    assert sorted(finalist["number"] for finalist in result()["finalists"]) == [0, 1]


def test_a_stop_among_the_finalists_keeps_those_that_are_trained(
    run: CommandLine, flowers_csv: Path, trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (*KINDS, "--pruner", "none", "--trials", "3")
    noted = _choose.train_again

    def stopped(*arguments: Any) -> Any:
        if len(trained) == 2:
            raise KeyboardInterrupt
        return noted(*arguments)

    monkeypatch.setattr(_choose, "train_again", stopped)
    assert run(*command).status == 130
    monkeypatch.setattr(_choose, "train_again", noted)
    assert run(*command).status == 0
    assert sorted(trained) == [0, 1, 2]
    assert [len(finalist["scores"]) for finalist in result()["finalists"]] == [3, 3, 3]


def test_what_was_trained_otherwise_is_trained_again(
    run: CommandLine, flowers_csv: Path, trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (*KINDS, "--pruner", "none", "--trials", "1")
    run(*command)
    monkeypatch.setattr(_ledger.torch, "__version__", "0.4.1")
    run(*command)
    assert trained == [0, 0]


def test_a_space_of_ones_own_that_was_changed_is_trained_again(
    run: CommandLine, flowers_csv: Path, trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (*KINDS, "--pruner", "none", "--trials", "1")
    run(*command)
    monkeypatch.setattr(_ledger, "build", lambda *arguments: "another network")
    run(*command)
    assert trained == [0, 0]


def test_a_finalist_that_is_remembered_says_of_its_trial_what_that_says_now(
    run: CommandLine, flowers_csv: Path
) -> None:
    run(*KINDS, "--trials", "1")
    attrs = study().user_attrs
    assert set(attrs["optuna_nas:finalist 0"]) == {"scores", "epochs", "learning", "with"}
    run(*KINDS, "--trials", "1")
    [finalist] = result()["finalists"]
    assert finalist["searched"] == study().trials[0].value


def test_what_is_still_in_training_is_not_exported(run: CommandLine, flowers_csv: Path) -> None:
    run(*KINDS, "--trials", "1")
    number = study().ask().number
    ran = run("export", FOLDER, "--trial", str(number), "--to", "other")
    assert ran.err == f"error: --trial {number} is not trained yet: it is running."


def test_an_interrupt_while_the_study_is_told_waits_until_it_knows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    searched = optuna.create_study(storage=JournalStorage(JournalFileBackend(str(tmp_path / "j"))))
    storage = searched._storage
    set_attr = type(storage).set_study_user_attr

    def pressed(self: Any, *arguments: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        set_attr(self, *arguments)

    monkeypatch.setattr(type(storage), "set_study_user_attr", pressed)
    with pytest.raises(KeyboardInterrupt):
        _ledger._note(searched, "name", {"known": True})
    assert searched.user_attrs["name"] == {"known": True}


def test_an_exported_finalist_is_not_trained_with_several_seeds_again(
    run: CommandLine, flowers_csv: Path, trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(*KINDS, "--pruner", "none", "--trials", "2")
    monkeypatch.setattr("optuna_nas._cli._export.save_model", lambda *_, **__: None)
    for number in "01":
        assert run("export", FOLDER, "--trial", number, "--to", f"model_{number}").status == 0
    assert sorted(trained) == [0, 1]


def test_show_says_which_network_was_chosen(run: CommandLine, flowers_csv: Path) -> None:
    run(*KINDS, "--trials", "2")
    winner = result()["finalists"][0]
    assert (
        f"Chosen of 2 networks: network {winner['number']}, when trained again with mean accuracy "
        f"{winner['mean']:.4f}"
    ) in run("show", FOLDER).out
    assert json.loads(run("show", FOLDER, "--json").raw)["chosen"] == winner["number"]


def test_before_a_search_has_ended_none_is_chosen(
    run: CommandLine, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(_search, "_winners", stopped)
    run(*KINDS, "--trials", "1")
    assert "Chosen" not in run("show", FOLDER).out
    assert json.loads(run("show", FOLDER, "--json").raw)["chosen"] is None


def test_a_report_says_who_proposed_from_where_on_and_what_all_runs_took(
    run: CommandLine, flowers_csv: Path
) -> None:
    run(*KINDS, "--trials", "2")
    run(*KINDS, "--trials", "2", "--sampler", "tpe")
    run(*KINDS, "--trials", "4", "--sampler", "random")
    text = report(run)
    begun = len(study().trials) - 2
    assert (
        "Proposed by RegularizedEvolutionSampler and SuccessiveHalvingPruner; from trial "
        f"{begun} on RandomSampler and SuccessiveHalvingPruner"
    ) in text
    assert (
        "yes RegularizedEvolutionSampler and RandomSampler come with Optuna or optuna_nas, whose"
    ) in text
    assert "tpe" not in text.lower()
    assert re.search(r"The whole command, 3 runs: searching [\d.]+ s, finishing [\d.]+ s\.", text)
    assert "yes Above: all runs, but for reading the data, exports and this report." in text
    assert (
        "optuna-nas search flowers.csv --target kind --space mlp --trials 2 --epochs 2 "
        "optuna-nas search flowers.csv --target kind --space mlp --sampler random --trials 4 "
    ) in text


def test_a_report_says_that_it_cannot_know_what_a_killed_run_took(
    run: CommandLine, flowers_csv: Path
) -> None:
    run(*KINDS, "--trials", "1")
    attrs = study().user_attrs
    [name] = [name for name in attrs if name.startswith(RUN)]
    killed = {**attrs[name], "seconds": {}}
    del killed["trials after"]
    study().set_user_attr(f"{RUN} 2000", killed)
    text = report(run)
    assert "finishing" in text
    assert "without 1 run that still works or was killed." in text
    assert "partly All trials are above; what else 1 run of the command took is not." in text


def test_a_search_that_joins_another_says_so(
    run: CommandLine, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "another run" not in run(*KINDS, "--trials", "1").err
    monkeypatch.setattr(_search, "optimize", lambda *arguments, **options: None)
    searched = study()
    with Heartbeat(searched) as heartbeat:
        trial = searched.ask()
        heartbeat.sign(trial)
        ran = run(*KINDS, "--trials", "2")
    assert (
        f"Searching: another run of this search is at work (on network {trial.number}). This one "
        "joins it; each writes the files when it ends."
    ) in ran.err


@pytest.mark.parametrize(
    ("curves", "learning"),
    [
        ([[0.1, 0.2, 0.3, 0.4, 0.5]] * 3, True),
        ([[0.1, 0.2, 0.3, 0.5, 0.5]] * 3, False),
        ([[0.1, 0.5, 0.6], [0.1, 0.6, 0.6], [0.1, 0.6, 0.7]], False),
        ([[0.1, 0.5, 0.7], [0.1, 0.6, 0.7], [0.1, 0.6, 0.7]], True),
        ([[0.9]] * 3, False),
    ],
)
def test_scores_that_rise_at_the_end_more_than_chance_has_it_are_still_learning(
    curves: list[list[float]], learning: bool
) -> None:
    assert still_learning(curves) is learning


def test_a_winner_that_was_still_learning_is_told_of(
    run: CommandLine, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Its score still rose at the end of the 2 epochs: a search with --epochs 4, in another"
    assert said not in run(*KINDS, "--trials", "1").out
    monkeypatch.setattr(_finish, "still_learning", lambda curves: True)
    monkeypatch.setattr(_ledger, "recall", lambda *_: None)
    monkeypatch.setattr(_choose, "recall", lambda *_: None)
    assert said in run(*KINDS, "--trials", "1").out
    assert result()["finalists"][0]["learning"] is True
