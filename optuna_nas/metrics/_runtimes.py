"""What runs a network while its latency is measured: torch itself, a compiler, ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any
from typing import get_args
from typing import Literal
from typing import TypeAlias
import warnings

import torch
from torch import nn
from torch import Tensor


Backend: TypeAlias = Literal["eager", "compile", "onnx"]


def check_backend(backend: Any, device: torch.device) -> None:
    """Checks that a backend can be used.

    Args:
        backend:
            What came.
        device:
            Where it is to run.

    Raises:
        ValueError:
            If it is none of them, or does not run there.
        ImportError:
            If its packages are missing; says how to install them.
    """
    legal = get_args(Backend)
    if backend not in legal:
        raise ValueError(f"backend must be one of {list(legal)}, but is {backend!r}.")
    if backend != "onnx":
        return
    if device.type != "cpu":
        raise ValueError(f"backend 'onnx' is measured on the CPU, but device is {str(device)!r}.")
    packages = ("onnx", "onnxruntime", "onnxscript")
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise ImportError(
            f"backend 'onnx' needs {', '.join(missing)}: pip install 'optuna-nas[onnx]'."
        )


def ready(
    module: nn.Module, inputs: tuple[Tensor, ...], backend: Backend, threads: int
) -> Callable[[], object]:
    """A call that runs a network; it was made once, and what there was to compile is compiled.

    Args:
        module:
            The network, in eval mode.
        inputs:
            What it is given, on its device.
        backend:
            What runs it.
        threads:
            How many threads ONNX Runtime may take; torch is told elsewhere.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's compilers warn of torch's own code
        call = {"eager": _eager, "compile": _compiled, "onnx": _onnx}[backend](
            module, inputs, threads
        )
        call()
    return call


def _eager(module: nn.Module, inputs: tuple[Tensor, ...], threads: int) -> Callable[[], object]:
    return lambda: module(*inputs)


def _compiled(module: nn.Module, inputs: tuple[Tensor, ...], threads: int) -> Callable[[], object]:
    # Else the ninth network of a class would run without being compiled, and nobody would know.
    torch.compiler.reset()
    compiled = torch.compile(module, dynamic=False)
    return lambda: compiled(*inputs)


def _onnx(module: nn.Module, inputs: tuple[Tensor, ...], threads: int) -> Callable[[], object]:
    import onnxruntime

    program = torch.onnx.export(module, inputs, dynamo=True, verbose=False)
    assert program is not None  # only the older exporter returns nothing
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = (given.name for given in session.get_inputs())
    feed = {name: x.numpy() for name, x in zip(names, inputs, strict=True)}
    return lambda: session.run(None, feed)
