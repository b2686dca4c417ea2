from collections.abc import Iterator
from itertools import product
import json
from pathlib import Path
import pickle
import tempfile
from typing import Any

import pytest
from scipy.stats import spearmanr
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas.metrics import Latency
from optuna_nas.metrics import LatencyTable
from optuna_nas.metrics._blocks import block_times
from optuna_nas.metrics._blocks import blocks_of
from optuna_nas.metrics._latency_file import Conditions
from optuna_nas.metrics._latency_fit import fit
from optuna_nas.metrics._latency_fit import interval
from optuna_nas.metrics._latency_fit import leave_one_out
from optuna_nas.metrics._latency_fit import spearman
from optuna_nas.metrics._latency_fit import Whole
from optuna_nas.metrics._with_weights import with_weights


X = torch.rand(2, 6)
ELSEWHERE = Conditions("cpu", "a phone", 1, (("float32", (1, 6)),), "its own")
LINEAR = "Linear(in_features=6, out_features=6, bias=True) of float32[1, 6]"
RELU = "ReLU(inplace=False) of float32[1, 6]"


def mlp(depth: int, width: int = 6) -> nn.Sequential:
    layers = [nn.Linear(width, width) if i % 2 == 0 else nn.ReLU() for i in range(depth)]
    return nn.Sequential(*layers)


def quick(example: Any = X, **settings: Any) -> Latency:
    return Latency(example, repeats=1, time_limit=0.002, **settings)


@pytest.fixture(scope="module", autouse=True)
def own_lock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Else they would wait for whoever measures on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("lock")))
        yield


@pytest.fixture(scope="module")
def table() -> LatencyTable:
    return LatencyTable.learn([mlp(depth) for depth in range(1, 9)], quick())


# The blocks of a network


def test_blocks_are_the_modules_that_call_none_with_the_shapes_they_get() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU()), nn.Flatten())
    assert blocks_of(net, [torch.rand(2, 3, 8, 8)]) == [
        "Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1)) of float32[2, 3, 8, 8]",
        "ReLU(inplace=False) of float32[2, 4, 6, 6]",
        "Flatten(start_dim=1, end_dim=-1) of float32[2, 4, 6, 6]",
    ]


def test_a_layer_that_is_called_twice_is_two_blocks() -> None:
    layer = nn.Linear(6, 6)
    assert blocks_of(nn.Sequential(layer, layer), [X[:1]]) == [LINEAR, LINEAR]


def test_a_module_whose_parts_are_not_called_is_a_block() -> None:
    class Attend(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.attention(x, x, value=x, need_weights=False)[0]
            return out

    (name,) = blocks_of(Attend().eval(), [torch.rand(1, 5, 8)])
    assert name.startswith("MultiheadAttention(")
    assert "num_heads=2" in name
    assert name.endswith(" of float32[1, 5, 8], float32[1, 5, 8], float32[1, 5, 8]")


class Scale(nn.Module):
    def __init__(self, power: int, channels: int) -> None:
        super().__init__()
        self.power = power
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x**self.power * self.weight[: x.shape[-1]]


def test_a_module_that_prints_no_hyperparameters_is_told_by_its_attributes_and_weights() -> None:
    names = {
        blocks_of(Scale(power, channels), [X])[0] for power, channels in product((1, 2), (6, 8))
    }
    assert len(names) == 4
    assert f"{Scale.__module__}.Scale(power=2, weight[8]) of float32[2, 6]" in names


def test_weights_do_not_make_another_block_but_precision_does() -> None:
    assert blocks_of(nn.Linear(6, 6), [X[:1]]) == blocks_of(nn.Linear(6, 6), [X[:1]])
    assert blocks_of(nn.Linear(6, 6).double(), [X.double()]) == [
        "Linear(in_features=6, out_features=6, bias=True) of float64[2, 6]"
    ]


def test_the_meta_device_knows_the_same_blocks() -> None:
    net = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.BatchNorm1d(4), nn.Dropout()).eval()
    there = blocks_of(net, [X])
    assert there == blocks_of(net.to("meta"), [X.to("meta")])
    assert len(there) == 4


