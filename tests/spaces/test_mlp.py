import numpy as np
from optuna.trial import FixedTrial
import pytest
import torch
from torch import nn

from optuna_nas import ops
from optuna_nas.space import build
from optuna_nas.space import SampledTrial
from optuna_nas.space import survey
from optuna_nas.spaces import MLP
from optuna_nas.testing import SpaceTestCase


PARAMS = {"activation": "relu", "norm": "none", "dropout": 0.0, "residual": False}


class TestDefaults(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return MLP(in_features=7, out_features=3)

    @pytest.fixture
    def example(self):
        return torch.randn(2, 7)


class TestAWidthForEachLayer(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return MLP(in_features=12, out_features=1, shared_width=False, widths=(3, 5))

    @pytest.fixture
    def example(self):
        return torch.randn(2, 3, 2, 2)


class TestOneCandidateEach(SpaceTestCase):
    max_examples = 2

    @pytest.fixture
    def network(self):
        return MLP(
            in_features=4,
            out_features=2,
            min_depth=2,
            max_depth=2,
            widths=[8],
            activations=["elu"],
            norms=["batch"],
            dropouts=[0],
            residual=[True],
        )

    @pytest.fixture
    def example(self):
        return torch.randn(2, 4)


def test_decisions_have_short_names():
    assert set(survey(MLP(4, 2)).search_space) == {*PARAMS, "depth", "width"}
    assert set(survey(MLP(4, 2, max_depth=2, shared_width=False)).search_space) == {
        *PARAMS,
        "depth",
        "layer0/width",
        "layer1/width",
    }


def test_a_plain_one_computes_what_it_says():
    module = build(MLP(4, 2), {**PARAMS, "depth": 2, "width": 32})
    first, second, head = (m for m in module.modules() if isinstance(m, nn.Linear))
    x = torch.randn(5, 4)
    assert torch.equal(module(x), head(second(first(x).relu()).relu()))


def test_a_residual_layer_adds_its_input():
    params = {**PARAMS, "residual": True, "depth": 2, "layer0/width": 8, "layer1/width": 8}
    module = build(MLP(4, 2, max_depth=2, widths=[8, 16], shared_width=False), params)
    first, shortcut, second, head = (m for m in module.modules() if isinstance(m, nn.Linear))
    x = torch.randn(5, 4)
    h = first(x).relu() + shortcut(x)
    assert torch.equal(module(x), head(second(h).relu() + h))


def test_it_has_the_layers_that_were_chosen():
    params = {"depth": 1, "width": 64, "norm": "layer", "activation": "tanh", "dropout": 0.3}
    _, hidden, _ = build(MLP(4, 2), {**params, "residual": False})
    assert repr(list(hidden[0])) == repr(
        [nn.Linear(4, 64), nn.LayerNorm(64), nn.Tanh(), nn.Dropout(0.3)]
    )


def test_sizes_may_be_numpys():
    with torch.device("meta"):
        module = build(MLP(np.int64(4), np.int64(2)), {**PARAMS, "depth": 1, "width": 32})
    assert module[-1].weight.shape == (2, 32)


def test_two_with_equal_arguments_are_equal():
    assert MLP(4, 2, widths=[8, 16]) == MLP(4, 2, widths=(8, 16))
    assert hash(MLP(4, 2, widths=[8, 16])) == hash(MLP(4, 2, widths=(8, 16)))


def test_it_leaves_the_arguments_it_was_given_alone():
    widths = [8, 16]
    network = MLP(4, 2, widths=widths)
    widths.append(32)
    assert network.widths == (8, 16)


def test_every_activation_and_normalization_can_be_chosen():
    network = MLP(4, 2, activations=list(ops.activations()), norms=list(ops.normalizations(1)))
    assert survey(network).size == 4 * 4 * 6 * 3 * 4 * 2


@pytest.mark.parametrize("name", ["in_features", "out_features", "min_depth", "max_depth"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3", None])
def test_sizes_are_ints_of_at_least_1(name, value):
    message = f"^MLP: {name} must be an int of at least 1, but got {value!r}.$"
    with pytest.raises(ValueError, match=message):
        MLP(**{"in_features": 4, "out_features": 2, name: value})


def test_depth_does_not_end_before_it_begins():
    with pytest.raises(
        ValueError, match=r"MLP: max_depth must be at least min_depth \(3\), but got 2\."
    ):
        MLP(4, 2, min_depth=3, max_depth=2)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("widths", 64, "a list of ints of at least 1, but got 64; for one candidate write [64]."),
        ("widths", (), "a list of ints of at least 1, but got (); give at least one."),
        ("widths", (64, 0), "a list of ints of at least 1, but got (64, 0)."),
        ("widths", (8, 8), "a list of ints of at least 1, but got (8, 8); they must differ."),
        ("widths", {8: 1}, "a list of ints of at least 1, but got {8: 1}."),
        (
            "activations",
            ["relu", "swish"],
            "a list of names among relu, leaky_relu, elu, gelu, silu, tanh, "
            "but got ['relu', 'swish'].",
        ),
        ("norms", "batch", "a list of names among none, batch, layer, but got 'batch'; "
         "for one candidate write ['batch']."),
        ("dropouts", [1.0], "a list of numbers of at least 0 and below 1, but got [1.0]."),
        ("dropouts", ["0"], "a list of numbers of at least 0 and below 1, but got ['0']."),
        ("residual", True, "a list of bools, but got True; for one candidate write [True]."),
        ("residual", [1], "a list of bools, but got [1]."),
        ("shared_width", "yes", "True or False, but got 'yes'."),
    ],
)  # fmt: skip
def test_illegal_arguments_are_named_with_what_is_legal(name, value, message):
    with pytest.raises(ValueError, match=name) as raised:
        MLP(4, 2, **{name: value})
    assert str(raised.value) == f"MLP: {name} must be {message}"


def test_plain_optuna_params_are_its_format():
    trial = FixedTrial({**PARAMS, "depth": 1, "width": 32})
    assert MLP(4, 2)(SampledTrial(trial))(torch.randn(5, 4)).shape == (5, 2)
