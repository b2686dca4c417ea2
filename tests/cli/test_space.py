from __future__ import annotations

from pathlib import Path
import sys

import numpy as np
import pytest

from optuna_nas._cli._data import load_data
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._options import Options
from optuna_nas._cli._options import SPACES
from optuna_nas._cli._setup import set_up
from optuna_nas._cli._space import first_choices
from optuna_nas._cli._space import MORE
from optuna_nas._cli._space import Space
from optuna_nas._estimator._spaces import FITTING
from optuna_nas.space import SampledTrial


OWN = """
import torch
from torch import nn

def net(trial):
    width = trial.suggest_int("width", 2, 8)
    return nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, 2))

def narrow(trial):
    return nn.Linear(4, 2)

def one(trial):
    return nn.Linear(5, 1)

number = 3
"""


def made(source: object, **options: object) -> Space:
    return set_up(Options(str(source), **options)).space  # type: ignore[arg-type]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "own", raising=False)
    Path("own.py").write_text(OWN)


@pytest.mark.parametrize("name", [*FITTING["image"], *MORE, None])
def test_each_space_for_images_takes_digits(name: str | None) -> None:
    setup = set_up(Options("digits", space=name))
    assert setup.epochs == 15
    space = setup.space
    module = space.network(SampledTrial(first_choices(space.default_params)))
    assert module.eval()(setup.data.valid[0][:2]).shape == (2, 10)
    assert "num_classes" in space.arguments or "out_features" in space.arguments or name in MORE


def test_the_names_are_those_of_the_estimators_and_more() -> None:
    assert set(SPACES) == {*MORE, *(name for names in FITTING.values() for name in names)}


def test_tables_take_tabular_networks_with_an_output_a_class_or_one(flowers_csv: Path) -> None:
    kinds = made(flowers_csv, target="kind")
    assert (kinds.name, kinds.arguments) == (
        "Tabular",
        {"numeric": 2, "cardinalities": (3,), "out_features": 2},
    )
    lengths = made(flowers_csv, target="length", space="mlp")
    assert (lengths.name, lengths.arguments["out_features"]) == ("MLP", 1)


def test_sequences_take_recurrent_networks(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(60, 7, 2)), np.arange(60) % 2
    np.savez(tmp_path / "a.npz", X=x, y=y)
    assert made(tmp_path / "a.npz").name == "RNN"


def test_a_network_of_ones_own_takes_prepared_rows(flowers_csv: Path, own: None) -> None:
    space = made(flowers_csv, target="kind", space="own:net")
    assert (space.name, space.arguments, space.default_params) == ("own:net", {}, {})


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("nowhere:net", r"^--space nowhere:net: module 'nowhere' cannot be imported from .*: No "
         r"module named 'nowhere'\.$"),
        ("own:nets", r"^--space own:nets: module 'own' has no function or class 'nets'\. Did you "
         r"mean 'net'\?$"),
        ("own:number", r"^--space own:number: module 'own' has no function or class 'number'\."),
        ("own:narrow", r"^--space own:narrow: a network of it cannot take rows \[n, 5\]: mat1 "),
        ("own:one", r"^--space own:one: a network of it must give \[n, 2\] for rows \[n, 5\], but "
         r"gives \(2, 1\) for 2 rows\.$"),
    ],
)  # fmt: skip
def test_a_network_that_does_not_fit_is_told(
    flowers_csv: Path, own: None, space: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        made(flowers_csv, target="kind", space=space)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("tabular", r"^--space tabular is for tables, but digits holds images\. There is: cnn, "
         r"mlp, transformer, nasbench201, mobilenet, darts, hierarchical\.$"),
        ("nasbench", r"^--space must be one of .*, or module:function, not 'nasbench'\. Did you "
         r"mean 'nasbench201'\?$"),
    ],
)  # fmt: skip
def test_a_space_that_is_not_for_such_data_is_told(space: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        load_data(Options("digits", space=space))