def test_each_block_has_a_time_and_no_hook_stays() -> None:
    net = mlp(4)
    times = block_times(net, [X[:1]], repeats=2)
    assert set(times) == {LINEAR, RELU}
    assert all(ms > 0 for ms in times.values())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())


def test_no_hook_stays_after_an_error() -> None:
    net = mlp(4)
    with pytest.raises(RuntimeError, match=r"mat1 and mat2"):
        blocks_of(net, [torch.rand(1, 5)])
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())


# From blocks to a latency


def test_the_fit_finds_what_lies_between_blocks() -> None:
    grid = product((10, 20, 30), (1.0, 2.0, 4.0))
    plane = fit([Whole(n, ms, 0.5 + 1.25 * ms + 0.01 * n) for n, ms in grid])
    assert (plane.intercept, plane.slope, plane.per_block) == pytest.approx((0.5, 1.25, 0.01))


def test_without_whole_networks_the_sum_is_the_prediction() -> None:
    assert fit([]).at(7, 3.5) == 3.5


def test_networks_that_all_have_as_many_blocks_can_be_fitted_too() -> None:
    plane = fit([Whole(5, ms, 1 + 2 * ms) for ms in (1.0, 2.0, 3.0)])
    assert plane.at(5, 10.0) == pytest.approx(21)


def test_the_error_is_that_of_networks_left_out() -> None:
    exact = [
        Whole(n, ms, 0.5 + 2 * ms + 0.01 * n) for n, ms in product((1, 2, 5), (1.0, 3.0, 4.0))
    ]
    error = leave_one_out(exact)
    assert error is not None
    assert (error.spearman, error.networks) == (pytest.approx(1), 9)
    assert error.p90_relative == pytest.approx(0, abs=1e-9)
    odd = [*exact, Whole(3, 2.0, 50.0)]
    worse = leave_one_out(odd)
    assert worse is not None
    assert worse.p90_relative > 0.05
    assert worse.low < worse.spearman < worse.high
    assert leave_one_out(exact[:7]) is None


@pytest.mark.parametrize("seed", range(5))
def test_the_rank_correlation_is_scipys(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randint(6, (2, 20), generator=generator).double().tolist()
    assert spearman(first, second) == pytest.approx(spearmanr(first, second).statistic)
    assert spearman(first, [1.0] * 20) == 0


def test_the_interval_of_a_correlation_holds_it() -> None:
    low, high = interval(0.95, 100)
    assert (low, high) == pytest.approx((0.920, 0.969), abs=1e-3)
    assert interval(1.0, 10) == (1, 1)


# Learning


def test_it_knows_the_blocks_of_the_networks_it_learned(table: LatencyTable) -> None:
    assert set(table.blocks) == {LINEAR, RELU}
    assert len(table.networks) == 8
    assert [network.blocks for network in table.networks] == list(range(1, 9))
    assert table.error is not None
    assert str(table).startswith("latency_ms, 2 blocks, ")
    assert "of 8 networks left out in turn" in str(table)


def test_a_prediction_needs_no_weights_and_leaves_the_module_as_it_was(
    table: LatencyTable,
) -> None:
    net = mlp(5)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    torch.manual_seed(0)
    predicted = table.measure(net)
    after = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(3))
    assert net.training
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert table.measure(net.to("meta")) == predicted == table(net, None)
    assert table.static
    assert (table <= 5).name == "latency_ms <= 5"


def test_learning_takes_networks_one_after_the_other_and_leaves_them_as_they_were() -> None:
    nets: list[nn.Module] = []

    def built() -> Iterator[nn.Module]:
        for depth in range(1, 9):
            nets.append(mlp(depth))
            yield nets[-1]

    LatencyTable.learn(built(), quick())
    assert all(net.training for net in nets)
    assert not any(part._forward_hooks for net in nets for part in net.modules())


