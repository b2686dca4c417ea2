from collections.abc import Callable
import pickle
from typing import Any

import numpy as np
import optuna
import pytest
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F
from torch.profiler import profile
from torch.profiler import ProfilerActivity

from optuna_nas import spaces
from optuna_nas.metrics import Parameters
from optuna_nas.metrics import PeakMemory
from optuna_nas.metrics._live_memory import peak_bytes
from optuna_nas.space import Network
from optuna_nas.space import SampledTrial


MIB = 2**20
FLOAT = 4


class Apply(nn.Module):
    def __init__(self, function: Callable[..., Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.parts)


def numbers(net: nn.Module, *shape: int) -> float:
    """How many floats are alive at the peak, beside the parameters."""
    memory = PeakMemory(torch.rand(shape), batch_size=shape[0]).measure(net)
    return memory * MIB / FLOAT - Parameters().measure(net)


@pytest.mark.parametrize("widths", [(7, 5), (100, 20, 3), (8, 64, 64, 8), (3, 9, 1, 50, 2)])
@pytest.mark.parametrize("n", [1, 6])
def test_a_chain_of_layers_holds_its_input_and_what_one_layer_takes_and_gives(
    widths: tuple[int, ...], n: int
) -> None:
    first, *others = widths
    net = nn.Sequential(*map(nn.Linear, widths, others))
    pairs = zip([0, *others], others, strict=False)  # the first layer takes the input itself
    assert numbers(net, n, first) == n * (first + max(taken + given for taken, given in pairs))


def test_a_convolution_holds_its_input_and_its_output() -> None:
    net = nn.Conv2d(3, 8, 3, padding=1)
    assert numbers(net, 2, 3, 6, 6) == 2 * (3 + 8) * 6 * 6


def test_an_operation_in_place_and_a_view_need_nothing() -> None:
    linear = nn.Linear(4, 10)
    expected = 6 * (4 + 10)
    assert numbers(linear, 6, 4) == expected
    assert numbers(nn.Sequential(linear, nn.ReLU(inplace=True), nn.Flatten()), 6, 4) == expected
    assert numbers(nn.Sequential(linear, nn.Unflatten(1, (2, 5))), 6, 4) == expected
    assert numbers(nn.Sequential(linear, nn.ReLU()), 6, 4) == 6 * (4 + 10 + 10)


def test_a_residual_connection_keeps_what_it_adds_at_the_end() -> None:
    def residual(x: Tensor, wide: nn.Module, narrow: nn.Module) -> Tensor:
        start = x * 2
        return start + narrow(wide(start))

    net = Apply(residual, nn.Linear(4, 40), nn.Linear(40, 4))
    assert numbers(net, 6, 4) == 6 * (4 + 4 + 40 + 4)  # input, start, wide, narrow


def test_what_a_network_keeps_stays() -> None:
    def dense(x: Tensor) -> Tensor:
        kept = [x]
        for _ in range(3):
            kept.append(kept[-1] + 1)
        return torch.cat(kept)

    assert numbers(Apply(dense), 6, 4) == 6 * (4 * 4 + 4 * 4)


def test_weights_count_once_and_buffers_count() -> None:
    layer = nn.Linear(5, 5)
    once, twice = nn.Sequential(layer, nn.Identity()), nn.Sequential(layer, layer)
    assert numbers(once, 1, 5) == 10
    assert numbers(twice, 1, 5) == 15
    net = nn.Identity()
    net.register_buffer("mean", torch.zeros(1000))
    assert numbers(net, 1, 5) == 1000 + 5


def test_precision_is_taken_into_account() -> None:
    single, half = nn.Linear(8, 8), nn.Linear(8, 8).half()
    memory = PeakMemory(torch.rand(1, 8))
    assert memory.measure(half) == memory.measure(single) / 2


def test_attention_never_holds_a_number_for_each_pair_of_tokens() -> None:
    n, heads, time, width = 2, 3, 500, 8
    fused = Apply(lambda x: F.scaled_dot_product_attention(x, x, x))
    assert numbers(fused, n, heads, time, width) == 2 * n * heads * time * width
    by_hand = Apply(lambda x: (x @ x.mT).softmax(-1) @ x)
    assert numbers(by_hand, n, heads, time, width) >= 2 * n * heads * time * time


def test_recurrent_layers_and_transformers_count_although_their_kernels_hide_it() -> None:
    lstm = Apply(lambda x, lstm: lstm(x)[0], nn.LSTM(4, 16, batch_first=True))
    assert numbers(lstm, 1, 10, 4) >= 10 * 4 + 10 * 16
    encoder = nn.TransformerEncoderLayer(16, 4, 400, batch_first=True)
    assert numbers(encoder, 2, 6, 16) >= 2 * 6 * (16 + 16 + 400)


@pytest.mark.parametrize(
    ("space", "shape"),
    [
        (spaces.MLP(8, 3), (8,)),
        (spaces.NASBench201(channels=4, cells=1), (3, 8, 8)),
        (spaces.CNN((3, 8, 8), 10), (3, 8, 8)),
    ],
    ids=["MLP", "NASBench201", "CNN"],
)
def test_counting_on_the_cpu_gives_the_same_but_for_a_few_statistics(
    space: Network, shape: tuple[int, ...]
) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    net, x = space(SampledTrial(study.ask())), torch.rand(2, *shape)
    held = [*net.parameters(), *net.buffers()]
    counted = peak_bytes(net.eval(), [x], held) / MIB
    assert PeakMemory(x, batch_size=2).measure(net) == pytest.approx(counted, rel=0.01)


def test_the_allocator_agrees() -> None:
    def branches(x: Tensor, one: nn.Module, two: nn.Module) -> Tensor:
        return torch.cat([F.relu(one(x)), F.gelu(two(x)) + x], dim=1).sum(1)

    net, x = Apply(branches, nn.Linear(20, 30), nn.Linear(20, 20)), torch.rand(64, 20)
    with torch.inference_mode():
        net(x)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as trace:
            net(x)
    held = peak = 0
    for event in trace.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    assert numbers(net, 64, 20) * FLOAT == peak + x.nbytes


def test_the_batch_size_is_how_many_rows_there_are_at_a_time() -> None:
    net = nn.Linear(20, 10)
    one, many = torch.rand(1, 20), torch.rand(7, 20)
    assert PeakMemory(one).measure(net) == PeakMemory(many).measure(net)
    wide = PeakMemory(one, batch_size=5).measure(net)
    assert (
        wide * MIB == FLOAT * (210 + 5 * 30) == PeakMemory(many, batch_size=5).measure(net) * MIB
    )


def test_a_module_on_the_meta_device_is_measured() -> None:
    with torch.device("meta"):
        net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    there = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    memory = PeakMemory(torch.rand(1, 3, 2, 2))
    assert memory.static
    assert memory.measure(net) == memory.measure(there)
    assert next(net.parameters()).is_meta


def test_the_module_is_left_as_it_was_and_so_are_the_random_numbers() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout())
    net[1].eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    modes = [part.training for part in net.modules()]
    memory = PeakMemory(torch.rand(2, 3, 2, 2))
    torch.manual_seed(0)
    memory.measure(net)
    after = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(3))
    assert [part.training for part in net.modules()] == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())


