from collections.abc import Callable
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from optuna_nas.metrics import Flops


class Apply(nn.Module):
    def __init__(self, function: Callable[..., Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.parts)


def first(x: Tensor, layer: nn.Module) -> Tensor:
    return layer(x)[0]


def test_a_linear_layer_multiplies_and_adds_once_for_each_weight() -> None:
    assert Flops(torch.rand(7, 20)).measure(nn.Linear(20, 10)) == 2 * 20 * 10


def test_a_linear_layer_does_so_at_each_position() -> None:
    assert Flops(torch.rand(7, 6, 20)).measure(nn.Linear(20, 10)) == 6 * 2 * 20 * 10


@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_does_so_for_each_kernel_weight_and_output_pixel(
    groups: int, stride: int
) -> None:
    conv = nn.Conv2d(8, 16, 3, padding=1, stride=stride, groups=groups)
    pixels = (8 // stride) ** 2
    assert Flops(torch.rand(2, 8, 8, 8)).measure(conv) == 2 * pixels * 16 * (8 // groups) * 3 * 3


@pytest.mark.parametrize("training", [True, False])
def test_attention_is_four_projections_and_two_products(training: bool) -> None:
    positions, width = 6, 16
    layer = nn.MultiheadAttention(width, 4, batch_first=True).train(training)
    attend = Apply(lambda x, a: a(x, x, x, need_weights=False)[0], layer)
    projections = 4 * 2 * positions * width * width
    products = 2 * 2 * positions * positions * width
    assert Flops(torch.rand(3, positions, width)).measure(attend) == projections + products


def test_attention_by_the_fused_kernel_counts_too() -> None:
    attend = Apply(lambda x: F.scaled_dot_product_attention(x, x, x))
    assert Flops(torch.rand(3, 4, 6, 8)).measure(attend) == 2 * 2 * 4 * 6 * 6 * 8


def test_an_lstm_counts_which_on_the_cpu_it_would_not() -> None:
    steps, inputs, hidden = 6, 5, 7
    net = Apply(first, nn.LSTM(inputs, hidden, batch_first=True))
    expected = steps * 2 * 4 * hidden * (inputs + hidden)
    assert Flops(torch.rand(3, steps, inputs)).measure(net) == expected


def test_a_transformer_in_eval_mode_counts_although_its_fast_path_hides_it() -> None:
    net = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    flops = Flops(torch.rand(3, 6, 16))
    assert flops.measure(net.eval()) == flops.measure(net.train()) > 0


def test_tokens_are_an_example_as_well() -> None:
    net = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 3))
    assert Flops(torch.randint(10, (5, 2))).measure(net) == 2 * 2 * 4 * 3


def test_an_example_may_be_a_tuple_for_a_network_of_several_inputs() -> None:
    class Product(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x @ y

    assert Flops((torch.rand(3, 2, 4), torch.rand(3, 4, 5))).measure(Product()) == 2 * 2 * 4 * 5


def test_it_counts_one_row_of_however_many() -> None:
    net = nn.Linear(20, 10)
    assert Flops(torch.rand(1, 20)).measure(net) == Flops(torch.rand(64, 20)).measure(net)


def test_an_array_in_double_precision_is_an_example_of_a_network_in_single() -> None:
    assert Flops(np.zeros((3, 20))).measure(nn.Linear(20, 10)) == 400


def test_a_network_without_products_costs_nothing() -> None:
    assert Flops(torch.rand(1, 4)).measure(nn.Sequential(nn.ReLU(), nn.BatchNorm1d(4))) == 0


def test_a_module_on_the_meta_device_is_counted() -> None:
    with torch.device("meta"):
        net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    assert Flops(torch.rand(1, 3, 2, 2)).measure(net) == 2 * 4 * 3 * 4
    assert next(net.parameters()).is_meta


def test_the_module_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout())
    net[1].eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    modes = [part.training for part in net.modules()]
    Flops(torch.rand(2, 3, 2, 2)).measure(net)
    assert [part.training for part in net.modules()] == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert all(tensor.device.type == "cpu" for tensor in net.state_dict().values())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())


