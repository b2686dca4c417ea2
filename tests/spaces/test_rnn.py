import numpy as np
import pytest
import torch
from torch import nn

from optuna_nas.space import build
from optuna_nas.space import survey
from optuna_nas.spaces import RNN
from optuna_nas.testing import SpaceTestCase
from tests.spaces.searching import digits
from tests.spaces.searching import random_search


PARAMS = {
    "hidden": 32,
    "bidirectional": False,
    "layers": 1,
    "cell": "lstm",
    "dropout": 0.0,
    "readout": "last",
}


class TestDefaults(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return RNN(in_features=3, out_features=5)

    @pytest.fixture
    def example(self):
        return torch.randn(2, 6, 3)


class TestSequencesOfOneNumberAndOneStep(SpaceTestCase):
    max_examples = 5

    @pytest.fixture
    def network(self):
        return RNN(1, 1, min_layers=2, max_layers=2, hidden=[3], bidirectional=[False])

    @pytest.fixture
    def example(self):
        return torch.randn(2, 1, 1)


def test_a_random_search_runs_on_sequences():
    X, y = digits()
    random_search(RNN(in_features=8, out_features=10, hidden=[8, 16]), X.squeeze(1), y)


def test_size_is_the_product_of_its_choices():
    surveyed = survey(RNN(3, 5))
    assert set(surveyed.search_space) == {*PARAMS, "skip"}
    assert surveyed.size == 3 * 2 * 3 * 4 * 2 * (1 + 2 + 2)


def test_skips_are_asked_about_with_two_layers_or_more():
    assert str(survey(RNN(3, 5)).conditions["skip"]) == "layers in 2, 3"


def test_one_layer_computes_what_torchs_does():
    module = build(RNN(3, 5), PARAMS)
    lstm = nn.LSTM(3, 32, batch_first=True)
    lstm.load_state_dict(next(m for m in module.modules() if type(m) is nn.LSTM).state_dict())
    x = torch.randn(4, 6, 3)
    _, (state, _) = lstm(x)
    torch.testing.assert_close(module(x), module[-1](state[0]))


def test_two_directions_read_out_the_last_state_of_each():
    module = build(RNN(3, 5), {**PARAMS, "cell": "gru", "bidirectional": True})
    gru = next(m for m in module.modules() if isinstance(m, nn.GRU))
    x = torch.randn(4, 6, 3)
    _, states = gru(x)
    assert states.shape == (2, 4, 16)
    torch.testing.assert_close(module(x), module[-1](torch.cat([*states], dim=1)))


def test_a_skip_adds_the_input_of_layers_but_the_first():
    params = {**PARAMS, "cell": "rnn", "layers": 2, "skip": True, "readout": "mean"}
    module = build(RNN(3, 5), params)
    first, second = (m for m in module.modules() if isinstance(m, nn.RNN))
    x = torch.randn(4, 6, 3)
    h, _ = first(x)
    torch.testing.assert_close(module(x), module[-1]((h + second(h)[0]).mean(1)))


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
@pytest.mark.parametrize(("bidirectional", "directions", "size"), [(False, 1, 64), (True, 2, 32)])
def test_parameters_are_those_of_its_parts(cell, gates, bidirectional, directions, size):
    changes = {"cell": cell, "hidden": 64, "bidirectional": bidirectional, "layers": 2}
    with torch.device("meta"):
        module = build(RNN(7, 10), {**PARAMS, **changes, "skip": False})
    layers = sum(directions * gates * size * (inputs + size + 2) for inputs in (7, 64))
    assert sum(p.numel() for p in module.parameters()) == layers + 64 * 10 + 10


def test_dropout_follows_each_layer():
    module = build(RNN(3, 5), {**PARAMS, "layers": 3, "skip": True, "dropout": 0.3})
    assert [m.p for m in module.modules() if isinstance(m, nn.Dropout)] == [0.3, 0.3, 0.3]


def test_it_takes_sequences_of_any_length():
    module = build(RNN(3, 5), PARAMS)
    for time in (1, 9):
        assert module(torch.randn(2, time, 3)).shape == (2, 5)


def test_it_learns_which_way_a_sequence_goes():
    torch.manual_seed(0)
    module = build(RNN(1, 2), {**PARAMS, "cell": "gru"})
    x = torch.linspace(-1, 1, 8).expand(64, 8).clone()
    x[32:] *= -1
    x += 0.3 * torch.randn(64, 8)
    y = torch.arange(64) // 32
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.01)
    for _ in range(30):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x.unsqueeze(2)), y).backward()
        optimizer.step()
    assert (module(x.unsqueeze(2)).argmax(1) == y).float().mean() > 0.95


def test_sizes_may_be_numpys():
    assert build(RNN(np.int64(3), np.int64(5)), PARAMS)[-1].out_features == 5


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("in_features", 0, "an int of at least 1, but got 0."),
        ("out_features", 1.5, "an int of at least 1, but got 1.5."),
        ("min_layers", True, "an int of at least 1, but got True."),
        ("max_layers", "3", "an int of at least 1, but got '3'."),
        (
            "cells",
            "lstm",
            "a list of names among rnn, gru, lstm, but got 'lstm'; for one candidate write "
            "['lstm'].",
        ),
        ("hidden", [0], "a list of ints of at least 1, but got [0]."),
        (
            "hidden",
            [16, 17],
            "a list of even ints, but got (16, 17); or give bidirectional=[False].",
        ),
        ("bidirectional", [0, 1], "a list of bools, but got [0, 1]."),
        ("dropouts", [1.0], "a list of numbers of at least 0 and below 1, but got [1.0]."),
        ("dropouts", [False], "a list of numbers of at least 0 and below 1, but got [False]."),
        ("skips", [], "a list of bools, but got []; give at least one."),
        ("readouts", ["max"], "a list of names among last, mean, but got ['max']."),
    ],
)
def test_illegal_arguments_are_named_with_what_is_legal(name, value, message):
    with pytest.raises(ValueError, match=name) as raised:
        RNN(**{"in_features": 3, "out_features": 5, name: value})
    assert str(raised.value) == f"RNN: {name} must be {message}"


def test_layers_do_not_end_before_they_begin():
    with pytest.raises(
        ValueError, match=r"^RNN: max_layers must be at least min_layers \(3\), but got 2\.$"
    ):
        RNN(3, 5, min_layers=3, max_layers=2)
