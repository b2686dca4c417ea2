from __future__ import annotations

import pytest

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._task import make_target


THREE = ["0", "1", "2"] * 20
MANY = [f"{i}" for i in range(60)]


def test_texts_are_classes() -> None:
    target = make_target("kind", ["b", "a"] * 10, None)
    assert target.classes == ("a", "b")
    assert target.values.tolist() == [1, 0] * 10
    assert target.reason == "target 'kind': 2 different texts, so classification"


def test_few_whole_numbers_are_classes_in_their_order() -> None:
    target = make_target("k", ["10", "9", "2.0"] * 10, None)
    assert target.classes == ("2", "9", "10")
    assert target.reason == "target 'k': 3 different whole numbers, so classification"


@pytest.mark.parametrize(
    ("cells", "seen"),
    [(MANY, "60 different whole numbers"), (["0.5", "1.5"] * 30, "2 different numbers")],
)
def test_other_numbers_are_quantities(cells: list[str], seen: str) -> None:
    target = make_target("price", cells, None)
    assert target.classes is None
    assert target.reason == f"target 'price': {seen}, so regression"


def test_the_task_can_be_overridden_and_that_is_said() -> None:
    target = make_target("k", THREE, "regression")
    assert target.classes is None
    assert target.reason == "target 'k': 3 different whole numbers; regression, as --task says"


@pytest.mark.parametrize(
    ("cells", "task", "message"),
    [
        (
            THREE,
            "clasification",
            "--task must be one of ['classification', 'regression'], not 'clasification'. Did you "
            "mean 'classification'?",
        ),
        (
            ["a", "b"] * 9,
            "regression",
            "--task regression needs numbers, but target 'y' holds 2 different texts.",
        ),
        (
            ["a"] * 60,
            None,
            "target 'y' has one class only ('a'), so there is nothing to learn.",
        ),
        (
            ["2.5"] * 60,
            None,
            "target 'y' is 2.5 in every row, so there is nothing to learn.",
        ),
        (
            ["a", "b"] * 30 + ["c"],
            None,
            "target 'y' has classes with fewer than 5 rows, too few to be in the training, "
            "validation and test part: 'c' (1). Take those rows out or join classes.",
        ),
        (
            MANY,
            "classification",
            "target 'y' has classes with fewer than 5 rows, too few to be in the training, "
            "validation and test part: '0' (1), '1' (1), '2' (1), '3' (1), '4' (1) and 55 more. "
            "Take those rows out or join classes, or take it for a number: --task regression.",
        ),
    ],
)
def test_what_cannot_be_learned_is_told(cells: list[str], task: str | None, message: str) -> None:
    with pytest.raises(BadInput) as error:
        make_target("y", cells, task)
    assert str(error.value) == message
