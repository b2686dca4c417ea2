"""Where to train: a device by name, checked before the first trial rather than in it."""

from __future__ import annotations

from difflib import get_close_matches

import torch


CPU = torch.device("cpu")


def resolve_device(device: str | torch.device) -> torch.device:
    """The device that a name stands for.

    Args:
        device:
            ``"auto"`` (the first CUDA device, else the CPU), or a device of torch's.

    Raises:
        ValueError:
            If there is no such device, or not on this machine.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device in ("cpu", CPU):
        return CPU
    there = _devices()
    legal = ["auto", *there]
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError):
        near = get_close_matches(str(device), ["auto", "cpu", "cuda", "mps"], n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"device must be one of {legal}, but is {device!r}.{guess}") from None
    if not any(str(resolved) in (name, name.split(":")[0]) for name in there):
        raise ValueError(f"device {str(device)!r} is not there: this machine has {legal}.")
    return resolved


def _devices() -> list[str]:
    cuda = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return ["cpu", *cuda, *mps]
