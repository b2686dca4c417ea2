from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import ThreadPoolExecutor
from functools import partial
import gc
from itertools import groupby
import json
import math
from multiprocessing import get_context
import os
from pathlib import Path
import pickle
import shutil
import tempfile
from threading import Barrier
import time
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_nas.metrics import _latency
from optuna_nas.metrics import _runtimes
from optuna_nas.metrics import Latency
from optuna_nas.metrics._device import device_name
from optuna_nas.metrics._quiet import quiet
from optuna_nas.metrics._timing import Timing


CPU = torch.device("cpu")
CORES = len(os.sched_getaffinity(0))
QUICK: dict[str, Any] = {"time_limit": 0.01}


@pytest.fixture(autouse=True)
def own_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for what else is measured on this machine."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


class Trial:
    def __init__(self) -> None:
        self.user_attrs: dict[str, Any] = {}

    def set_user_attr(self, key: str, value: Any) -> None:
        self.user_attrs[key] = value


class Watch(nn.Module):
    """Notes, in a list that copies of it share, what it can see of each call."""

    noted: list[Any]

    def __init__(self, look: Any) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.look = look

    def forward(self, *inputs: Tensor) -> Tensor:
        Watch.noted.append(self.look(self, *inputs))
        return inputs[0]


def seen(look: Any, example: Any, **settings: Any) -> set[Any]:
    Watch.noted = []
    Latency(example, **QUICK, **settings).measure(Watch(look))
    return set(Watch.noted)


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 2))


def test_the_value_is_the_median_of_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    timing = Timing(2.5, 2.4, 2.6, 0.3, 40, False, 1.0)
    monkeypatch.setattr(_latency, "time_calls", lambda call, **settings: timing)
    assert Latency(torch.rand(3, 8)).measure(mlp()) == 2.5
    assert Latency(torch.rand(3, 8)).record(mlp()).median_ms == 2.5


def test_the_record_says_how_it_was_measured() -> None:
    record = Latency(torch.rand(3, 8), batch_size=7, **QUICK).record(mlp())
    assert 0 < record.low_ms <= record.median_ms <= record.high_ms
    assert record.spread_ms >= 0
    assert record.repeats >= 1
    assert record.seconds > 0
    assert (record.threads, record.batch_size, record.backend) == (1, 7, "eager")
    assert record.device == device_name(CPU) != ""
    assert record.torch == torch.__version__


def test_as_an_evaluator_it_keeps_the_record_in_the_trial() -> None:
    trial = Trial()
    value = Latency(torch.rand(3, 8), **QUICK)(mlp(), trial)
    kept = json.loads(json.dumps(trial.user_attrs["latency_ms"]))
    assert kept["median_ms"] == value
    assert set(kept) == {
        *("median_ms", "low_ms", "high_ms", "spread_ms", "repeats", "noisy", "seconds"),
        *("device", "threads", "batch_size", "backend", "torch"),
    }


def test_a_measurement_cut_short_is_kept_and_called_noisy() -> None:
    assert Latency(torch.rand(3, 8), time_limit=1e-6).record(mlp()).noisy


def test_settings_reach_the_stopwatch(monkeypatch: pytest.MonkeyPatch) -> None:
    came: dict[str, Any] = {}

    def time_calls(call: Any, **settings: Any) -> Timing:
        came.update(settings)
        return Timing(1, 1, 1, 0, 1, False, 1)

    monkeypatch.setattr(_latency, "time_calls", time_calls)
    Latency(torch.rand(1, 8), precision=0.5, time_limit=3, repeats=9).measure(mlp())
    assert came == {"device": CPU, "precision": 0.5, "time_limit": 3.0, "repeats": 9}


def test_the_network_is_in_eval_mode_without_gradients() -> None:
    assert seen(lambda m, x: (m.training, torch.is_grad_enabled()), torch.rand(3, 8)) == {
        (False, False)
    }


