from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import json
from pathlib import Path
import re
import subprocess
import sys
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
import pytest
import torch

import optuna_nas
from optuna_nas._cli import _files
from optuna_nas._cli import _finish
from optuna_nas._cli import _search
from optuna_nas._cli import _setup
from optuna_nas._cli._data import Data
from optuna_nas._cli._data import load_data
from optuna_nas._estimator._spaces import MLP
from optuna_nas.space import SampledTrial
from optuna_nas.study import Heartbeat
from optuna_nas.study._heartbeat import WORKER
from tests.cli.conftest import flowers
from tests.cli.conftest import HEADER
from tests.cli.conftest import load
from tests.cli.conftest import Ran
from tests.cli.conftest import write_csv


Run = Callable[..., Ran]
DATA = ("search", "flowers.csv", "--target", "kind", "--space", "mlp")
KINDS = (*DATA, "--trials", "3", "--epochs", "2")


def result(folder: str = "studies/flowers") -> Any:
    return json.loads((Path(folder) / "result.json").read_text())


def study(folder: str = "studies/flowers") -> optuna.Study:
    storage = JournalStorage(JournalFileBackend(f"{folder}/study.journal"))
    return optuna.load_study(study_name=Path(folder).name, storage=storage)


def test_a_search_says_what_it_does_and_leaves_files(
    run: Run, flowers_csv: Path, terminal: None
) -> None:
    ran = run("search", "flowers.csv", "--target", "kind", "--trials", "3", "--epochs", "2")
    assert ran.status == 0
    for said in (
        "flowers.csv: 100 rows of 3 columns in 2 classes",
        "target 'kind': 2 different texts, so classification",
        "60 to train on, 20 to choose by, 20 for the final test",
        "Tabular: ",
        "3 networks, proposed by RegularizedEvolutionSampler, up to 2 epochs each, for more",
        "(at most 10 trainings of 2 epochs), then the test Seed",
    ):
        assert said in ran.err
    assert re.search(r"Searching \S+ 3 of 3 [0-9 mins]+ best accuracy 0\.\d+ \(network", ran.err)
    for said in (
        "scikit-learn's MLPClassifier",
        "studies/flowers/result.json",
        "optuna-nas search --config studies/flowers/search.toml",
        "optuna-nas predict studies/flowers/model flowers.csv",
    ):
        assert said in ran.out
    told = result()
    assert told["study"]["trials"]["complete"] + told["study"]["trials"]["pruned"] == 3
    assert list(told["test"]) == ["chosen", "MLPClassifier"]
    assert told["data"]["rows"] == {"train": 60, "valid": 20, "test": 20}
    assert told["finalists"][0]["params"] == told["winner"]["params"]
    assert len(told["finalists"][0]["scores"]) == 3
    assert told["command"] == ("optuna-nas search flowers.csv --target kind --trials 3 --epochs 2")


def test_the_first_network_is_the_one_made_by_hand(run: Run, flowers_csv: Path) -> None:
    ran = run(*KINDS, "--trials", "1")
    assert re.search(r"Network 0, the one made by hand: [\d,]{5,} parameters", ran.out)
    run(*KINDS, "--trials", "2")
    first, second = study().trials
    assert first.user_attrs["origin"] == "default"
    assert {name: MLP[name] for name in first.params} == first.params
    assert "origin" not in second.user_attrs
    origins = {finalist["number"]: finalist["origin"] for finalist in result()["finalists"]}
    assert origins == {0: "default", 1: None}


def test_where_stderr_is_no_terminal_each_step_is_a_line_once_it_is_over(
    run: Run, flowers_csv: Path
) -> None:
    ran = run(*KINDS, "--pruner", "none")
    told = (
        r"Data: flowers\.csv: 100 rows of 3 columns in 2 classes Task: .+ Split: .+ Space: .+ "
        r"Search: 3 networks, proposed by RegularizedEvolutionSampler, 2 epochs each, .+ "
        r"Then: .+ Seed: 0 Study: studies/flowers/study\.journal",
        r"Searching: 3 of 3, best accuracy \S+ \(network \d\), TIME",
        r"Now 10 trainings of up to 2 epochs, about \d+ s: 3 finalists 3 times each, and the "
        r"winner once more\. Then scikit-learn's MLP, the export and the report\.",
        *[r"Network \d again: 3 of 3, mean accuracy \S+, TIME"] * 3,
        r"Network \d once more: on all rows but the test's, [12] epochs?, TIME",
        "scikit-learn's MLP: a control, TIME",
        "Export: checked in another process, TIME",
        "Report: TIME",
    )
    expected = " ".join(told).replace("TIME", r"(\d+ min )?\d+ s")
    assert re.fullmatch(expected, ran.err), ran.err
    assert ran.out.startswith("Finalists: ")
    assert "\x1b" not in ran.raw


