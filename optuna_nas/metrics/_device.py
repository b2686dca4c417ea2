"""Where a cost is measured."""

from __future__ import annotations

from pathlib import Path
import platform

import torch


CPU = torch.device("cpu")


def measuring_device(device: str | torch.device) -> torch.device:
    """The device of a name, once it is known to be there.

    Args:
        device:
            ``"cpu"``, ``"cuda"`` or one of several, ``"cuda:1"``.

    Raises:
        ValueError:
            If it is another, or this machine has no such device.
    """
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"device must be one of {_there()}, but is {device!r}.") from None
    index = resolved.index or 0
    if resolved == CPU or (resolved.type == "cuda" and index < torch.cuda.device_count()):
        return resolved
    raise ValueError(
        f"device must be one that can be measured on this machine, {_there()}, but is "
        f"{str(resolved)!r}."
    )


def device_name(device: torch.device) -> str:
    """What its maker calls a device, as far as the system tells.

    Args:
        device:
            The CPU or a CUDA device.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _there() -> list[str]:
    return ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
