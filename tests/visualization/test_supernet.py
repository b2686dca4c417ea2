from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_nas.oneshot import darts
from optuna_nas.oneshot import SearchEpoch
from optuna_nas.oneshot import Supernet
from optuna_nas.visualization import plot_supernet


class Net(nn.Module):
    def __init__(self, trial: Any) -> None:
        super().__init__()
        options = {"<b>": nn.Identity, "linear": lambda: nn.Linear(4, 4), "relu": nn.ReLU}
        self.first = trial.suggest_module("first", options)
        self.second = trial.suggest_module("second", options)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.second(self.first(x)))  # type: ignore[no-any-return]


@cache
def searched() -> list[SearchEpoch]:
    torch.manual_seed(0)
    x = torch.randn(32, 4)
    data = (x, (x[:, 0] > 0).long())
    return list(darts(Supernet(Net), data, data, epochs=3, device="cpu", seed=0))


def panel(figure: Any) -> Any:
    return next(trace for trace in figure.data if trace.hoverinfo == "text" and trace.z)


def test_an_epoch_has_the_softmax_of_each_gate() -> None:
    for epoch in searched():
        assert list(epoch.gates) == ["first", "second"]
        for gate in epoch.gates.values():
            assert list(gate) == ["<b>", "linear", "relu"]
            assert sum(gate.values()) == pytest.approx(1.0)


def test_a_row_is_an_option_over_the_epochs() -> None:
    epochs = searched()
    figure = plot_supernet(epochs)
    heat = panel(figure)
    assert list(heat.x) == [1, 2, 3]
    row = figure.layout.yaxis.ticktext.index("second = linear")
    place = figure.layout.yaxis.tickvals[row]
    assert list(heat.z[place]) == [epoch.gates["second"]["linear"] for epoch in epochs]


def test_entropy_and_share_without_parameters_stand_below() -> None:
    figure = plot_supernet(searched())
    lines = {trace.name: trace for trace in figure.data if trace.type == "scatter"}
    assert list(lines["entropy of the gates"].y) == [e.entropy for e in searched()]
    assert lines["operations without parameters"].yaxis == "y2"


def test_epochs_that_collapsed_are_crossed_with_their_reason() -> None:
    first, *others = (replace(epoch, collapsed=None) for epoch in searched())
    figure = plot_supernet([replace(first, collapsed="<i>all</i> skips"), *others])
    crosses = figure.data[-1]
    assert list(crosses.x) == [1]
    assert crosses.hovertext == ("epoch 1: &lt;i&gt;all&lt;/i&gt; skips",)
    assert all(trace.name != "collapsed" for trace in plot_supernet(others).data)


def test_what_a_later_stage_dropped_is_grey() -> None:
    first, second, _ = searched()
    left = {name: {"relu": 1.0} for name in second.gates}
    figure = plot_supernet([first, replace(second, epoch=1, gates=left)])
    assert list(panel(figure).x) == [1, 2]
    assert panel(figure).z[0][1] is None
    grey = next(trace for trace in figure.data if trace.type == "heatmap" and not trace.text)
    assert list(grey.z[0]) == [None, 1]


def test_options_are_text() -> None:
    figure = plot_supernet(searched())
    assert "first = &lt;b&gt;" in figure.layout.yaxis.ticktext
    assert "<b>" not in figure.to_json()


def test_some_decisions_can_be_chosen() -> None:
    texts = plot_supernet(searched(), params=["second"]).layout.yaxis.ticktext
    assert all(text.startswith("second") for text in texts)


def test_one_epoch_is_a_picture_and_none_is_said_to_be_so() -> None:
    assert list(panel(plot_supernet(searched()[:1])).x) == [1]
    figure = plot_supernet([])
    assert figure.layout.annotations[0].text == "There is no epoch yet."


def test_something_else_than_epochs_is_refused() -> None:
    with pytest.raises(TypeError, match=r"epochs must be a list of what darts.* has 3 \(int\)"):
        plot_supernet([3])  # type: ignore[list-item]


@pytest.mark.parametrize(("params", "what"), [(["third"], r"'third'"), ("first", r"'first'")])
def test_a_decision_that_is_not_there_is_refused(params: Any, what: str) -> None:
    message = rf"params must be a list .* but has {what}; it has 'first', 'second'"
    with pytest.raises(ValueError, match=message):
        plot_supernet(searched(), params=params)
