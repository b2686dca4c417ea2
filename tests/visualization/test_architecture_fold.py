from __future__ import annotations

import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_nas import ops
from tests.visualization.architectures import folded
from tests.visualization.architectures import Residual
from tests.visualization.architectures import said


def test_a_chain_is_one_box_with_what_belongs_together_in_a_line() -> None:
    module = ops.inverted_bottleneck(4, 6, kernel=3, expansion=2)
    (diagram,) = folded(nn.Sequential(module, nn.ReLU()), torch.zeros(2, 4, 8, 8))
    lines = "1×1 conv 8, BN, ReLU / 3×3 dw conv 8, BN, ReLU / 1×1 conv 6, BN, ReLU"
    assert said(diagram) == ["input", lines, "output"]
    assert diagram.boxes[1].kind == "convolution"
    assert diagram.boxes[1].parameters == sum(p.numel() for p in module.parameters())


def test_separable_convolutions_are_called_so_and_counted() -> None:
    module = ops.darts_operations(4)["sep_conv_3x3"]()
    (diagram,) = folded(module, torch.zeros(2, 4, 8, 8))
    assert said(diagram)[1] == "ReLU / 3×3 sep. conv 4, BN, ReLU / 3×3 sep. conv 4, BN"


def test_equal_lines_in_a_row_are_one() -> None:
    module = nn.Sequential(*(layer for _ in range(3) for layer in (nn.Linear(4, 4), nn.ReLU())))
    (diagram,) = folded(module, torch.zeros(2, 4))
    assert said(diagram) == ["input", "3 × (linear 4, ReLU)", "output"]


def test_equal_blocks_in_a_row_are_a_frame() -> None:
    module = nn.Sequential(*(Residual(4) for _ in range(5)), nn.Linear(4, 2))
    (diagram,) = folded(module, torch.zeros(2, 4))
    frame = diagram.boxes[1]
    assert frame.times == 5
    assert frame.parameters == 5 * 20
    assert frame.inside is not None
    assert [box.kind for box in frame.inside.boxes] == ["port", "linear", "sum", "port"]


def test_equal_blocks_that_are_chains_are_a_box() -> None:
    layers = (nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)) for _ in range(3))
    (diagram,) = folded(nn.Sequential(*layers), torch.zeros(2, 4))
    assert [box.times for box in diagram.boxes] == [1, 3, 1]
    assert said(diagram)[1] == "linear 4, ReLU / linear 4"


def test_blocks_of_other_widths_are_not_folded() -> None:
    layers = [nn.Sequential(nn.Linear(4, 4)), nn.Sequential(nn.Linear(4, 5))]
    (diagram,) = folded(nn.Sequential(*layers), torch.zeros(2, 4))
    assert said(diagram) == ["input", "linear 4", "linear 5", "output"]


class Dense(nn.Module):
    """Each layer takes the sum of all before, so that no run is a chain."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Residual(4) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        states = [x]
        for layer in self.layers:
            states.append(layer(torch.stack(states).sum(0)))
        return states[-1]


def test_blocks_that_take_more_than_the_one_before_are_not_folded() -> None:
    (diagram,) = folded(Dense(), torch.zeros(2, 4))
    assert {box.times for box in diagram.boxes} == {1}
    assert said(diagram).count("linear 4, ReLU") == 3


def test_where_there_are_too_many_boxes_what_comes_again_is_drawn_apart() -> None:
    stages = [(Residual(n), Residual(n), nn.Linear(n, n + 1)) for n in range(2, 6)]
    network = nn.Sequential(*(layer for stage in stages for layer in stage))
    (whole,) = folded(network, torch.zeros(2, 2), most=100)
    assert sum(box.inside is not None for box in whole.boxes) == 4
    main, panel = folded(network, torch.zeros(2, 2), most=12)
    assert [(box.letter, box.times) for box in main.boxes if box.letter] == [("A", 2)] * 4
    assert panel.title == "Residual A, 8 times (sizes of the first)"
    assert said(panel) == ["input", "linear 2, ReLU", "+", "output"]
    parameters = sum(p.numel() for p in network.parameters())
    assert sum(box.parameters for box in main.boxes) == parameters


def test_arrows_lead_to_boxes_with_larger_numbers() -> None:
    for diagram in folded(Dense(), torch.zeros(2, 4), most=2):
        assert all(arrow.tail < arrow.head for arrow in diagram.arrows)


class Parallel(nn.Module):
    """Equal branches side by side, and one after another, added."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleList(Residual(4) for _ in range(6))

    def forward(self, x: Tensor) -> Tensor:
        a, b, c, d, e, f = self.branches
        first = a(x)
        second = b(x) * c(first)
        return d(x) * e(first) * f(second)  # type: ignore[no-any-return]


@pytest.mark.parametrize("most", [3, 100])
def test_equal_blocks_that_do_not_follow_each_other_stay_apart(most: int) -> None:
    main, *_ = folded(Parallel(), torch.zeros(2, 4), most=most)
    assert {box.times for box in main.boxes} == {1}
    if most == 3:
        assert sum(box.letter == "A" for box in main.boxes) == 6


class Ladder(nn.Module):
    """What a block in the middle gives is taken at the end as well."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Residual(4) for _ in range(5))

    def forward(self, x: Tensor) -> Tensor:
        outputs = [x]
        for block in self.blocks:
            outputs.append(block(outputs[-1]))
        return outputs[-1] * outputs[2]


@pytest.mark.parametrize("most", [3, 100])
def test_a_block_whose_output_is_needed_elsewhere_ends_what_is_folded(most: int) -> None:
    main, *_ = folded(Ladder(), torch.zeros(2, 4), most=most)
    assert [box.times for box in main.boxes if box.parameters] == [2, 3]
