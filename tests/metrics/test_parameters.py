import pytest
import torch
from torch import nn

from optuna_nas.metrics import Parameters


def test_a_linear_layer_has_its_weights_and_its_biases() -> None:
    assert Parameters().measure(nn.Linear(20, 10)) == 20 * 10 + 10


def test_a_convolution_has_one_kernel_for_each_pair_of_channels_in_a_group() -> None:
    assert Parameters().measure(nn.Conv2d(8, 16, 3, groups=4)) == 16 * (8 // 4) * 3 * 3 + 16


def test_shared_parameters_count_once() -> None:
    layer = nn.Linear(5, 5)
    assert Parameters().measure(nn.Sequential(layer, nn.ReLU(), layer)) == 30


def test_a_tied_weight_counts_once() -> None:
    embedding, head = nn.Embedding(7, 3), nn.Linear(3, 7, bias=False)
    head.weight = embedding.weight
    assert Parameters().measure(nn.Sequential(embedding, head)) == 21


def test_frozen_parameters_count_and_buffers_do_not() -> None:
    norm = nn.BatchNorm1d(4).requires_grad_(False)
    assert Parameters().measure(norm) == 8


def test_it_needs_no_weights() -> None:
    with torch.device("meta"):
        module = nn.Linear(10_000, 10_000)
    assert Parameters().measure(module) == 10_000 * 10_001


def test_it_is_an_evaluator_that_is_minimised() -> None:
    metric = Parameters()
    assert metric(nn.Linear(2, 3), None) == 9
    assert (metric.name, metric.unit, metric.direction) == ("parameters",) * 2 + ("minimize",)


def test_a_lazy_layer_without_a_size_is_refused_by_name() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.LazyLinear(3))
    with pytest.raises(ValueError, match=r"lazy layers without a size yet \(1.weight, 1.bias\)"):
        Parameters().measure(module)
