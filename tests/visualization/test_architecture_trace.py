from __future__ import annotations

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas import build
from optuna_nas import ops
from optuna_nas import spaces
from optuna_nas.visualization._trace import trace
from tests.visualization.architectures import folded
from tests.visualization.architectures import links
from tests.visualization.architectures import Residual
from tests.visualization.architectures import said
from tests.visualization.architectures import traced


class Branches(nn.Module):
    """A skip over a concatenation of two branches, with functions, and a layer that never runs."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.right = nn.Conv2d(3, 2, 1, stride=2)
        self.skip = nn.Conv2d(3, 6, 1, stride=2, bias=False)
        self.never = nn.Linear(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([F.relu(self.left(x)), self.right(x).sigmoid()], dim=1)
        both += self.skip(x)
        return both.mean((2, 3))


def test_branches_and_joins_are_those_of_the_computation() -> None:
    (diagram,) = folded(Branches(), torch.zeros(2, 3, 8, 8))
    assert links(diagram) == {
        ("input", "3×3 conv 4 /2, ReLU"),
        ("input", "1×1 conv 2 /2, sigmoid"),
        ("input", "1×1 conv 6 /2"),
        ("3×3 conv 4 /2, ReLU", "concat"),
        ("1×1 conv 2 /2, sigmoid", "concat"),
        ("concat", "+"),
        ("1×1 conv 6 /2", "+"),
        ("+", "mean"),
        ("mean", "output"),
    }


def test_parameters_that_did_not_run_are_told_apart() -> None:
    computation = traced(Branches(), torch.zeros(1, 3, 8, 8))
    assert computation.idle == 30
    assert computation.parameters == sum(p.numel() for p in Branches().parameters())


def test_shapes_are_those_of_one_row() -> None:
    (diagram,) = folded(Branches(), torch.zeros(2, 3, 8, 8))
    assert [box.shape for box in diagram.boxes][-3:] == [(6, 4, 4), (6,), (6,)]


def test_members_of_an_ensemble_are_those_of_one_row_although_they_are_rows() -> None:
    """``ops.EnsembleInputs`` makes ``[n * k, features]`` of ``[n, features]``."""
    network = spaces.Tabular(numeric=3, cardinalities=[], out_features=2)
    params = {**network.default_params(), "ensemble": 32, "width": 64}
    (diagram,) = folded(build(network, params), torch.zeros(2, 3))
    shapes = [box.shape for box in diagram.boxes]
    assert (shapes[0], shapes[-1]) == ((3,), (2,))
    assert set(shapes[1:-2]) == {(32, 3), (32, 64)}


def test_a_concatenation_of_one_tensor_is_no_step() -> None:
    class One(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x], dim=1).relu()

    assert [one.name for one in traced(One(), torch.zeros(2, 3)).operations] == ["input", "ReLU"]


def test_a_tensor_with_time_first_keeps_its_steps() -> None:
    class TimeFirst(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(x.transpose(0, 1)).transpose(0, 1).sum(1)

    assert traced(TimeFirst(), torch.zeros(2, 16, 3)).operations[1].shape == (16, 2, 3)


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.layer(x)) + self.bias


def test_a_layer_that_runs_twice_is_there_twice_and_its_weights_once() -> None:
    computation = traced(Shared(), torch.zeros(2, 3))
    names = [(one.name, one.parameters) for one in computation.operations]
    assert names == [("input", 0), ("linear", 12), ("linear", 0), ("add parameter", 3)]
    assert computation.idle == 0


class ClassToken(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, 4))
        layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
        return self.encoder(x)[:, 0]  # type: ignore[no-any-return]


def test_torchs_own_transformer_is_opened_and_its_layers_are_one() -> None:
    (diagram,) = folded(ClassToken(), torch.zeros(2, 5, 4))
    assert [box.times for box in diagram.boxes] == [1, 1, 3, 1]
    inside = diagram.boxes[2].inside
    assert inside is not None
    assert "attention 2 heads, dropout 0.1" in said(inside)
    assert traced(ClassToken(), torch.zeros(2, 5, 4)).idle == 0


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x: Tensor, scale: Tensor) -> dict[str, Tensor]:
        out, (hidden, _) = self.lstm(x * scale)
        out[:, 0] = 0.0
        return {"out": out, "hidden": hidden}


def test_several_inputs_and_outputs_are_drawn_each() -> None:
    (diagram,) = folded(Recurrent(), torch.zeros(2, 5, 3), torch.zeros(2, 5, 3))
    lstm = "2-layer bidirectional LSTM 8"
    assert links(diagram) == {
        ("input 1", "×"),
        ("input 2", "×"),
        ("×", lstm),
        (lstm, "assign"),
        ("assign", "output"),
        (lstm, "output 2"),
    }
    assert traced(Recurrent(), torch.zeros(2, 5, 3), torch.zeros(2, 5, 3)).flops > 0


class Zeros(nn.Module):
    """Its second branch is zero, and its third one costs and is thrown away."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.third = nn.Linear(4, 4), nn.Linear(4, 4)
        self.zero = ops.Zero()

    def forward(self, x: Tensor) -> Tensor:
        third = self.third(x)
        return sum([self.first(x), self.zero(x), self.zero(third)])  # type: ignore[return-value]


