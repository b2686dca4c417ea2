"""``to_onnx``: a program as ONNX, or the reason why there is none."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
import logging
from traceback import walk_tb
from typing import Any
import warnings

import torch
from torch.export import ExportedProgram
from torch.fx import Node


PACKAGES = ("onnx", "onnxruntime", "onnxscript")


def to_onnx(program: ExportedProgram) -> tuple[bytes | None, str | None]:
    """A program as ONNX, for any number of rows.

    Args:
        program:
            Of ``torch.export``.

    Returns:
        The file's content, or None; and then the reason, with the block that is to blame.
    """
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        return None, f"{', '.join(missing)} not installed: pip install 'optuna-nas[onnx]'"
    with silent():
        try:
            exported = torch.onnx.export(
                program,
                input_names=["rows"],
                output_names=["predictions"],
                dynamo=True,
                verbose=False,
            )
            assert exported is not None  # only the older exporter returns nothing
            model = exported.model_proto
            content: bytes = model.SerializeToString()
        except Exception as error:  # whatever it is, the other files are as good without
            return None, _reason(error)
    reason = _cannot_run(content, model)
    return (content, None) if reason is None else (None, reason)


@contextmanager
def silent() -> Iterator[None]:
    """Torch's exporters warn of torch's own code, and log what they do without."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _cannot_run(content: bytes, model: Any) -> str | None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is told by us
    try:
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no class in common
        said = str(error)
        scopes = [_scope(node) for node in model.graph.node if f" {node.op_type}(" in said]
        block = f"in block {scopes[0]}, " if any(scopes) else ""
        return f"{block}onnxruntime cannot run it: {said}"
    return None


def _scope(node: Any) -> str:
    """The module that an ONNX node comes from, as the exporter writes it down."""
    names = {prop.key: prop.value for prop in node.metadata_props}
    scopes = literal_eval(names.get("pkg.torch.onnx.name_scopes", "[]"))
    return str(scopes[-2]) if len(scopes) > 1 else ""


def _reason(error: BaseException) -> str:
    first = _chain(error)[-1]
    told = str(first).splitlines()[0] if str(first) else type(first).__name__
    return f"torch.onnx cannot export it{where(error)}: {told}"


def where(error: BaseException) -> str:
    """The operation that an exporter of torch's gave up at and its block, if they can be told.

    Args:
        error:
            What it raised.
    """
    for one in _chain(error):
        for frame, _ in walk_tb(one.__traceback__):
            node = frame.f_locals.get("node")
            if isinstance(node, Node) and (block := _block(node)):
                return f", because of {node.target} in block {block}"
    return ""


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    return chain


def _block(node: Node) -> str:
    """The innermost module that an operation is in, with its class."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    if not stack:
        return ""
    path, kind = stack[-1]
    name = kind if isinstance(kind, str) else kind.__name__
    return f"{path!r} ({name.rsplit('.', 1)[-1]})"