@pytest.mark.parametrize("rows", [1, 3, 20])
def test_the_batch_has_as_many_rows_as_asked(rows: int) -> None:
    assert seen(lambda m, x: x.shape, torch.rand(rows, 8), batch_size=5) == {(5, 8)}


def test_rows_are_repeated_in_order() -> None:
    latency = Latency(torch.tensor([[1.0], [2.0]]), batch_size=5)
    assert latency.example[0].flatten().tolist() == [1, 2, 1, 2, 1]


def test_several_inputs_are_a_tuple() -> None:
    example = (torch.rand(3, 8), np.zeros((3, 4), dtype=np.int64))
    assert seen(lambda m, x, y: (x.shape, y.shape, y.dtype), example, batch_size=2) == {
        ((2, 8), (2, 4), torch.int64)
    }


def test_the_example_is_cast_to_the_precision_of_the_network() -> None:
    Watch.noted = []
    watch = Watch(lambda m, x: x.dtype).to(torch.float64)
    Latency(np.zeros((3, 8), dtype=np.float32), **QUICK).measure(watch)
    assert set(Watch.noted) == {torch.float64}


def test_threads_are_set_while_it_measures_and_restored() -> None:
    before = torch.get_num_threads()
    for threads in range(1, CORES + 1):
        found = seen(lambda m, x: torch.get_num_threads(), torch.rand(1, 8), threads=threads)
        assert found == {threads}
        assert torch.get_num_threads() == before


def test_the_garbage_collector_rests_while_it_measures() -> None:
    assert seen(lambda m, x: gc.isenabled(), torch.rand(1, 8)) == {False}
    assert gc.isenabled()


def test_threads_and_collector_come_back_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="cannot run"):
        Latency(torch.rand(1, 8), threads=CORES, **QUICK).measure(nn.Linear(3, 3))
    assert (torch.get_num_threads(), gc.isenabled()) == (before, True)


def test_the_module_stays_as_it_was() -> None:
    net = mlp()
    net(torch.rand(4, 8)).sum().backward()
    modes = [net.training, *(part.training for part in net.children())]
    before = pickle.dumps((net.state_dict(), [p.grad for p in net.parameters()]))
    Latency(torch.rand(3, 8), **QUICK).measure(net)
    assert pickle.dumps((net.state_dict(), [p.grad for p in net.parameters()])) == before
    assert [net.training, *(part.training for part in net.children())] == modes


def test_a_network_that_draws_even_in_eval_mode_leaves_torchs_generator_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    seen(lambda m, x: torch.rand(1).item(), torch.rand(1, 8, generator=torch.Generator()))
    assert torch.equal(torch.get_rng_state(), before)


def test_it_needs_weights_and_so_is_not_static() -> None:
    assert not Latency.static
    with torch.device("meta"):
        net = nn.Linear(8, 2)
    with pytest.raises(
        ValueError,
        match=r"^latency_ms: the network must have weights to be run, but on the meta device "
        r"are weight, bias\. Build it first\.$",
    ):
        Latency(torch.rand(1, 8)).measure(net)


def test_a_lazy_network_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^latency_ms: the network has lazy layers"):
        Latency(torch.rand(1, 8)).measure(nn.LazyLinear(2))


def test_a_shape_that_does_not_fit_is_named_with_the_networks_error() -> None:
    with pytest.raises(
        ValueError,
        match=r"^latency_ms: the network cannot run an example of shape \(2, 8\) with the "
        r"backend 'eager': mat1 and mat2 shapes cannot be multiplied \(2x8 and 3x4\)$",
    ):
        Latency(torch.rand(1, 8), batch_size=2).measure(nn.Linear(3, 4))


def test_two_with_the_same_settings_and_shapes_are_equal() -> None:
    one, other = Latency(torch.rand(3, 8)), Latency(torch.rand(5, 8))
    assert one == other
    assert hash(one) == hash(other)
    assert (one <= 5) == (other <= 5.0)


