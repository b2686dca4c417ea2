from collections.abc import Iterator
from pathlib import Path
import pickle
import sys
import tempfile
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_nas.metrics import Energy
from optuna_nas.metrics import Parameters
from optuna_nas.metrics._energy import _per_call
from optuna_nas.metrics._energy_counters import nvml
from optuna_nas.metrics._energy_counters import Rapl


RANGE = 262_143_328_850


@pytest.fixture(scope="module", autouse=True)
def own_lock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Else they would wait for whoever measures on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("lock")))
        yield


def zone(root: Path, path: str, name: str, energy_uj: int) -> Path:
    folder = root / path
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")
    (folder / "max_energy_range_uj").write_text(f"{RANGE}\n")
    return folder / "energy_uj"


class Meter:
    """A power meter on a network that draws the same each time it is called."""

    def __init__(self, each: float) -> None:
        self.each, self.drawn = each, 1000.0

    def __call__(self) -> float:
        return self.drawn

    def __deepcopy__(self, memo: Any) -> "Meter":
        return self


class Drawing(nn.Module):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self.meter = meter
        self.linear = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.meter.drawn += self.meter.each
        out: Tensor = self.linear(x)
        return out


def test_it_is_what_one_forward_pass_draws() -> None:
    meter = Meter(each=2.5)
    energy = Energy(torch.rand(3, 4), seconds=0.02, counter=meter)
    assert energy.measure(Drawing(meter)) == pytest.approx(2.5)
    assert energy(Drawing(meter), None) == pytest.approx(2.5)


def test_a_counter_that_seldom_moves_is_read_as_it_moves() -> None:
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1

    used = _per_call(call, lambda: float(calls - calls % 1000) * 3, seconds=0.001)
    assert used == pytest.approx(3)


def test_a_counter_that_does_not_move_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optuna_nas.metrics._energy.STILL", 0.01)
    energy = Energy(torch.rand(3, 4), seconds=0.01, counter=lambda: 7.0)
    with pytest.raises(RuntimeError, match=r"energy_mj: the energy counter has not moved from 7"):
        energy.measure(nn.Linear(4, 3))


def test_packages_and_their_memory_add_up_and_what_overlaps_them_does_not(
    tmp_path: Path,
) -> None:
    first = zone(tmp_path, "intel-rapl:0", "package-0", 5_000)
    second = zone(tmp_path, "intel-rapl:1", "package-1-die-0", 90_000)
    memory = zone(tmp_path, "intel-rapl:0:1", "dram", 100)
    cores = zone(tmp_path, "intel-rapl:0:0", "core", 10)
    system = zone(tmp_path, "intel-rapl:2", "psys", 1)
    again = zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5_000)
    counter = Rapl(tmp_path)
    assert counter() == 0
    for path in (first, second, memory, cores, system, again):
        path.write_text(str(int(path.read_text()) + 7_000))
    assert counter() == 3 * 7
    assert counter() == 3 * 7


def test_a_counter_that_starts_again_at_zero_goes_on(tmp_path: Path) -> None:
    energy_uj = zone(tmp_path, "intel-rapl:0", "package-0", RANGE - 4_000)
    counter = Rapl(tmp_path)
    energy_uj.write_text("6000")
    assert counter() == 10
    energy_uj.write_text(str(RANGE - 2_000))
    energy_uj.write_text("0")
    assert counter() == 10 + (RANGE - 6_000) / 1e3


def test_a_machine_without_a_counter_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"no energy counter \(RAPL\): .*intel-rapl:\*/energy_"):
        Rapl(tmp_path)
    zone(tmp_path, "intel-rapl:0", "psys", 1)
    with pytest.raises(RuntimeError, match=r"give a counter of your own: Energy\(.*counter="):
        Rapl(tmp_path)


@pytest.mark.skipif(Path("/sys/class/powercap/intel-rapl:0").exists(), reason="has a counter")
def test_energy_itself_tells_so_when_it_is_made() -> None:
    with pytest.raises(RuntimeError, match=r"no energy counter \(RAPL\): /sys/class/powercap"):
        Energy(torch.rand(1, 4))