def test_a_block_it_meets_later_is_measured_then_even_without_weights() -> None:
    table = LatencyTable.learn([mlp(depth) for depth in range(1, 9)], quick())
    with torch.device("meta"):
        net = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.BatchNorm1d(6), nn.Tanh())
    table.measure(net)
    assert {name.split("(")[0] for name in table.blocks} == {
        "Linear",
        "ReLU",
        "BatchNorm1d",
        "Tanh",
    }
    assert next(net.parameters()).is_meta


def test_made_up_weights_let_numbers_neither_grow_nor_vanish() -> None:
    with torch.device("meta"):
        net = nn.Sequential(*(nn.Linear(64, 64, bias=False) for _ in range(20)))
        net.append(nn.BatchNorm1d(64))
    torch.manual_seed(0)
    made = with_weights(net, torch.device("cpu")).eval()
    after = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(3))
    out = made(torch.ones(1, 64))
    assert 0.01 < out.abs().mean() < 100
    assert int(made[-1].num_batches_tracked) == 0


def test_weights_that_are_there_are_kept() -> None:
    net = nn.Linear(3, 3)
    copy = with_weights(net, torch.device("cpu"))
    assert torch.equal(copy.get_parameter("weight"), net.weight)
    assert copy is not net


def test_what_lies_between_blocks_is_no_block() -> None:
    class Residual(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return F.relu(super().forward(x) + x)

    assert blocks_of(Residual(nn.Linear(6, 6)), [X[:1]]) == [LINEAR]


def test_a_block_that_may_not_be_measured_is_named(table: LatencyTable) -> None:
    fixed = LatencyTable(table.blocks, table.networks, table.conditions, learn_unseen=False)
    with pytest.raises(ValueError, match=r"latency_ms: 1 blocks of this network are not .*Tanh"):
        fixed.measure(nn.Sequential(nn.Linear(6, 6), nn.Tanh()))


def test_a_table_of_another_space_or_device_names_the_blocks_it_lacks() -> None:
    phone = LatencyTable({LINEAR: 1.0, RELU: 0.5}, [], ELSEWHERE)
    assert phone.measure(mlp(3)) == 2.5
    with pytest.raises(ValueError, match=r"4 blocks .* in the table of a phone, 1 thread\(s\), f"):
        phone.measure(nn.Sequential(nn.Linear(6, 7), nn.ELU(), nn.Linear(7, 8), nn.SiLU()))
    with pytest.raises(ValueError, match=r"ELU\(alpha=1\.0\) of .*; \.\.\.\. Learn it on more"):
        phone.measure(nn.Sequential(nn.Linear(6, 7), nn.ELU(), nn.Linear(7, 8), nn.SiLU()))


def test_a_network_of_another_space_is_refused(table: LatencyTable) -> None:
    blocks = table.blocks
    with pytest.raises(
        ValueError, match=r"latency_ms: 2 of the 3 different blocks of this network are not in .*"
    ):
        table.measure(nn.Sequential(nn.Linear(6, 6), nn.GELU(), nn.LayerNorm(6)))
    assert table.blocks == blocks


def test_no_prediction_is_below_the_smallest_there_can_be() -> None:
    networks = [Whole(n, 0.1 * n, 0.1 * n - 0.3) for n in range(4, 16)]
    table = LatencyTable({LINEAR: 0.1, RELU: 0.1}, networks, ELSEWHERE)
    assert table.measure(nn.Linear(6, 6)) == 0.1


def test_a_network_that_cannot_take_the_batch_is_refused(table: LatencyTable) -> None:
    with pytest.raises(
        ValueError, match=r"latency_ms: the network cannot take the table's batch, .*float32\[1, 6"
    ):
        table.measure(mlp(3, width=7))


def test_a_lazy_layer_without_a_size_is_refused(table: LatencyTable) -> None:
    with pytest.raises(ValueError, match=r"latency_ms: .*lazy layers"):
        table.measure(nn.LazyLinear(3))


def test_learning_refuses_what_is_not_legal() -> None:
    with pytest.raises(ValueError, match=r"modules must be at least 8 networks, but are 7\."):
        LatencyTable.learn([mlp(1)] * 7, quick())
    with pytest.raises(TypeError, match=r"latency must be a Latency, which says on what batch"):
        LatencyTable.learn([mlp(1)] * 8, X)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"latency must be of the backend 'eager'.*'compile'"):
        LatencyTable.learn([mlp(1)] * 8, quick(backend="compile"))
    with pytest.raises(ValueError, match=r"shape \(1, 6\)"):
        LatencyTable.learn([mlp(1, width=5)] * 8, quick())


