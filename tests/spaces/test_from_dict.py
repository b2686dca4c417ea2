import pickle

import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
from optuna.trial import FixedTrial
import pytest
import torch
from torch import nn

from optuna_nas.space import build
from optuna_nas.space import SearchSpaceError
from optuna_nas.space import survey
from optuna_nas.spaces import from_dict
from optuna_nas.testing import SpaceTestCase


ARTICLES = {
    "num_hidden_layers": [1, 2, 3, 4, 5],
    "hidden_layer_size": [32, 64, 128, 256, 512],
    "activation_function": ["ReLU", "LeakyReLU", "Tanh"],
    "learning_rate": [0.1, 0.01, 0.001, 0.0001],
    "optimizer": ["Adam", "SGD", "RMSprop"],
    "dropout_rate": [0, 0.2, 0.4, 0.6],
}
MIXED = {
    "width": range(8, 33, 8),
    "slope": FloatDistribution(0.01, 0.3, log=True),
    "dropout": FloatDistribution(0.0, 0.5, step=0.1),
    "bias": [True, False],
    "depth": IntDistribution(1, 8, log=True),
}


def perceptron(chosen):
    layers, width = [nn.Flatten()], 20
    for _ in range(chosen["num_hidden_layers"]):
        layers += [
            nn.Linear(width, chosen["hidden_layer_size"]),
            getattr(nn, chosen["activation_function"])(),
            nn.Dropout(chosen["dropout_rate"]),
        ]
        width = chosen["hidden_layer_size"]
    return nn.Sequential(*layers, nn.Linear(width, 2))


def mixed(chosen):
    layers = [nn.Linear(20, chosen["width"], chosen["bias"])]
    layers += [nn.LeakyReLU(chosen["slope"]) for _ in range(chosen["depth"])]
    return nn.Sequential(*layers, nn.Dropout(chosen["dropout"]))


def identity(chosen):
    return nn.Identity()


class TestTheArticlesSpace(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return from_dict(ARTICLES, perceptron)

    @pytest.fixture
    def example(self):
        return torch.randn(2, 20)


class TestRangesAndDistributions(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return from_dict(MIXED, mixed)


def test_the_articles_space_has_3600_combinations():
    surveyed = survey(from_dict(ARTICLES, perceptron))
    assert surveyed.size == 3_600
    assert {name: list(d.choices) for name, d in surveyed.search_space.items()} == ARTICLES


def test_build_gets_what_was_chosen():
    chosen = {name: values[-1] for name, values in ARTICLES.items()}
    seen = []

    def remember(values):
        seen.append(values)
        return nn.Identity()

    build(from_dict(ARTICLES, remember), chosen)
    assert seen == [chosen]


def test_it_runs_on_a_bare_optuna_trial():
    chosen = {name: values[0] for name, values in ARTICLES.items()}
    network = from_dict(ARTICLES, perceptron)
    assert network(FixedTrial(chosen))(torch.randn(2, 20)).shape == (2, 2)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask()
    network(trial)
    assert list(trial.params) == list(ARTICLES)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(1, 6), IntDistribution(1, 5)),
        (range(16, 65, 16), IntDistribution(16, 64, step=16)),
        (range(16, 60, 16), IntDistribution(16, 48, step=16)),
        (range(5, 0, -2), IntDistribution(1, 5, step=2)),
        (range(3, 4), IntDistribution(3, 3)),
    ],
)
def test_a_range_is_its_integers(values, expected):
    assert from_dict({"n": values}, perceptron).search_space == {"n": expected}


def test_it_can_be_pickled_compared_and_hashed():
    network = from_dict(ARTICLES, perceptron)
    assert pickle.loads(pickle.dumps(network)) == network
    assert hash(network) == hash(from_dict(ARTICLES, perceptron))


def test_it_keeps_no_hold_of_the_mapping():
    mapping = {"n": [1, 2]}
    network = from_dict(mapping, identity)
    mapping["n"].append(3)
    mapping["m"] = [1]
    assert survey(network).size == 2


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ((1, 5), "For anything between write range(1, 6); for one of these two, [1, 5]."),
        (
            (0.1, 0.001),
            "For anything between write optuna.distributions.FloatDistribution(0.001, 0.1); "
            "for one of these two, [0.1, 0.001].",
        ),
        (("Adam", "SGD"), "For one of these write ['Adam', 'SGD']."),
        ((1, 2, 3), "For one of these write [1, 2, 3]."),
        ({"b", "a"}, "For one of these write ['a', 'b']."),
        ((), "Give at least one, in a list."),
        (64, "If it does not vary, use it in build; or write [64]."),
        ("Adam", "If it does not vary, use it in build; or write ['Adam']."),
        (None, "If it does not vary, use it in build; or write [None]."),
        (range(5, 1), "This range is empty: its end is not included."),
        (np.array([1, 2]), "For one of these write [1, 2]."),
    ],
)
def test_values_of_another_kind_are_refused_with_a_guess(values, remedy):
    with pytest.raises(SearchSpaceError) as raised:
        from_dict({"width": values}, perceptron)
    assert str(raised.value) == (
        "Decision 'width': values must be a list, a range or an Optuna distribution, but got "
        f"{values!r} ({type(values).__name__}). {remedy}"
    )


def test_what_cannot_be_guessed_is_refused_without_a_guess():
    with pytest.raises(SearchSpaceError, match=r"but got <object object at .*> \(object\)\.$"):
        from_dict({"width": object()}, perceptron)


def test_all_problems_are_told_at_once():
    with pytest.raises(SearchSpaceError) as raised:
        from_dict({"a": [], "b": [1, 2], "c": 3, "d": [nn.ReLU], "": [1]}, perceptron)
    lines = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == [
        "Decision 'a'",
        "Decision 'c'",
        "Decision 'd'",
    ]
    assert lines[3] == "A decision's name must be a str that is not empty, got ''."


@pytest.mark.parametrize("mapping", [None, [("n", [1])], "n"])
def test_the_mapping_is_a_dict(mapping):
    with pytest.raises(TypeError, match="mapping must be a dict from a name to its values, but"):
        from_dict(mapping, perceptron)


@pytest.mark.parametrize("wrong", [None, "perceptron", nn.Linear(1, 1)])
def test_build_is_a_function(wrong):
    with pytest.raises(TypeError, match="build must be a function from the dict of chosen values"):
        from_dict(ARTICLES, wrong)


def test_what_build_gives_is_a_module():
    with pytest.raises(TypeError, match=r"must give an nn\.Module"):
        build(from_dict({"n": [1]}, dict), {"n": 1})