def test_a_counter_that_may_not_be_read_says_how_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    energy_uj = zone(tmp_path, "intel-rapl:0", "package-0", 1)
    read = Path.read_text

    def refuse(path: Path, *args: Any) -> str:  # root may read whatever its mode is
        if path == energy_uj:
            raise PermissionError(path)
        return read(path, *args)

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(RuntimeError, match=r"since Linux 5\.10 only root may\..* sudo chmod a\+r"):
        Rapl(tmp_path)


class FakeProperties:
    uuid = "abc"


def fake_nvml(monkeypatch: pytest.MonkeyPatch, energy: list[int]) -> None:
    module = ModuleType("pynvml")
    error = type("NVMLError", (Exception,), {})

    def read(handle: str) -> int:
        assert handle == "handle of GPU-abc"
        if not energy:
            raise error("Not Supported")
        return energy.pop(0)

    module.NVMLError = error  # type: ignore[attr-defined]
    module.nvmlInit = lambda: None  # type: ignore[attr-defined]
    module.nvmlDeviceGetHandleByUUID = "handle of {}".format  # type: ignore[attr-defined]
    module.nvmlDeviceGetTotalEnergyConsumption = read  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: FakeProperties())
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Fake 100")


def test_a_gpu_is_asked_by_its_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_nvml(monkeypatch, [100, 250])
    assert nvml(torch.device("cuda:0"))() == 250


def test_a_gpu_without_a_counter_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_nvml(monkeypatch, [])
    with pytest.raises(RuntimeError, match=r"no energy counter \(NVML\) for Fake 100 \(GPU-abc\)"):
        nvml(torch.device("cuda:0"))


def test_a_gpu_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(
        ImportError, match=r"nvidia-ml-py is needed: pip install .optuna-nas\[energy"
    ):
        nvml(torch.device("cuda:0"))


def test_the_module_is_left_as_it_was() -> None:
    meter = Meter(each=1.0)
    net = nn.Sequential(Drawing(meter), nn.BatchNorm1d(3))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    threads = torch.get_num_threads()
    Energy(torch.rand(3, 4), seconds=0.01, counter=meter).measure(net)
    assert net.training
    assert net[1].training
    assert torch.get_num_threads() == threads
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def total() -> float:
    return 0.0


def test_equal_settings_are_equal_metrics_that_can_be_sent_to_a_worker() -> None:
    energy = Energy(torch.rand(3, 4), counter=total)
    assert energy == Energy(torch.zeros(2, 4), counter=total) == pickle.loads(pickle.dumps(energy))
    assert len({energy, Energy(torch.zeros(2, 4), counter=total)}) == 1
    assert energy != Energy(torch.rand(3, 4), counter=total, seconds=1)
    assert energy != Energy(torch.rand(3, 4), counter=Meter(1.0))
    assert energy != Parameters()
    assert (energy <= 5).name == "energy_mj <= 5"
    assert (energy.unit, energy.direction, energy.static) == ("mJ", "minimize", False)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"seconds": 0}, ValueError, r"seconds must be above 0 and finite, but is 0\."),
        ({"seconds": float("inf")}, ValueError, r"seconds must be above 0 and finite, but is inf"),
        ({"seconds": "2"}, TypeError, r"seconds must be a number, but is '2'\."),
        ({"threads": 0}, ValueError, r"threads must be at least 1, but is 0\."),
        ({"batch_size": 0}, ValueError, r"batch_size must be at least 1, but is 0\."),
        ({"batch_size": 1.5}, TypeError, r"batch_size must be an int, but is 1\.5 \(float\)\."),
        ({"device": "cuda:99"}, ValueError, r"device must be one that can be measured"),
    ],
)
def test_what_is_not_legal_is_refused(
    settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Energy(torch.rand(1, 4), counter=total, **settings)


def test_a_lazy_layer_without_a_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"energy_mj: .*lazy layers .* yet \(weight, bias"):
        Energy(torch.rand(2, 4), counter=total).measure(nn.LazyLinear(3))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_larger_product_draws_more_on_a_gpu() -> None:
    pytest.importorskip("pynvml")
    small, large = (
        Energy(torch.rand(4096, width), device="cuda", batch_size=4096).measure(
            nn.Linear(width, width)
        )
        for width in (256, 8192)
    )
    assert large > 2 * small > 0
