"""The blocks of a network: modules that call no other module, with the inputs they get there.

A convolution, an activation, attention. What a network does between them (residual sums,
reshaping) belongs to none.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from statistics import median
import sys
import time
from typing import Any

import torch
from torch import nn
from torch import Tensor
from torch.utils import _pytree as pytree


WARM_UP = 3
"""Passes that do not count: in the first, torch chooses kernels and takes memory."""

Given = tuple[tuple[Any, ...], dict[str, Any]]


def blocks_of(network: nn.Module, inputs: Sequence[Tensor]) -> list[str]:
    """The names of the blocks that one forward pass calls, in that order.

    A name says all that the time depends on, so that blocks of equal names may stand for each
    other: type, hyperparameters, shapes and precision of the inputs. Weights do not matter.

    Args:
        network:
            A network in eval mode, on any device; during the pass it has hooks.
        inputs:
            What it is given, on the same device.
    """
    return _noted(network, inputs, block_name, lambda name: name)


def block_times(network: nn.Module, inputs: Sequence[Tensor], repeats: int) -> dict[str, float]:
    """The milliseconds that each block takes in the running network: the median of its calls.

    As :func:`time_calls` does, it takes the processor's time of a single thread, and else the
    time on the wall, or between events on a CUDA device.

    Args:
        network:
            A network in eval mode; during the passes it has hooks.
        inputs:
            What it is given, on the same device.
        repeats:
            How many forward passes to take, after a few that do not count.
    """
    names = blocks_of(network, inputs)
    times: dict[str, list[float]] = {name: [] for name in names}
    for passed in _passes(network, inputs, repeats):
        for name, ms in zip(names, passed, strict=True):
            times[name].append(ms)
    return {name: median(calls) for name, calls in times.items()}


def call_times(network: nn.Module, inputs: Sequence[Tensor], repeats: int) -> list[float]:
    """The milliseconds of each call of a block, in the order of :func:`blocks_of`: medians.

    Args:
        network:
            As for :func:`block_times`.
        inputs:
            Likewise.
        repeats:
            Likewise.
    """
    return [median(call) for call in zip(*_passes(network, inputs, repeats), strict=True)]


def block_name(module: nn.Module, given: Given) -> str:
    """What a block is called, such as ``Linear(in_features=4, ...) of float32[1, 4]``.

    Args:
        module:
            The block.
        given:
            Its arguments by position and by name.
    """
    kind = type(module)
    where = "" if kind.__module__.startswith("torch.nn.") else f"{kind.__module__}."
    inputs = [x for x in pytree.tree_leaves(given) if isinstance(x, Tensor)]
    shapes = ", ".join(f"{str(x.dtype).removeprefix('torch.')}{list(x.shape)}" for x in inputs)
    return f"{where}{kind.__qualname__}({_hyperparameters(module)}) of {shapes}"


def _passes(network: nn.Module, inputs: Sequence[Tensor], repeats: int) -> Iterator[list[float]]:
    """The milliseconds of each call of a block, pass by pass."""
    now, milliseconds = _events() if inputs[0].is_cuda else _clock()
    for i in range(WARM_UP + repeats):
        spans = _noted(network, inputs, lambda *_: now(), lambda begin: (begin, now()))
        if i >= WARM_UP:
            yield milliseconds(spans)


def _noted(
    network: nn.Module,
    inputs: Sequence[Tensor],
    before: Callable[[nn.Module, Given], Any],
    after: Callable[[Any], Any],
) -> list[Any]:
    """What ``after`` makes, just after each block, of what ``before`` gave just before it."""
    begun: list[Any] = []
    noted: list[Any] = []
    calls_none = True

    def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        nonlocal calls_none
        calls_none = True
        begun.append(before(module, (args, kwargs)))

    def leave(module: nn.Module, args: Any, out: Any) -> None:
        nonlocal calls_none
        first = begun.pop()
        if calls_none:
            noted.append(after(first))
        calls_none = False

    handles = []
    for module in network.modules():
        handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
        handles.append(module.register_forward_hook(leave))
    try:
        with torch.inference_mode():
            network(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return noted


def _clock() -> tuple[Callable[[], int], Callable[[list[Any]], list[float]]]:
    """What gives the time, and what makes milliseconds of pairs of times."""
    alone = torch.get_num_threads() == 1 and sys.platform != "win32"
    now = time.thread_time_ns if alone else time.perf_counter_ns
    return now, lambda spans: [(end - begin) / 1e6 for begin, end in spans]


def _events() -> tuple[Callable[[], torch.cuda.Event], Callable[[list[Any]], list[float]]]:
    def now() -> torch.cuda.Event:
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

    def milliseconds(spans: list[Any]) -> list[float]:
        torch.cuda.synchronize()
        return [begin.elapsed_time(end) for begin, end in spans]

    return now, milliseconds


def _hyperparameters(module: nn.Module) -> str:
    """As the module prints them; those that print none are told by attributes and weights."""
    shown = module.extra_repr()
    if shown:
        return shown
    plain = [
        f"{name}={value!r}"
        for name, value in sorted(vars(module).items())
        if not name.startswith("_") and name != "training" and _is_plain(value)
    ]
    shapes = [f"{name}{list(p.shape)}" for name, p in module.named_parameters()]
    return ", ".join(plain + shapes)


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, int | float | str)
