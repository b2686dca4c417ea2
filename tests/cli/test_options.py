from __future__ import annotations

from inspect import signature
from pathlib import Path

from optuna_nas._cli._options import Options
from optuna_nas._cli._options import PRUNERS
from optuna_nas._cli._options import SAMPLERS
from optuna_nas.study import _create_study as known
from optuna_nas.study import create_study


def test_the_command_says_what_differs_from_the_defaults() -> None:
    options = Options("my data.csv", target="k", drop=("a", "b c"), control=True, timeout="9.5m")
    command = (
        "optuna-nas search 'my data.csv' --target k --drop a --drop 'b c' --timeout 9.5m --control"
    )
    assert options.command() == command
    assert Options("digits").command() == "optuna-nas search digits"


def test_times_are_read_with_their_units() -> None:
    options = Options("digits", timeout="2m", under="5ms", limit=("flops=1e6",))
    assert options.timeout_seconds == 120
    assert options.limits == {"flops": 1e6, "latency": 5}
    assert Options("digits", under="0.3").limits == {"latency": 0.3}


def test_files_go_to_a_folder_named_like_the_data() -> None:
    options = Options("/data/iris.csv")
    assert options.folder == Path("studies/iris")
    assert options.where == str(Path("studies/iris/study.journal"))
    assert options.study_name == "iris"
    assert Options("photos/").folder == Path("studies/photos")
    elsewhere = Options("digits", out=Path("x/y"), storage="sqlite:///z.db")
    assert (elsewhere.where, elsewhere.study_name) == ("sqlite:///z.db", "y")


def test_the_names_are_those_of_create_study_with_its_defaults_first() -> None:
    assert set(SAMPLERS) == {*known.OURS, *known.OPTUNAS}
    assert set(PRUNERS) == {*known.PRUNERS, "none"}
    defaults = signature(create_study).parameters
    assert (SAMPLERS[0], PRUNERS[0]) == (defaults["sampler"].default, defaults["pruner"].default)
