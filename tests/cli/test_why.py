from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import IntDistribution
from optuna.trial import FrozenTrial
import pytest

from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._finish import ranked
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


def test_of_equal_means_the_cheapest_wins_and_that_is_told() -> None:
    dear, cheap = replace(finalist(3, 0.9), cost=20.0), replace(finalist(7, 0.8, 1.0), cost=9.0)
    assert ranked([dear, cheap]) == [cheap, dear]
    assert "0.9000, as much as network 3, which costs more." in why([cheap, dear], COSTLY, [])


def test_of_two_objectives_it_is_told_which_had_no_say() -> None:
    front = [trial(7, 0.9, 500.0), trial(2, 0.8, 20.0)]
    objectives = ["accuracy", "parameters"]
    assert why([finalist(7, 0.9)], objectives, front).endswith(
        "only finalist. parameters counts only between equal means."
    )
    assert why([finalist(5, 0.9)], objectives, front).endswith(
        "parameters counts only between equal means, so it need not be on the front, and is not."
    )


COSTLY = ("accuracy", "parameters")


def test_first_offered_is_the_knee_of_the_front_with_what_it_costs_and_saves() -> None:
    front = [trial(2, 0.8, 20.0), trial(4, 0.7, 10.0), trial(7, 0.9, 500.0)]
    winner = replace(finalist(7, 0.9), cost=17698.0)
    folder = Path("my studies/first")
    assert another([winner, finalist(5, 0.8)], COSTLY, front, folder) == (
        "network 2, the knee of the front: parameters 20 instead of 17,698, accuracy in the "
        "search 0.8000 instead of 0.9000",
        "optuna-nas export 'my studies/first' --trial 2 --to 'my studies/first_2'",
    )


def test_a_knee_that_was_trained_again_is_compared_by_what_came_of_that() -> None:
    front = [trial(2, 0.95, 20.0), trial(7, 0.9, 500.0)]
    winner = replace(finalist(7, 0.99), cost=500.0)
    knee = replace(finalist(2, 0.85), cost=20.0)
    told = another([winner, knee], COSTLY, front, Path("s"))
    assert told is not None
    assert told[0] == (
        "network 2, the knee of the front: parameters 20 instead of 500, mean accuracy 0.8500 "
        "instead of 0.9900"
    )


def test_where_the_knee_was_chosen_another_of_the_front_is_offered() -> None:
    front = [trial(7, 0.9, 500.0), trial(4, 0.7, 10.0)]
    told = another([finalist(7, 0.9), finalist(5, 0.8)], COSTLY, front, Path("s"))
    assert told is not None
    assert told[0].startswith("network 4: parameters 10 instead of unknown, ")


def test_of_one_objective_no_other_is_offered_since_none_is_better() -> None:
    finalists = [finalist(7, 0.9), finalist(5, 0.8)]
    assert another(finalists, ["accuracy"], [trial(7, 0.99)], Path("s")) is None


def test_what_is_equal_is_not_said_to_be_instead() -> None:
    finalists = [replace(finalist(7, 0.9), cost=20.0), replace(finalist(5, 0.9), cost=10.0)]
    told = another(finalists, COSTLY, [trial(5, 0.9, 10.0)], Path("s"))
    assert told is not None
    assert told[0] == "network 5: parameters 10 instead of 20, mean accuracy 0.9000 as well"
    finalists[1] = replace(finalists[1], scores=(0.90001,))
    told = another(finalists, COSTLY, [trial(5, 0.9, 10.0)], Path("s"))
    assert told is not None
    assert told[0].endswith("mean accuracy 0.9000 as well")


def test_a_finalist_that_costs_more_and_scores_less_is_not_offered() -> None:
    winner = replace(finalist(7, 0.9), cost=20.0)
    other = replace(finalist(5, 0.8), cost=30.0)
    assert another([winner, other], COSTLY, [trial(7, 0.9, 20.0)], Path("s")) is None


def test_a_finalist_that_could_not_be_trained_again_is_not_offered() -> None:
    winner, failed, third = finalist(7, 0.9), finalist(5), finalist(3, 0.8)
    assert another([winner, failed], COSTLY, [trial(5, 0.99, 1.0)], Path("s")) is None
    told = another([winner, failed, third], COSTLY, [], Path("s"))
    assert told is not None
    assert told[1].endswith("--trial 3 --to s_3")


@pytest.mark.parametrize("folder", [".", "..", "/"])
def test_any_folder_may_be_that_of_a_search(folder: str) -> None:
    told = another([finalist(7, 0.9), finalist(5, 0.8)], COSTLY, [], Path(folder))
    assert told is not None
    to = Path(told[1].split()[-1])
    assert to.name == f"{Path(folder).resolve().name}_5"