def test_inputs_may_be_several_arrays_or_tokens() -> None:
    class Product(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x @ y

    memory = PeakMemory((torch.rand(3, 2, 4), np.zeros((3, 4, 5))))
    assert memory.measure(Product()) * MIB == FLOAT * (8 + 20 + 10)
    tokens = PeakMemory(torch.randint(10, (5, 2)))
    assert tokens.measure(nn.Embedding(10, 4)) * MIB == FLOAT * (40 + 8) + 8 * 2


def test_equal_settings_are_equal_metrics_that_can_be_sent_to_a_worker() -> None:
    memory = PeakMemory(torch.rand(5, 4))
    assert memory == PeakMemory(torch.zeros(2, 4)) == pickle.loads(pickle.dumps(memory))
    assert len({memory, PeakMemory(torch.zeros(2, 4))}) == 1
    assert memory != PeakMemory(torch.rand(5, 4), batch_size=2)
    assert memory != PeakMemory(torch.rand(5, 3))
    assert memory != Parameters()
    assert len(pickle.dumps(PeakMemory(torch.rand(10_000, 4)))) < 5000
    assert (memory <= 2).name == "peak_memory_mib <= 2"
    assert (memory.unit, memory.direction) == ("MiB", "minimize")


def test_a_lazy_layer_without_a_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"peak_memory_mib: .*lazy layers .* yet \(weight, bias"):
        PeakMemory(torch.rand(2, 4)).measure(nn.LazyLinear(3))


def test_a_shape_that_does_not_fit_is_the_error_that_the_forward_pass_gives() -> None:
    with pytest.raises(RuntimeError, match="must have same reduction dim"):
        PeakMemory(torch.rand(2, 5)).measure(nn.Linear(4, 3))


@pytest.mark.parametrize("example", ["digits", None, [object()]])
def test_an_example_that_is_no_tensor_is_refused(example: Any) -> None:
    with pytest.raises(TypeError, match=r"example must be a tensor or an array of numbers"):
        PeakMemory(example)


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (torch.tensor(1.0), r"example must hold at least one row, but has shape \(\)"),
        (torch.rand(0, 4), r"example must hold at least one row, but has shape \(0, 4\)"),
        ((), r"example must hold an input, but is an empty tuple"),
        (
            torch.rand(2, 4, device="meta"),
            r"example must be on the CPU .*, but is on 'meta'",
        ),
    ],
)
def test_an_example_without_a_row_of_values_is_refused(example: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PeakMemory(example)


def test_a_batch_size_that_is_no_number_of_rows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"batch_size must be at least 1, but is 0\."):
        PeakMemory(torch.rand(1, 4), batch_size=0)
    for wrong in (2.0, True, "2"):
        with pytest.raises(TypeError, match=r"batch_size must be an int, but is"):
            PeakMemory(torch.rand(1, 4), batch_size=wrong)  # type: ignore[arg-type]


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"device must be one that can be measured .*'cuda:99'"):
        PeakMemory(torch.rand(1, 4), device="cuda:99")
    with pytest.raises(ValueError, match=r"device must be one of .*, but is 'gpu'"):
        PeakMemory(torch.rand(1, 4), device="gpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_cuda_device_the_allocator_is_asked() -> None:
    net, x = nn.Sequential(nn.Linear(1024, 4096), nn.Linear(4096, 1024)), torch.rand(512, 1024)
    counted = PeakMemory(x, batch_size=512).measure(net)
    memory = PeakMemory(x, batch_size=512, device="cuda")
    assert not memory.static
    assert memory.measure(net) == pytest.approx(counted, rel=0.2)
    with pytest.raises(ValueError, match=r"peak_memory_mib: on cuda memory is measured"):
        memory.measure(net.to("meta"))


def test_a_subclass_is_another_metric() -> None:
    class Half(PeakMemory):
        name = "half"

    x = torch.rand(2, 3)
    assert PeakMemory(x) == PeakMemory(x)
    assert Half(x) != PeakMemory(x)
