import math

import numpy as np
from optuna.distributions import CategoricalDistribution
import pytest
from sklearn.datasets import make_friedman1
from sklearn.datasets import make_moons
import torch
from torch import nn

from optuna_nas import ops
from optuna_nas.oneshot import Supernet
from optuna_nas.oneshot import train_supernet
from optuna_nas.space import build
from optuna_nas.space import survey
from optuna_nas.spaces import Tabular
from optuna_nas.testing import SpaceTestCase
from optuna_nas.training import fit
from optuna_nas.training import score
from tests.spaces.searching import random_search


PARAMS = {
    "numeric": "none",
    "categorical": "onehot",
    "ensemble": 1,
    "block": "plain",
    "width": 64,
    "depth": 2,
    "norm": "none",
    "activation": "relu",
    "dropout": 0.0,
}
CODES = torch.tensor([[0.0, 2.0, 20.0], [3.0, 1.0, 0.0]])
SMALL = {"widths": [4, 8], "max_depth": 2, "numeric_widths": [2], "categorical_widths": [2]}


class TestOneNetwork(SpaceTestCase):
    max_examples = 10

    @pytest.fixture
    def network(self):
        return Tabular(4, [3, 2, 20], 3, ensembles=[1], **SMALL)

    @pytest.fixture
    def example(self):
        return torch.cat([torch.randn(2, 4), CODES], 1)


class TestEnsembles(SpaceTestCase):
    max_examples = 10
    max_supernets = 5

    @pytest.fixture
    def network(self):
        return Tabular(4, [3, 2, 20], 3, ensembles=[2, 3], **SMALL)

    @pytest.fixture
    def example(self):
        return torch.cat([torch.randn(2, 4), CODES], 1)

    def test_every_architecture_runs(self, network, example):
        """In training mode there is a prediction of each member, so that shapes differ."""

        def law(params):
            module = build(network, params)
            members = module(example)
            assert members.shape == (2, params["ensemble"], 3)
            members.sum().backward()
            assert all(p.grad.isfinite().all() for p in module.parameters())
            assert module.eval()(example).shape == (2, 3)

        self._for_all_params(network, law)


class TestNumbersOnly(SpaceTestCase):
    max_examples = 5

    @pytest.fixture
    def network(self):
        return Tabular(2, (), 1, "regression", [[0, 1, 2], [-1, 1]], ensembles=[1], **SMALL)

    @pytest.fixture
    def example(self):
        return torch.randn(2, 2)


class TestCategoriesOnly(SpaceTestCase):
    max_examples = 5

    @pytest.fixture
    def network(self):
        return Tabular(0, [3, 2, 20], 2, ensembles=[1], **SMALL)

    @pytest.fixture
    def example(self):
        return CODES


def test_a_random_search_runs_on_mixed_columns():
    x, y = make_moons(90, noise=0.3, random_state=0)
    codes = np.stack([y, np.arange(90) % 21], axis=1)
    network = Tabular(2, [1, 20], 2, ensembles=[1, 2], **SMALL)
    random_search(network, np.hstack([x, codes]).astype("float32"), y)


def test_decisions_have_short_names():
    assert set(survey(Tabular(4, [3, 20], 2)).search_space) == {
        *PARAMS,
        "adapters",
        "categorical_width",
        "frequency_scale",
        "numeric_width",
    }


def test_what_belongs_to_some_columns_is_asked_only_if_there_are_any():
    assert "numeric" not in survey(Tabular(0, [3], 2)).search_space
    assert not {"categorical", "categorical_width"} & set(survey(Tabular(4, [], 2)).search_space)
    large = survey(Tabular(0, [20], 2)).search_space
    assert "categorical" not in large
    assert "categorical_width" in large


def test_conditions_are_those_of_its_parts():
    conditions = survey(Tabular(4, [3], 2)).conditions
    assert str(conditions["numeric_width"]) == "numeric in periodic, piecewise"
    assert str(conditions["frequency_scale"]) == "numeric in periodic"
    assert str(conditions["categorical_width"]) == "categorical in embedding"
    assert str(conditions["adapters"]) == "ensemble in 16, 32, 8"


def linears(module):
    return [m for m in module.modules() if isinstance(m, nn.Linear)]