def test_zeros_leave_sums_and_what_only_they_need_is_marked_as_not_used() -> None:
    (diagram,) = folded(Zeros(), torch.zeros(2, 4))
    assert said(diagram) == ["input", "linear 4", "linear 4", "output"]
    assert [box.used for box in diagram.boxes].count(False) == 1


def test_a_network_of_zeros_still_gives_something() -> None:
    (diagram,) = folded(nn.Sequential(ops.Zero(), nn.Linear(4, 2)), torch.zeros(2, 4))
    assert links(diagram) == {("input", "zero"), ("zero", "linear 2"), ("linear 2", "output")}


def test_what_changes_nothing_is_not_drawn() -> None:
    module = nn.Sequential(nn.Identity(), nn.Flatten(), nn.Dropout(0.0), nn.Unflatten(1, (2, 2)))
    (diagram,) = folded(module, torch.zeros(2, 4))
    assert links(diagram) == {("input", "output")}


def test_sums_of_sums_are_one() -> None:
    class Sums(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            return x + sum(layer(x) for layer in self.layers)

    (diagram,) = folded(Sums(), torch.zeros(2, 3))
    assert said(diagram).count("+") == 1
    assert sum(arrow.head == said(diagram).index("+") for arrow in diagram.arrows) == 4


def test_a_tensor_that_is_given_twice_plays_two_parts() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return self.a(x) * self.b(y)

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pair = Pair()

        def forward(self, x: Tensor) -> Tensor:
            return self.pair(x, x)  # type: ignore[no-any-return]

    computation = traced(Twice(), torch.zeros(2, 3))
    call = next(call for call in computation.calls if call.type == "Pair")
    assert len(set(call.args)) == 2
    assert {operation for operation, _ in call.args} == {0}


def test_a_root_that_is_one_layer_is_drawn() -> None:
    (diagram,) = folded(nn.Linear(3, 2), torch.zeros(2, 3))
    assert said(diagram) == ["input", "linear 2", "output"]


def test_modules_on_the_meta_device_need_no_weights() -> None:
    computation = trace(Residual(4).to("meta"), [torch.zeros(2, 4)], training=False, whole=())
    assert computation.flops == 2 * 4 * 4


def test_a_weight_counts_where_what_was_made_of_it_is_used() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(4))

        def forward(self, x: Tensor) -> Tensor:
            return x * (2 * self.scale).exp()

    computation = traced(Scaled(), torch.zeros(2, 4))
    assert [one.parameters for one in computation.operations] == [0, 4]
    assert computation.idle == 0