@pytest.mark.parametrize(
    "other",
    [
        Latency(torch.rand(3, 9)),
        Latency(torch.zeros(3, 8, dtype=torch.int64)),
        Latency((torch.rand(3, 8), torch.rand(3, 8))),
        Latency(torch.rand(3, 8), batch_size=2),
        Latency(torch.rand(3, 8), backend="compile"),
        Latency(torch.rand(3, 8), precision=0.1),
        Latency(torch.rand(3, 8), time_limit=1.0),
        Latency(torch.rand(3, 8), repeats=7),
        "latency_ms",
    ],
)
def test_others_are_not(other: Any) -> None:
    assert Latency(torch.rand(3, 8)) != other


def test_it_can_be_sent_to_a_worker_with_no_more_rows_than_it_needs() -> None:
    latency = Latency(torch.rand(100_000, 8), batch_size=2)
    sent = pickle.dumps(latency)
    assert len(sent) < 2000
    assert pickle.loads(sent) == latency


def test_a_limit_is_a_constraint_in_milliseconds() -> None:
    assert (Latency(torch.rand(1, 8)) <= 5.0).name == "latency_ms <= 5"


@pytest.mark.parametrize("argument", ["batch_size", "repeats", "threads"])
def test_a_count_below_one_or_that_is_no_int_is_refused(argument: str) -> None:
    for value in (0, -1):
        with pytest.raises(
            ValueError, match=rf"^{argument} must be at least 1, but is {value}\.$"
        ):
            Latency(torch.rand(1, 8), **{argument: value})
    for wrong in (1.5, True, "2"):
        with pytest.raises(TypeError, match=rf"^{argument} must be an int, but is {wrong!r} \("):
            Latency(torch.rand(1, 8), **{argument: wrong})


def test_more_threads_than_cores_are_refused() -> None:
    with pytest.raises(
        ValueError,
        match=rf"^threads must be at most {CORES}, the cores that this process may use, but is "
        rf"{CORES + 1}\.$",
    ):
        Latency(torch.rand(1, 8), threads=CORES + 1)


@pytest.mark.parametrize("argument", ["precision", "time_limit"])
def test_a_limit_that_is_not_positive_and_finite_is_refused(argument: str) -> None:
    for value in (0, -1.0, math.inf, math.nan):
        with pytest.raises(
            ValueError, match=rf"^{argument} must be above 0 and finite, but is {value}\.$"
        ):
            Latency(torch.rand(1, 8), **{argument: value})
    for wrong in ("1", None, True):
        with pytest.raises(TypeError, match=rf"^{argument} must be a number, but is {wrong!r} \("):
            Latency(torch.rand(1, 8), **{argument: wrong})


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"^backend must be one of \['eager', 'compile', 'onnx'\], but is 'jit'\.$",
    ):
        Latency(torch.rand(1, 8), backend="jit")  # type: ignore[arg-type]


@pytest.mark.parametrize("device", ["cuda:99", "mps", "meta"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"^device must be one that can be measured on this machine, \['cpu'.*\], but is "
        rf"'{device}'\.$",
    ):
        Latency(torch.rand(1, 8), device=device)


def test_what_is_no_device_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^device must be one of \['cpu'.*\], but is 'gpu'\.$"):
        Latency(torch.rand(1, 8), device="gpu")


@pytest.mark.parametrize("example", ["rows", None, [["a"]], {"x": 1}, [object()]])
def test_an_example_that_is_no_array_is_refused(example: Any) -> None:
    with pytest.raises(TypeError, match=r"^example must be a tensor or an array of numbers"):
        Latency(example)


@pytest.mark.parametrize("shape", [(), (0, 8)])
def test_an_example_without_a_row_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^example must hold at least one row, but has shape \("):
        Latency(torch.rand(shape))


def test_an_example_without_an_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^example must hold an input, but is an empty tuple\.$"):
        Latency(())


def test_an_example_on_another_device_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"^example must be on the CPU or on the device, 'cpu', but is on 'meta'\.$",
    ):
        Latency(torch.rand(1, 8, device="meta"))


def test_onnx_without_its_packages_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_runtimes, "find_spec", lambda package: None)
    with pytest.raises(
        ImportError,
        match=r"^backend 'onnx' needs onnx, onnxruntime, onnxscript: "
        r"pip install 'optuna-nas\[onnx\]'\.$",
    ):
        Latency(torch.rand(1, 8), backend="onnx")


