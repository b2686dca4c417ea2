from __future__ import annotations

from pathlib import Path

import pytest
import torch

from optuna_nas._cli._data import load_data
from optuna_nas._cli._space import choose_space
from optuna_nas._cli._space import NAMES
from optuna_nas.space import SurveyTrial


@pytest.mark.parametrize("name", [*NAMES, None])
def test_each_space_takes_digits(name: str | None) -> None:
    data = load_data("digits", seed=0)
    module = choose_space(name, data).network(SurveyTrial())
    assert module.eval()(torch.tensor(data.valid[0][:2])).shape == (2, 10)


def test_tables_take_perceptrons_with_an_output_a_class_or_one(flowers_csv: Path) -> None:
    kinds = choose_space(None, load_data(str(flowers_csv), target="kind", seed=0))
    assert (kinds.name, kinds.arguments) == ("MLP", {"in_features": 5, "out_features": 2})
    lengths = choose_space(None, load_data(str(flowers_csv), target="length", seed=0))
    assert lengths.arguments["out_features"] == 1