# Files


def test_a_table_that_is_saved_and_loaded_is_the_same(table: LatencyTable, tmp_path: Path) -> None:
    table.save(tmp_path / "table.json")
    again = LatencyTable.load(tmp_path / "table.json")
    assert again.blocks == table.blocks
    assert again.networks == table.networks
    assert again.conditions == table.conditions
    assert str(again) == str(table)
    assert again.measure(mlp(7)) == table.measure(mlp(7))


def test_the_file_is_readable(tmp_path: Path) -> None:
    table = LatencyTable({LINEAR: 0.25}, [Whole(1, 0.25, 0.5)], ELSEWHERE, name="phone_ms")
    table.save(tmp_path / "table.json")
    assert json.loads((tmp_path / "table.json").read_text()) == {
        "format": "optuna_nas latency table",
        "version": 1,
        "name": "phone_ms",
        "device": "cpu",
        "device_name": "a phone",
        "threads": 1,
        "runtime": "its own",
        "inputs": [{"dtype": "float32", "shape": [1, 6]}],
        "networks": [{"blocks": 1, "sum_ms": 0.25, "measured_ms": 0.5}],
        "blocks": {LINEAR: 0.25},
    }


def test_a_table_can_be_sent_to_a_worker(table: LatencyTable) -> None:
    again = pickle.loads(pickle.dumps(table))
    assert again.measure(mlp(3)) == table.measure(mlp(3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"format": "other"},
            r"is no latency table: \"format\" is not 'optuna_nas",
        ),
        ({"version": 2}, r"is a latency table of version 2; this release reads version 1"),
        ({"blocks": {}}, r"the latency table holds no block"),
        ({"blocks": [1]}, r"the latency table is not of its form: .*'list'"),
        ({"blocks": {"a": "1"}}, r"milliseconds must be a finite number .*, but are '1'"),
        ({"blocks": {"a": -1}}, r"milliseconds must be a finite number .*, but are -1"),
        ({"blocks": {"a": float("nan")}}, r"must be a finite number .*, but are nan"),
        ({"networks": [{"blocks": 1}]}, r"the latency table lacks 'sum_ms'"),
        (
            {"inputs": [{"dtype": "float", "shape": ["a"]}]},
            r"the latency table is not of its form",
        ),
        ({"inputs": [{"dtype": "nn", "shape": [1]}]}, r"'nn' is no dtype of torch"),
        ({"threads": None}, r"the latency table is not of its form: int\(\) argument"),
    ],
)
def test_a_file_of_another_form_is_refused(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "table.json"
    LatencyTable({LINEAR: 0.25}, [], ELSEWHERE).save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=rf"table\.json.*{message}"):
        LatencyTable.load(path)


def test_a_file_that_lacks_something_or_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text('{"format": "optuna_nas latency table", "version": 1, "name": "a"}')
    with pytest.raises(ValueError, match=r"table\.json: the latency table lacks 'inputs'"):
        LatencyTable.load(path)
    path.write_text("blocks: 1")
    with pytest.raises(ValueError, match=r"table\.json is no latency table: it is not JSON"):
        LatencyTable.load(path)
    path.write_text("[1]")
    with pytest.raises(ValueError, match=r"table\.json is no latency table: \"format\""):
        LatencyTable.load(path)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_cuda_device_blocks_are_timed_by_events() -> None:
    nets = [mlp(depth, 512) for depth in range(1, 9)]
    table = LatencyTable.learn(nets, Latency(torch.rand(1, 512), device="cuda", time_limit=0.2))
    assert table.measure(mlp(5, 512)) > 0
