from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import IntDistribution
from optuna.trial import FrozenTrial
import pytest

from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._why import another
from optuna_nas._cli._why import why


def finalist(number: int, *scores: float) -> Finalist:
    return Finalist(number, {"width": number}, 0.9, 5, scores)


def trial(number: int, *values: float) -> FrozenTrial:
    distributions: Any = {"width": IntDistribution(0, 99)}
    created = optuna.create_trial(
        values=values, params={"width": number}, distributions=distributions
    )
    created.number = number
    return created


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([], ", the only finalist."),
        ([finalist(3, 0.8)], ", the highest (next: 0.8000, network 3)."),
        ([finalist(3, 0.9)], ", as much as network 3, which came behind it in the search."),
        ([finalist(3)], ", the only one that could be trained again."),
    ],
)
def test_the_rule_and_the_numbers_by_which_a_network_was_chosen_are_told(
    others: list[Finalist], said: str
) -> None:
    told = why([finalist(7, 0.8, 1.0), *others], ["accuracy"], [])
    assert told == f"Chosen by the mean accuracy of 3 trainings: 0.9000{said}"


def test_of_two_objectives_it_is_told_which_had_no_say() -> None:
    front = [trial(7, 0.9, 500.0), trial(2, 0.8, 20.0)]
    objectives = ["accuracy", "parameters"]
    assert why([finalist(7, 0.9)], objectives, front).endswith(
        "only finalist. parameters had no say in it."
    )
    assert why([finalist(5, 0.9)], objectives, front).endswith(
        "parameters had no say in it, so it need not be on the front, and is not."
    )


def test_the_command_for_another_network_names_the_cheapest_of_the_front() -> None:
    front = [trial(7, 0.9, 500.0), trial(2, 0.8, 20.0), trial(4, 0.7, 10.0)]
    folder = Path("my studies/first")
    assert another([finalist(7, 0.9), finalist(5, 0.8)], front, folder) == (
        "optuna-nas export 'my studies/first' --trial 4 --to 'my studies/first_4'"
    )


def test_of_one_objective_it_is_the_best_of_the_search_or_the_next_finalist() -> None:
    best, other = [trial(5, 0.99)], [finalist(7, 0.9), finalist(5, 0.8)]
    assert str(another(other, best, Path("s"))).startswith(
        "optuna-nas export s --trial 5 --to s_5"
    )
    assert str(another(other, [trial(7, 0.99)], Path("s"))).endswith("--trial 5 --to s_5")
    assert another([finalist(7, 0.9)], [trial(7, 0.99)], Path("s")) is None


def test_a_finalist_that_could_not_be_trained_again_is_not_offered() -> None:
    failed = finalist(5)
    assert another([finalist(7, 0.9), failed], [trial(5, 0.99)], Path("s")) is None
    assert str(another([finalist(7, 0.9), failed, finalist(3, 0.8)], [], Path("s"))).endswith(
        "--trial 3 --to s_3"
    )


@pytest.mark.parametrize("folder", [".", "..", "/"])
def test_any_folder_may_be_that_of_a_search(folder: str) -> None:
    command = another([finalist(7, 0.9), finalist(5, 0.8)], [], Path(folder))
    assert command is not None
    to = Path(command.split()[-1])
    assert to.name == f"{Path(folder).resolve().name}_5"
