"""Training's own randomness: torch generators whose seeds are functions of what they are for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from optuna_nas._arguments import checked_int


def generator_for(seed: int | None, number: int = 0) -> torch.Generator:
    """A generator on the CPU.

    Args:
        seed:
            An int of at least 0; or None, to draw from torch's global generator.
        number:
            The trial's number, so that each trial has its own stream.
    """
    if seed is None:
        return spawn(torch.default_generator, torch.device("cpu"))
    state = np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


def spawn(generator: torch.Generator, device: torch.device) -> torch.Generator:
    """A generator on a device, seeded by a draw from another one.

    Args:
        generator:
            One on the CPU.
        device:
            Where the new one is to draw.
    """
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    return torch.Generator(device).manual_seed(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds torch, and puts its state back after.

    Args:
        seed:
            At least 0.
    """
    with restored():
        torch.manual_seed(seed)
        yield


@contextmanager
def restored() -> Iterator[None]:
    """Puts torch's state back after; that of a GPU only if one is in use already."""
    # Looking at the generator of a GPU takes some of its memory.
    in_use = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    gpus = range(torch.cuda.device_count()) if in_use else ()
    with torch.random.fork_rng(devices=gpus):
        yield


def check_seed(seed: int | None) -> None:
    """Checks a seed.

    Args:
        seed:
            As for :func:`generator_for`.

    Raises:
        ValueError:
            If it is neither None nor an int of at least 0.
    """
    if seed is not None:
        checked_int("seed", seed, 0, otherwise=", or None")
