from __future__ import annotations

import inspect
import re

from optuna_nas import NASClassifier
from optuna_nas import NASRegressor


OWN = {"scoring", "class_weight", "best_model_", "classes_"}


def described(estimator: type) -> dict[str, str]:
    """From the name of each argument and attribute to what the docstring says of it."""
    found = re.split(
        r"^    (\w+):$", inspect.cleandoc(estimator.__doc__ or ""), flags=re.MULTILINE
    )
    return dict(zip(found[1::2], map(str.strip, found[2::2]), strict=True))


def test_both_estimators_say_the_same_of_what_they_share() -> None:
    classifier, regressor = described(NASClassifier), described(NASRegressor)
    assert classifier.keys() ^ regressor.keys() == {"class_weight", "classes_"}
    differ = {n for n in classifier.keys() & regressor.keys() if classifier[n] != regressor[n]}
    assert differ <= OWN
    assert "sampler" in classifier


def test_every_argument_is_described() -> None:
    for estimator in (NASClassifier, NASRegressor):
        assert set(inspect.signature(estimator).parameters) <= described(estimator).keys()
