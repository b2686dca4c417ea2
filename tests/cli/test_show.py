from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path

import optuna

from tests.cli.conftest import Ran


Run = Callable[..., Ran]


def test_show_prints_the_best_its_decisions_and_its_curve(run: Run, flowers_csv: Path) -> None:
    search = ("search", "flowers.csv", "--target", "kind", "--space", "mlp", "--epochs", "3")
    run(*search, "--trials", "3", "--pruner", "none")
    ran = run("show", "studies/flowers/study.journal")
    assert ran.status == 0
    assert ran.out.startswith("flowers: maximize accuracy 3 networks: 3 trained to the end; ")
    assert "width" in ran.out
    assert "Curve: accuracy over 3 epochs" in ran.out
    assert "Pareto" not in ran.out
    assert run("show", "studies/flowers").out == ran.out
    told = json.loads(run("show", "studies/flowers", "--json").raw)
    assert told["objectives"] == {"accuracy": "maximize"}
    assert told["trials"]["trained_to_the_end"] == 3
    assert len(told["best"][0]["curve"]) == 3
    assert told["best"][0]["values"]["accuracy"] == max(told["best"][0]["curve"])


def test_show_prints_a_front_and_why_networks_were_rejected(run: Run) -> None:
    storage = "sqlite:///study.db"
    study = optuna.create_study(
        storage=storage, study_name="mine", directions=["minimize", "maximize"]
    )
    for i in range(4):
        distributions = {"depth": optuna.distributions.IntDistribution(0, 9)}
        values = [float(i), float(min(i, 2))]
        study.add_trial(
            optuna.create_trial(values=values, params={"depth": i}, distributions=distributions)
        )
    for reason in ("too large", "cannot be built", "too large"):
        study.add_trial(
            optuna.create_trial(
                state=optuna.trial.TrialState.PRUNED, user_attrs={"rejected": reason}
            )
        )
    ran = run("show", storage, "--study-name", "mine")
    assert ran.out.startswith(
        "mine: minimize value 0 and maximize value 1 7 networks: 4 trained to the end, 3 rejected"
    )
    assert "rejected 2 x: too large rejected 1 x: cannot be built" in ran.out
    assert "Pareto front network value 0 value 1 decisions 0 0.0000 0.0000 depth=0" in ran.out
    assert "3 3.0000" not in ran.out
    assert "Network 0: value 0 0, value 1 0" in ran.out


def test_a_curve_over_seconds_or_flops_is_not_said_to_be_over_epochs(run: Run) -> None:
    study = optuna.create_study(storage="sqlite:///study.db", study_name="mine")
    attrs = {"curve": [0.1, 0.3, 0.5], "steps": [1, 4, 9]}
    study.add_trial(optuna.create_trial(value=0.5, user_attrs=attrs))
    assert "Curve: value over 9 steps" in run("show", "sqlite:///study.db").out
    study.add_trial(optuna.create_trial(value=0.4, intermediate_values={0: 1.0, 7: 0.4}))
    assert "Curve: value over 7 steps" in run("show", "sqlite:///study.db").out


def test_a_network_that_ctrl_c_ended_did_not_fail(run: Run) -> None:
    study = optuna.create_study(storage="sqlite:///study.db", study_name="mine")
    ended = optuna.trial.TrialState.FAIL
    study.add_trial(optuna.create_trial(state=ended, user_attrs={"interrupted": True}))
    study.add_trial(optuna.create_trial(state=ended))
    assert "2 networks: 1 interrupted, 1 failed" in run("show", "sqlite:///study.db").out


def test_show_of_a_study_with_nothing_yet(run: Run) -> None:
    optuna.create_study(storage="sqlite:///study.db", study_name="new")
    ran = run("show", "sqlite:///study.db")
    assert ran.out.startswith("new: minimize value 0 networks: none begun; 0 s of work")
    assert ran.out.endswith("No network was trained to the end yet.")
    assert json.loads(run("show", "sqlite:///study.db", "--json").raw)["best"] == []