def test_the_random_numbers_that_follow_are_the_same() -> None:
    flops, net = Flops(torch.rand(2, 4)), nn.Sequential(nn.Linear(4, 4), nn.Dropout())
    torch.manual_seed(0)
    flops.measure(net)
    after = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(3))


def test_shared_layers_are_counted_each_time_they_run() -> None:
    layer = nn.Linear(5, 5)
    assert Flops(torch.rand(1, 5)).measure(nn.Sequential(layer, layer)) == 2 * 50


def test_tensors_that_are_neither_parameter_nor_buffer_come_along() -> None:
    class Scaled(nn.Linear):
        def __init__(self) -> None:
            super().__init__(4, 4)
            self.scale = torch.ones(4) * self.weight.sum()  # not a leaf, so not to be copied

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * self.scale + torch.ones(4)

    assert Flops(torch.rand(1, 4)).measure(Scaled()) == 32


def test_tensors_and_layers_in_plain_lists_come_along() -> None:
    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = [nn.Linear(4, 3)]
            self.bias = {"late": (torch.ones(3), [torch.ones(3)])}

        def forward(self, x: Tensor) -> Tensor:
            return self.layers[0](x) + self.bias["late"][0] + self.bias["late"][1][0]

    net = Listed()
    assert Flops(torch.rand(1, 4)).measure(net) == 24
    assert not net.layers[0].weight.is_meta
    assert not net.bias["late"][0].is_meta


def test_a_tensor_held_by_a_function_is_the_error_that_torch_gives() -> None:
    outside = torch.ones(4)
    with pytest.raises(RuntimeError, match="meta"):
        Flops(torch.rand(1, 4)).measure(Apply(lambda x: x + outside))


def test_it_keeps_two_rows_for_a_dry_run_and_not_the_batch() -> None:
    batch = torch.rand(1000, 4)
    (rows,) = Flops(batch).example or ()
    assert torch.equal(rows, batch[:2])
    assert len(pickle.dumps(Flops(batch))) < 5000
    inputs = Flops((torch.rand(1, 4), np.zeros((3, 2)), torch.randint(9, (5,)))).example or ()
    assert [len(x) for x in inputs] == [1, 2, 2]
    assert [x.dtype for x in inputs] == [torch.float32, torch.float32, torch.int64]
    assert Flops(torch.rand(3, 4, device="meta")).example is None


def test_a_parametrized_layer_counts() -> None:
    net = parametrizations.weight_norm(nn.Linear(4, 3))
    assert Flops(torch.rand(1, 4)).measure(net) == 24


def test_a_shape_that_does_not_fit_is_the_error_that_the_forward_pass_gives() -> None:
    with pytest.raises(RuntimeError, match="reduction dim"):
        Flops(torch.rand(2, 5)).measure(nn.Linear(4, 3))


def test_a_lazy_layer_without_a_size_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"flops: .*lazy layers .* yet \(weight, bias"):
        Flops(torch.rand(2, 4)).measure(nn.LazyLinear(3))


@pytest.mark.parametrize("example", ["digits", None, [object()]])
def test_an_example_that_is_no_tensor_is_refused(example: Any) -> None:
    with pytest.raises(TypeError, match="example must be a tensor or an array of numbers"):
        Flops(example)


@pytest.mark.parametrize("example", [torch.tensor(1.0), torch.rand(0, 4)])
def test_an_example_without_a_row_is_refused(example: Tensor) -> None:
    with pytest.raises(ValueError, match="example must hold at least one row, but has shape"):
        Flops(example)


def test_it_is_an_evaluator_with_a_name_that_can_be_sent_to_a_worker() -> None:
    flops = pickle.loads(pickle.dumps(Flops(torch.rand(2, 4))))
    assert flops(nn.Linear(4, 3), None) == 24
    assert (flops.name, flops.unit, flops.direction) == ("flops", "FLOPs", "minimize")
    assert (flops <= 1e6).name == "flops <= 1000000"


def test_those_of_examples_of_one_shape_and_kind_are_equal() -> None:
    rows = torch.rand(4, 3)
    same = Flops(torch.zeros(9, 3))
    assert Flops(rows) == same
    assert hash(Flops(rows)) == hash(same)
    assert Flops(rows) != Flops(torch.rand(4, 5))
    assert Flops(rows) != Flops(torch.zeros(4, 3, dtype=torch.long))