def test_onnx_is_measured_on_the_cpu_only() -> None:
    with pytest.raises(
        ValueError, match=r"^backend 'onnx' is measured on the CPU, but device is 'cuda'\.$"
    ):
        _runtimes.check_backend("onnx", torch.device("cuda"))


def test_onnx_runtime_runs_the_network_as_torch_does() -> None:
    for package in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(package)
    net, x = mlp().eval(), torch.rand(3, 8)
    with torch.inference_mode():
        (out,) = _runtimes.ready(net, (x,), "onnx", 1)()  # type: ignore[misc]
        assert torch.allclose(torch.as_tensor(out), net(x), atol=1e-5)
    assert Latency(x, backend="onnx", **QUICK).record(net).backend == "onnx"


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_torchs_compiler_runs_the_network_as_torch_does() -> None:
    net, x = nn.Linear(8, 2), torch.rand(3, 8)  # for which no C++ has to be compiled: seconds
    with torch.inference_mode():
        assert torch.allclose(_runtimes.ready(net, (x,), "compile", 1)(), net(x), atol=1e-5)


def test_more_networks_of_a_class_than_torch_would_compile_are_all_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = []

    def compiler(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Any:
        compiled.append(graph)
        return graph

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=compiler))
    for width in range(1, 13):
        Latency(torch.rand(3, 8), backend="compile", **QUICK).measure(nn.Linear(8, width))
    assert len(compiled) == 12


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("backend", ["eager", "compile"])
def test_on_a_gpu_a_copy_is_measured_there(backend: Any) -> None:
    net = mlp()
    record = Latency(torch.rand(3, 8), device="cuda", backend=backend).record(net)
    assert record.device == torch.cuda.get_device_name()
    assert record.median_ms > 0
    assert next(net.parameters()).device == CPU


class Signed(nn.Module):
    """Signs a file at each call."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: Tensor) -> Tensor:
        with self.path.open("a") as file:
            file.write(f"{os.getpid()}\n")
        return x


def measure_beside(directory: Path, barrier: Barrier) -> None:
    tempfile.tempdir = str(directory)
    torch.set_num_threads(1)
    latency = Latency(torch.rand(1, 8), time_limit=0.2)
    barrier.wait(120)
    latency.measure(Signed(directory / "signed"))


@pytest.fixture
def two_workers() -> Iterator[tuple[ProcessPoolExecutor, Any]]:
    context = get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(2, mp_context=context) as pool:
        yield pool, manager.Barrier(2)


def test_two_workers_do_not_measure_at_the_same_time(tmp_path: Path, two_workers: Any) -> None:
    pool, barrier = two_workers
    for future in [pool.submit(measure_beside, tmp_path, barrier) for _ in range(2)]:
        future.result(120)
    turns = [pid for pid, _ in groupby((tmp_path / "signed").read_text().split())]
    assert len(turns) == len(set(turns)) == 2


def test_the_lock_is_free_again_after_an_error() -> None:
    with pytest.raises(KeyError, match="mine"), quiet(CPU, 1):
        raise KeyError("mine")
    with quiet(CPU, 1):
        pass


def test_two_threads_of_a_process_wait_for_each_other_and_the_collector_comes_back() -> None:
    inside: list[int] = []

    def measure() -> None:
        with quiet(CPU, 1):
            inside.append(len(inside))
            time.sleep(0.1)
            assert inside.pop() == 0

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(measure) for _ in range(4)]:
            future.result(60)
    assert gc.isenabled()
