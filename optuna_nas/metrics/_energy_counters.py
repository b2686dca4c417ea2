"""What counts energy: the processor's own counters (RAPL), or a GPU's (NVML)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
import re
from typing import Any

import torch


POWERCAP = Path("/sys/class/powercap")
COUNTED = re.compile(r"package-\d+(-die-\d+)?|dram")
"""Zones that do not overlap: cores are part of their package, and all are part of psys."""

EnergyCounter = Callable[[], float]
"""Returns the millijoules used since some moment; never less than before."""


class Rapl:
    """Millijoules that processors and their memory used, by Linux' powercap interface.

    That of Intel processors from Sandy Bridge on and of AMD's from Zen on: all packages, and
    their memory where it has a counter. Whatever else the machine does is in it.

    Args:
        root:
            Where the zones are, ``intel-rapl:0`` and so on.

    Raises:
        RuntimeError:
            If there is none, or it may not be read; says what to do.
    """

    def __init__(self, root: Path = POWERCAP) -> None:
        names = root.glob("intel-rapl:*/name")
        zones = sorted(n.parent for n in names if COUNTED.fullmatch(n.read_text().strip()))
        if not zones:
            raise RuntimeError(
                f"no energy counter (RAPL): {root}/intel-rapl:*/energy_uj, for a package, was "
                "looked for and is not there. Virtual machines, containers and other systems than "
                "Linux have none; give a counter of your own: Energy(..., counter=...)."
            )
        self._zones = [_Zone(zone) for zone in zones]

    def __call__(self) -> float:
        return sum(zone.microjoules() for zone in self._zones) / 1e3


class _Zone:
    """A counter that starts again at zero after its range: half an hour of work, say."""

    def __init__(self, path: Path) -> None:
        self._path = path / "energy_uj"
        self._range = int((path / "max_energy_range_uj").read_text())
        self._total = 0
        self._last = self._read()

    def microjoules(self) -> int:
        """Since this zone was opened."""
        now = self._read()
        used = now - self._last
        self._total += used if used >= 0 else used + self._range
        self._last = now
        return self._total

    def _read(self) -> int:
        try:
            return int(self._path.read_text())
        except PermissionError:
            raise RuntimeError(
                f"the energy counter (RAPL) {self._path} may not be read: since Linux 5.10 only "
                "root may. Run as root, or let others read it until the next boot: "
                f"sudo chmod a+r {self._path.parents[1]}/intel-rapl:*/energy_uj."
            ) from None


def nvml(device: torch.device) -> EnergyCounter:
    """The counter of a GPU: millijoules of the whole board, for all that runs on it.

    Args:
        device:
            A CUDA device.

    Raises:
        ImportError:
            If ``nvidia-ml-py`` is not installed.
        RuntimeError:
            If the driver has no counter for this GPU: those before Volta, and parts of a GPU.
    """
    try:
        pynvml = import_module("pynvml")
    except ImportError:
        raise ImportError(
            "the energy of a CUDA device is read by NVML, for which nvidia-ml-py is needed: "
            'pip install "optuna-nas[energy]".'
        ) from None
    # By its UUID: NVML does not know of CUDA_VISIBLE_DEVICES.
    uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
    read: Callable[[Any], int] = pynvml.nvmlDeviceGetTotalEnergyConsumption
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        read(handle)
    except pynvml.NVMLError as error:
        raise RuntimeError(
            f"no energy counter (NVML) for {torch.cuda.get_device_name(device)} ({uuid}): "
            f"{error}. GPUs from Volta on have one, parts of a GPU (MIG) have none."
        ) from None
    return lambda: float(read(handle))