def test_a_plain_one_computes_what_it_says():
    module = build(Tabular(2, [3], 2), PARAMS)
    first, second, head = linears(module)
    x = torch.tensor([[0.3, -1.2, 2.0], [0.0, 1.0, 0.0]])
    row = torch.tensor([[0.3, -1.2, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(module(x), head(second(first(row).relu()).relu()))


def test_a_residual_one_computes_what_it_says():
    params = {**PARAMS, "block": "residual", "depth": 1, "norm": "layer"}
    module = build(Tabular(2, [3], 2), params)
    first, enter, leave, head = linears(module)
    x = torch.tensor([[0.3, -1.2, 0.0], [0.1, 1.0, 0.0]])
    h = first(torch.cat([x, torch.zeros(2, 2)], 1))
    h = h + leave(enter(nn.functional.layer_norm(h, (64,))).relu())
    torch.testing.assert_close(module(x), head(nn.functional.layer_norm(h, (64,)).relu()))


@pytest.mark.parametrize("adapters", ["first", "all"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_an_ensemble_is_the_mean_of_networks_that_share_weights(adapters, task):
    params = {**PARAMS, "ensemble": 8, "adapters": adapters}
    module = build(
        Tabular(3, [], 2, task), {k: v for k, v in params.items() if k != "categorical"}
    )
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.1)
    inputs = next(m for m in module.modules() if isinstance(m, ops.EnsembleInputs))
    shared = [m for m in module.modules() if isinstance(m, ops.BatchEnsembleLinear)]
    heads = module[-1]
    x = torch.randn(5, 3)

    def member(i):
        h = x * inputs.weight[i]
        for layer in shared or linears(module):
            if shared:
                h = h if layer.r is None else h * layer.r[i]
                h = (layer.linear(h) * layer.s[i] + layer.bias[i]).relu()
            else:
                h = layer(h).relu()
        return h @ heads.weight[i] + heads.bias[i]

    members = torch.stack([member(i) for i in range(8)], 1)
    torch.testing.assert_close(module(x), members)
    classes = task == "classification"
    mean = members.softmax(-1).mean(1).log() if classes else members.mean(1)
    torch.testing.assert_close(module.eval()(x), mean)


def test_an_ensemble_of_supernets_is_trained_as_one():
    network = Tabular(2, [], 2, ensembles=[3], **SMALL)
    values = {"numeric": "none", "adapters": "all", "block": "plain", "width": 8, "dropout": 0.0}
    torch.manual_seed(0)
    supernet = Supernet(network, {"ensemble": 3, **values})
    x, y = make_moons(60, noise=0.1, random_state=0)
    data = x.astype("float32"), y
    losses = [epoch.train_loss for epoch in train_supernet(supernet, data, epochs=40, seed=0)]
    assert losses[-1] < losses[0]


def test_bins_may_be_given_or_are_those_of_a_normal_distribution():
    params = {**PARAMS, "numeric": "piecewise", "numeric_width": 4}
    del params["categorical"]
    given = build(Tabular(2, [], 1, bins=np.array([[0.0, 1, 3], [0, 2, 3]])), params)
    (embedding,) = (m for m in given.modules() if isinstance(m, ops.PiecewiseLinearEmbedding))
    assert embedding.left.tolist() == [[0, 1], [0, 2]]
    normal = build(Tabular(2, [], 1), params)
    (embedding,) = (m for m in normal.modules() if isinstance(m, ops.PiecewiseLinearEmbedding))
    shares = 0.5 * (1 + torch.erf(embedding.left[0] / math.sqrt(2)))
    torch.testing.assert_close(shares[1:], torch.arange(1, 16) / 16)


def test_large_categories_are_embedded_where_small_ones_are_one_hot():
    module = build(Tabular(0, [20, 3, 17, 16], 2), {
        **{name: value for name, value in PARAMS.items() if name != "numeric"},
        "categorical_width": 4,
    })  # fmt: skip
    assert linears(module)[0].in_features == 3 + 16 + 2 * 4


def test_default_params_are_active_names_only():
    network = Tabular(4, [3], 2)
    params = network.default_params()
    assert build(network, params)(torch.zeros(2, 5)) is not None
    assert {"numeric", "ensemble", "width", "depth"} <= set(params)


def test_default_params_are_the_nearest_candidates():
    network = Tabular(4, [], 2, widths=[5, 9], ensembles=[1], max_depth=1, norms=["layer"])
    params = network.default_params()
    assert (params["width"], params["depth"], params["norm"]) == (9, 1, "layer")
    assert Tabular(4, [], 2, min_depth=7, max_depth=8).default_params()["depth"] == 7


def test_default_params_leave_torchs_rng_alone():
    before = torch.get_rng_state()
    Tabular(4, [3], 2).default_params()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_default_fits_what_a_linear_model_cannot():
    x, y = make_friedman1(300, random_state=0)
    x, y = (2 * x - 1).astype("float32"), ((y - y.mean()) / y.std()).astype("float32")
    network = Tabular(10, [], 1, "regression", widths=[32], ensembles=[4])
    torch.manual_seed(0)
    module = build(network, network.default_params())
    fit(module, (x[:200], y[:200]), epochs=25, seed=0, device="cpu")
    residual = y - x @ np.linalg.lstsq(x[:200], y[:200], rcond=None)[0]
    linear = 1 - np.square(residual[200:]).sum() / np.square(y[200:] - y[200:].mean()).sum()
    assert score(module, (x[200:], y[200:])) > linear + 0.05


def test_sizes_may_be_numpys():
    network = Tabular(np.int64(2), [np.int64(3)], np.int64(2))
    assert network.cardinalities == (3,)
    assert build(network, PARAMS)(torch.zeros(2, 3)).shape == (2, 2)


def test_two_with_equal_arguments_are_equal():
    first, second = (Tabular(1, kind([3]), 2, bins=kind([kind([0, 1])])) for kind in (list, tuple))
    assert first == second
    assert hash(first) == hash(second)


def test_choices_of_the_default_are_legal():
    space = survey(Tabular(4, [3, 20], 2)).search_space
    for name, value in Tabular(4, [3, 20], 2).default_params().items():
        if isinstance(space[name], CategoricalDistribution):
            assert value in space[name].choices


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("numeric", -1, "an int of at least 0, but got -1."),
        ("numeric", 2.0, "an int of at least 0, but got 2.0."),
        ("cardinalities", 3, "a list of ints of at least 1, one a column, but got 3."),
        ("cardinalities", [3, 0], "a list of ints of at least 1, one a column, but got [3, 0]."),
        ("cardinalities", "ab", "a list of ints of at least 1, one a column, but got 'ab'."),
        ("out_features", 0, "an int of at least 1, but got 0."),
        ("task", "ranking", "one of classification, regression, but got 'ranking'."),
        (
            "bins",
            [[0, 1]],
            "None or 2 lists, of two edges or more each, increasing, but got [[0, 1]].",
        ),
        (
            "bins",
            [[0, 1], [1, 1]],
            "None or 2 lists, of two edges or more each, increasing, but got [[0, 1], [1, 1]].",
        ),
        (
            "bins",
            [[0, 1], [1]],
            "None or 2 lists, of two edges or more each, increasing, but got [[0, 1], [1]].",
        ),
        ("bins", 7, "None or 2 lists, of two edges or more each, increasing, but got 7."),
        (
            "bins",
            [0, 1],
            "None or 2 lists, of two edges or more each, increasing, but got [0, 1].",
        ),
        (
            "numeric_embeddings",
            ["fourier"],
            "a list of names among none, periodic, piecewise, but got ['fourier'].",
        ),
        ("numeric_widths", [0], "a list of ints of at least 1, but got [0]."),
        ("frequency_scales", [0.0], "a list of positive numbers, but got [0.0]."),
        ("frequency_scales", [math.inf], "a list of positive numbers, but got [inf]."),
        (
            "categorical_embeddings",
            "onehot",
            "a list of names among onehot, embedding, but got 'onehot'; for one candidate write "
            "['onehot'].",
        ),
        ("categorical_widths", [], "a list of ints of at least 1, but got []; give at least one."),
        ("ensembles", [1, 1], "a list of ints of at least 1, but got [1, 1]; they must differ."),
        ("adapters", ["none"], "a list of names among first, all, but got ['none']."),
        ("blocks", ["cross"], "a list of names among plain, residual, but got ['cross']."),
        ("widths", [2.5], "a list of ints of at least 1, but got [2.5]."),
        ("min_depth", 0, "an int of at least 1, but got 0."),
        ("max_depth", True, "an int of at least 1, but got True."),
        ("norms", ["group"], "a list of names among none, batch, layer, but got ['group']."),
        (
            "activations",
            ["swish"],
            "a list of names among relu, leaky_relu, elu, gelu, silu, tanh, but got ['swish'].",
        ),
        ("dropouts", [1.0], "a list of numbers of at least 0 and below 1, but got [1.0]."),
    ],
)
def test_illegal_arguments_are_named_with_what_is_legal(name, value, message):
    with pytest.raises(ValueError, match=name) as raised:
        Tabular(**{"numeric": 2, "cardinalities": [3], "out_features": 2, name: value})
    assert str(raised.value) == f"Tabular: {name} must be {message}"


def test_a_table_without_columns_is_refused():
    with pytest.raises(
        ValueError, match=r"^Tabular: cardinalities must be given, but got \(\) and"
    ):
        Tabular(0, [], 2)


def test_depth_does_not_end_before_it_begins():
    with pytest.raises(
        ValueError, match=r"Tabular: max_depth must be at least min_depth \(3\), but got 2\."
    ):
        Tabular(4, [], 2, min_depth=3, max_depth=2)
