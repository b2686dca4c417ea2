from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._task import make_targets


THREE = np.arange(60) % 3
MANY = np.arange(60)
TEXTS = np.array(["b", "a"] * 10, object)


def test_texts_are_classes() -> None:
    y, targets, reason = make_targets("kind", TEXTS, None)
    assert targets.labels.tolist() == ["a", "b"]
    assert targets.encode(y).tolist() == [1, 0] * 10
    assert reason == "target 'kind': 2 different texts, so classification"


def test_few_whole_numbers_are_classes_in_their_order() -> None:
    _, targets, reason = make_targets("k", np.array([10.0, 9.0, 2.0] * 10), None)
    assert targets.labels.tolist() == [2, 9, 10]
    assert reason == "target 'k': 3 different whole numbers, so classification"


def test_yes_and_no_are_classes() -> None:
    _, targets, _ = make_targets("k", np.array([True, False] * 10), None)
    assert targets.labels.tolist() == [False, True]


@pytest.mark.parametrize(
    ("y", "seen"),
    [
        (MANY, "60 different whole numbers"),
        (np.array([0.5, 1.5] * 30), "2 different numbers"),
        (np.array([[0.5, 1.5], [1, 2]] * 30), "2 numbers a row"),
    ],
)
def test_other_numbers_are_quantities(y: Any, seen: str) -> None:
    _, targets, reason = make_targets("price", y, None)
    assert targets.task == "regression"
    assert reason == f"target 'price': {seen}, so regression"


def test_the_task_can_be_overridden_and_that_is_said() -> None:
    _, targets, reason = make_targets("k", THREE, "regression")
    assert targets.task == "regression"
    assert reason == "target 'k': 3 different whole numbers; regression, as --task says"


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        (
            TEXTS,
            "regression",
            "--task regression needs numbers, but target 'y' holds 2 different texts.",
        ),
        (
            np.ones((60, 2)) / 3,
            "classification",
            "--task classification needs one label a row, but target 'y' has 2.",
        ),
        (
            np.array(["a"] * 60, object),
            None,
            "target 'y' has one class only ('a'), so there is nothing to learn.",
        ),
        (
            np.array([2.5] * 60),
            None,
            "target 'y' is 2.5 in every row, so there is nothing to learn.",
        ),
        (
            np.array(["a", "b"] * 30 + ["c"], object),
            None,
            "target 'y' has classes with fewer than 5 rows, too few to be in the training, "
            "validation and test part: 'c' (1). Take those rows out or join classes.",
        ),
        (
            MANY,
            "classification",
            "target 'y' has classes with fewer than 5 rows, too few to be in the training, "
            "validation and test part: 0 (1), 1 (1), 2 (1), 3 (1), 4 (1) and 55 more. "
            "Take those rows out or join classes, or take it for a number: --task regression.",
        ),
    ],
)
def test_what_cannot_be_learned_is_told(y: Any, task: str | None, message: str) -> None:
    with pytest.raises(BadInput, match=f"^{re.escape(message)}$"):
        make_targets("y", y, task)