def test_the_trainings_of_random_search_are_told_too(run: Run, flowers_csv: Path) -> None:
    ran = run(*KINDS, "--pruner", "none", "--trials", "2", "--control")
    said = r"Now 14 trainings of up to 2 epochs, about \d+ s: 4 finalists 3 times each, and the 2 "
    assert re.search(said + "winners once more", ran.err)
    assert len(re.findall(r"Random network \d again: 3 of 3, mean", ran.err)) == 2


def test_the_result_can_be_one_json_object(run: Run, flowers_csv: Path) -> None:
    ran = run(*KINDS, "--json")
    assert json.loads(ran.raw) == result()


def test_a_network_is_exported_with_its_preprocessing_and_rows_to_check(
    run: Run, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported: dict[str, Any] = {}
    monkeypatch.setattr(_search, "save_model", _files.save_model)
    monkeypatch.setattr(
        _files, "export_fitted", lambda fitted, path, **how: exported.update(fitted=fitted, **how)
    )
    run(*KINDS)
    fitted = exported["fitted"]
    assert exported["overwrite"]
    assert not fitted.module.training
    assert fitted.params == result()["winner"]["params"]
    assert (len(fitted.example), fitted.target) == (20, "kind")
    assert fitted.metrics == {"test accuracy": result()["test"]["chosen"]}
    with torch.no_grad():
        outputs = fitted.module(fitted.inputs.transform(fitted.example))
    told = fitted.targets.predict(outputs)
    data = load("flowers.csv", target="kind", space="mlp")
    right = told == data.targets.labels[data.test[1]]
    assert right.mean() == result()["test"]["chosen"]


def test_running_it_again_goes_on_to_the_total(
    run: Run, flowers_csv: Path, terminal: None
) -> None:
    run(*KINDS, "--sampler", "random")
    first = [trial.params for trial in study().trials]
    ran = run(*KINDS, "--sampler", "random", "--trials", "5")
    assert "Searching: 3 of 5 from before." in ran.err
    assert len(study().trials) == 5
    ran = run(*KINDS, "--sampler", "random", "--trials", "5")
    assert "Searching: 5 of 5 from before. That is all; --trials 15 would add 10." in ran.err
    assert len(study().trials) == 5
    ran = run(*KINDS, "--sampler", "random", "--trials", "2")
    assert "Searching: 5 networks from before. That is all; --trials 15 would" in ran.err
    assert [trial.params for trial in study().trials][:3] == first
    in_one_go = (*KINDS, "--sampler", "random", "--trials", "5", "--out", "studies/other")
    run(*in_one_go)
    assert [t.params for t in study("studies/other").trials] == [t.params for t in study().trials]
    assert [t.values for t in study("studies/other").trials] == [t.values for t in study().trials]
    assert result("studies/other")["test"] == result()["test"]


def test_trials_that_died_are_repeated_and_do_not_count(
    run: Run, flowers_csv: Path, terminal: None
) -> None:
    run(*KINDS, "--trials", "1")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    trial = study().ask()
    Heartbeat(study()).sign(trial)
    trial.set_user_attr(WORKER, {**trial.user_attrs[WORKER], "pid": dead.pid})
    ran = run(*KINDS, "--trials", "2")
    assert "the worker of trial 1 died; the trial is repeated." in ran.err
    assert "Searching: 1 of 2 from before." in ran.err
    assert [t.state == TrialState.FAIL for t in study().trials] == [False, True, False]
    assert study().trials[2].user_attrs["retry_of"] == [1]


def test_another_search_in_the_same_folder_is_an_error(run: Run, flowers_csv: Path) -> None:
    run(*KINDS, "--trials", "1")
    ran = run(*KINDS, "--epochs", "3", "--seed", "1")
    assert ran.status == 2
    assert ran.err == (
        "error: study 'flowers' in studies/flowers/study.journal belongs to another search: "
        "epochs was 2 and now is 3; seed was 0 and now is 1. Give the options that it was begun "
        "with, or another folder: --out."
    )
    assert run(*KINDS, "--seed", "1").err.endswith(
        "another search: seed was 0 and now is 1. Give the options that it was begun with, or "
        "another folder: --out."
    )
    write_csv(Path("flowers.csv"), HEADER, flowers(90))
    ran = run(*KINDS)
    assert ran.err.startswith(
        "error: study 'flowers' in studies/flowers/study.journal belongs to another search: data "
        "was flowers.csv ("
    )


def test_two_objectives_give_a_front(run: Run, flowers_csv: Path, terminal: None) -> None:
    for also, goal, name in (
        ("parameters", "fewer parameters", "parameters"),
        ("flops", "fewer flops", "flops"),
        ("latency", "less latency", "latency_ms"),
    ):
        ran = run(*KINDS, "--also", also, "--out", also)
        assert f"up to 2 epochs each, for more accuracy with {goal}" in ran.err
        assert f"Pareto front: the networks that no other beats in accuracy and {name}" in ran.out
        assert f" network {name} in the search mean of 3 epochs each" in ran.out
        assert all(finalist["cost"] > 0 for finalist in result(also)["finalists"])
        assert result(also)["study"]["directions"] == ["maximize", "minimize"]
        assert result(also)["study"]["front"]


def test_with_two_objectives_networks_are_stopped_early_too(run: Run, flowers_csv: Path) -> None:
    run(*KINDS, "--also", "parameters", "--trials", "9", "--epochs", "6")
    states = [trial.state for trial in study().trials]
    assert {TrialState.COMPLETE, TrialState.PRUNED} == set(states)


def test_no_network_costs_more_than_the_limits(
    run: Run, flowers_csv: Path, terminal: None
) -> None:
    limits = ("--limit", "parameters=1500", "--under", "1s")
    ran = run(*KINDS, *limits, "--trials", "8", "--sampler", "random")
    assert "Limits at most 1,500 parameters, at most 1,000 latency" in ran.err
    for trial in study().trials:
        parameters = trial.user_attrs["metrics"]["parameters"]
        assert ("rejected" in trial.user_attrs) == (parameters > 1500)
        assert set(trial.constraints) == {"parameters <= 1500", "latency_ms <= 1000"}
    ran = run(*KINDS, "--limit", "parameters=2000")
    assert "limits was {'parameters': 1500.0, 'latency': 1000.0} and now is" in ran.err


def test_random_search_is_a_second_control_that_begins_with_the_same_network(
    run: Run, flowers_csv: Path, terminal: None
) -> None:
    ran = run(*KINDS, "--control", "--timeout", "1h")
    assert "Control then as many networks proposed at random, in the same time at most" in ran.err
    assert "Random search" in ran.err
    assert list(result()["test"]) == ["chosen", "random_search", "MLPClassifier"]
    assert Path("studies/flowers/control.journal").exists()
    assert "params" in result()["control_winners"]["random_search"]
    storage = JournalStorage(JournalFileBackend("studies/flowers/control.journal"))
    trials = optuna.load_study(study_name="flowers", storage=storage).trials
    assert [trial.user_attrs.get("origin") for trial in trials] == ["default", None, None]


def test_numbers_are_predicted_and_held_against_scikit_learn(
    run: Run, flowers_csv: Path, terminal: None
) -> None:
    ran = run("search", "flowers.csv", "--target", "length", "--trials", "2", "--epochs", "1",
              "--space", "mlp")  # fmt: skip
    assert "target 'length': 100 different numbers, so regression" in ran.err
    assert "for more r2" in ran.err
    assert "scikit-learn's MLPRegressor" in ran.out
    assert "r2 higher by " in ran.out
    assert "Test: r2 on the 20 rows kept for the end; RMSE in the unit of 'length'" in ran.out
    assert len(re.findall(r" RMSE \d\.\d+", ran.out)) == 2


def test_a_study_can_be_in_a_database_and_without_a_pruner(run: Run, flowers_csv: Path) -> None:
    url = "sqlite:///studies.db"
    run(*KINDS, "--storage", url, "--pruner", "none", "--trials", "2")
    assert len(optuna.load_study(study_name="flowers", storage=url).trials) == 2
    assert result()["study"]["pruner"] == "NopPruner"
    assert not Path("studies/flowers/study.journal").exists()


def test_the_timeout_ends_the_search_and_the_best_is_still_trained(
    run: Run, flowers_csv: Path
) -> None:
    run(*KINDS, "--trials", "100000", "--timeout", "10ms")
    assert len(study().trials) < 100
    assert result()["winner"]["params"]


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training takes no time, and the search ends after the 30th network, as if time were up."""

    def train(objective: Any, trial: optuna.Trial) -> float:
        objective.network(SampledTrial(trial))
        if trial.number == 29:
            trial.study.stop()
        return float(trial.number)

    monkeypatch.setattr(optuna_nas.Objective, "__call__", train)


def test_a_timeout_alone_ends_a_search_after_as_many_networks_as_it_takes(
    run: Run, flowers_csv: Path, terminal: None, instant: None
) -> None:
    ran = run(*DATA, "--epochs", "1", "--timeout", "1h")
    assert "Search as many networks as are begun in 1 h 0 min, proposed by" in ran.err
    assert "then the test; --timeout ends the search only" in ran.err
    assert re.search(r"Searching \S+ 30 networks [0-9 mins]+ best accuracy 29", ran.err)
    assert len(study().trials) == 30
    assert result()["options"]["trials"] is None
    ran = run(*DATA, "--epochs", "1", "--timeout", "10ms")
    assert "Searching: 30 networks from before." in ran.err


def test_without_trials_and_timeout_the_search_ends_after_20(
    run: Run, flowers_csv: Path, terminal: None, instant: None
) -> None:
    ran = run(*DATA, "--epochs", "1")
    assert "Search 20 networks, proposed by" in ran.err
    assert len(study().trials) == 20


def test_of_trials_and_timeout_the_first_ends_the_search_in_a_config_too(
    run: Run, flowers_csv: Path, terminal: None, instant: None
) -> None:
    Path("c.toml").write_text(
        'data = "flowers.csv"\ntarget = "kind"\ntimeout = "1h"\nepochs = 1\n'
    )
    ran = run("search", "--config", "c.toml", "--space", "mlp", "--trials", "3")
    assert "Search 3 networks or 1 h 0 min, proposed by" in ran.err
    assert len(study().trials) == 3
    ran = run("search", "--config", "c.toml", "--space", "mlp")
    assert "Search as many networks as are begun in 1 h 0 min" in ran.err
    assert len(study().trials) == 30


def test_without_a_network_trained_to_the_end_there_is_none_to_choose(
    run: Run, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reject(*arguments: Any) -> float:
        raise optuna_nas.Rejected("nothing pleases me")

    monkeypatch.setattr(optuna_nas.Objective, "__call__", reject)
    ran = run(*KINDS)
    assert ran.err.endswith(
        "error: no network was trained (3 pruned), so there is none to choose. Give "
        "more --trials or --timeout; optuna-nas show says why networks were rejected."
    )


def test_without_such_a_network_there_is_no_control(
    run: Run, flowers_csv: Path, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin_none(*arguments: Any, **options: Any) -> None:
        pass

    monkeypatch.setattr(_search, "optimize", begin_none)
    ran = run(*KINDS, "--control")
    assert ran.status == 2
    assert "no network was trained (no trial was begun)" in ran.err
    assert "That is all" not in ran.err
    assert not Path("studies/flowers/control.journal").exists()


def test_another_seed_is_told_as_such_where_its_split_has_other_columns(run: Run) -> None:
    rows = flowers()
    rows[0][0] = ""  # in the training part of some seeds only, and with it an indicator
    write_csv(Path("flowers.csv"), HEADER, rows)
    tabular = (*DATA[:-2], "--epochs", "1", "--trials", "1")
    spaces = set()
    for seed in range(6):
        spaces.add(load("flowers.csv", target="kind", seed=seed).shape)
        ran = run(*tabular, "--seed", seed)
        assert ran.err.endswith(
            f"another search: seed was 0 and now is {seed}. Give the options that it was begun "
            "with, or another folder: --out."
        ) == (seed > 0)
    assert len(spaces) == 2


def test_a_winner_that_cannot_be_trained_again_is_told(
    run: Run, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*arguments: Any, **options: Any) -> Any:
        raise optuna_nas.Rejected("loss is nan")

    monkeypatch.setattr(_finish, "train_epochs", diverge)
    ran = run(*KINDS)
    assert "again: 3 of 3, could not be trained, " in ran.err
    assert ran.err.endswith(
        "error: none of the best networks could be trained again with other seeds: their losses "
        "were not finite. Give more --trials."
    )


def test_the_test_part_changes_nothing_but_the_test_scores(
    run: Run, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shuffled(*arguments: Any, **options: Any) -> Data:
        data = load_data(*arguments, **options)
        x, y = data.test
        return replace(data, test=(x.flip(0) * 9, y.roll(7)))

    modules = []
    monkeypatch.setattr(_search, "save_model", lambda _, module, *a, **o: modules.append(module))
    run(*KINDS, "--out", "true/flowers")
    monkeypatch.setattr(_setup, "load_data", shuffled)
    run(*KINDS, "--out", "shuffled/flowers")
    true, other = result("true/flowers"), result("shuffled/flowers")
    assert true["test"] != other["test"]
    for told in (true, other):
        for name in ("test", "seconds", "finished", "command"):
            del told[name]
        del told["options"]["out"], told["study"]["storage"], told["model"], told["report"]
    assert true == other
    weights = [module.state_dict() for module in modules]
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
    trials = [study(f"{f}/flowers").trials for f in ("true", "shuffled")]
    assert [t.values for t in trials[0]] == [t.values for t in trials[1]]
