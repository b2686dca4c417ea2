from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
from typing import Any

import optuna
import pytest

from optuna_nas._cli._study import SEARCH
from optuna_nas.study import create_study
from optuna_nas.study._names import name_objectives
from tests.cli.conftest import Ran


Run = Callable[..., Ran]


def accuracy(network: Any, trial: Any) -> float:
    raise NotImplementedError


def size(network: Any, trial: Any) -> float:
    raise NotImplementedError


def search(
    where: Path | str, name: str, best: float, seed: int = 0, search: dict[str, Any] | None = None
) -> str:
    """A study of four trials, the third of which found this."""
    study = create_study(
        storage=where, study_name=name, direction="maximize", sampler="random", seed=seed
    )
    name_objectives(study, [accuracy])
    if search is not None:
        study.set_user_attr(SEARCH, search)
    for i in range(4):
        study.add_trial(optuna.create_trial(value=best if i == 2 else best - 0.5))
    return str(where)


@pytest.fixture
def found(tmp_path: Path) -> dict[str, str]:
    """Two methods with six seeds each, and one run of a third, as arguments."""

    def runs(name: str, best: float) -> str:
        of = [
            search(tmp_path / f"{name}{seed}.journal", name, best + 0.01 * seed, seed)
            for seed in range(6)
        ]
        return ",".join(of)

    return {
        "evolution": f"evolution={runs('evolution', 0.9)}",
        "random": f"random={runs('random', 0.8)}",
        "tpe": search(tmp_path / "tpe.journal", "tpe", 0.85),
    }


def test_runs_are_compared_in_the_end_and_on_the_way(run: Run, found: dict[str, str]) -> None:
    ran = run("compare", found["random"], found["evolution"])
    assert ran.status == 0
    assert ran.out == (
        "accuracy (more is better) "
        "method runs mean deviation each "
        "evolution 6 0.925 0.019 0.9 0.91 0.92 0.93 0.94 0.95 "
        "random 6 0.825 0.019 0.8 0.81 0.82 0.83 0.84 0.85 "
        "On the way: the mean after so many trials "
        "trials 1 2 3 4 "
        "evolution 0.425 0.425 0.925 0.925 "
        "random 0.325 0.325 0.825 0.825 "
        "evolution is better than random (by 0.1 on average, p = 0.031). "
        "Tested by a permutation test of 6 pairs of the same seed."
    )


def test_of_one_run_nothing_is_claimed(run: Run, found: dict[str, str]) -> None:
    ran = run("compare", found["tpe"], found["evolution"])
    assert ran.out.endswith(
        "evolution came out 0.075 better than tpe, but one run is one sample: nothing follows "
        "from it. Search with more seeds."
    )


def test_as_json_it_is_all_there(run: Run, found: dict[str, str]) -> None:
    ran = run("compare", *found.values(), "--json")
    told = json.loads(ran.out)
    assert [one["name"] for one in told["methods"]] == ["evolution", "tpe", "random"]
    assert told["methods"][1]["deviation"] is None
    assert [(d["better"], d["other"], d["p"]) for d in told["differences"]] == [
        ("evolution", "tpe", None),
        ("evolution", "random", 0.03125),
        ("tpe", "random", None),
    ]
    assert told["anytime"]["trials"] == [1, 2, 3, 4]
    assert told["anytime"]["mean"]["tpe"] == pytest.approx([0.35, 0.35, 0.85, 0.85])


def test_a_storage_may_hold_several_studies(run: Run, tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path / 'all.db'}"
    search(where, "one", 0.8)
    search(where, "two", 0.9)
    ran = run("compare", f"{where}#one", f"{where}#two")
    assert "two came out 0.1 better than one" in ran.out
    ran = run("compare", where, f"{where}#two")
    assert ran.status == 2
    assert "holds 2 studies: 'one', 'two'." in ran.err


def test_of_two_objectives_the_reference_point_is_printed(run: Run, tmp_path: Path) -> None:
    for name, value in (("one", 0.8), ("two", 0.9)):
        study = create_study(
            storage=tmp_path / f"{name}.journal", directions=["maximize", "minimize"], seed=0
        )
        name_objectives(study, [accuracy, size])
        study.add_trial(optuna.create_trial(values=[value, 100.0]))
        study.add_trial(optuna.create_trial(values=[0.5, 50.0]))
    methods = [tmp_path / "one.journal", tmp_path / "two.journal"]
    ran = run("compare", *methods)
    assert "hypervolume (more is better) Reference point: 0.5, 100 " in ran.out
    ran = run("compare", *methods, "--reference", 0, "--reference", 200)
    assert "Reference point: 0, 200 " in ran.out
    assert "two 1 115 - 115 " in ran.out
    ran = run("compare", *methods, "--reference", 0)
    assert ran.status == 2
    assert "reference must be a finite number for each objective of study" in ran.err


# Bad input


def test_a_run_counts_once(run: Run, found: dict[str, str]) -> None:
    ran = run("compare", f"a={found['tpe']}", f"b={found['tpe']}")
    assert ran.status == 2
    assert f"{found['tpe']} is the same study as {found['tpe']}; a run counts once." in ran.err


def test_methods_have_names_of_their_own(run: Run, tmp_path: Path) -> None:
    one = search(tmp_path / "one.journal", "s", 0.8)
    two = search(tmp_path / "two.journal", "s", 0.9)
    ran = run("compare", one, two)
    assert ran.status == 2
    assert "two methods are called 's'. Give names: compare a=" in ran.err
    assert run("compare", f"a={one}", f"b={two}").status == 0


def test_studies_of_other_problems_are_not_compared(run: Run, tmp_path: Path) -> None:
    one = search(tmp_path / "one.journal", "one", 0.8, search={"data": "a.csv (12ab)", "seed": 0})
    two = search(tmp_path / "two.journal", "two", 0.9, search={"data": "b.csv (34cd)", "seed": 1})
    ran = run("compare", one, two)
    assert ran.status == 2
    assert ran.err == (
        "error: studies of other problems cannot be compared: data of 'one' is 'a.csv (12ab)', of "
        "'two' 'b.csv (34cd)'."
    )


def test_what_is_not_there_is_said(run: Run, found: dict[str, str]) -> None:
    ran = run("compare", found["tpe"], "none.journal")
    assert ran.status == 2
    assert "there is no study at none.journal: that file is not there." in ran.err
    ran = run("compare", found["tpe"])
    assert "error: compare needs two methods or more, but got 1." in ran.err
