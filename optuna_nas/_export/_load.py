"""``load``, to go on training, and ``load_program``, to predict; neither reads a pickle."""

from __future__ import annotations

from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors import SafetensorError
import torch
from torch import nn
from torch import Tensor

from optuna_nas._export._features import make_features
from optuna_nas._export._folder import FORMAT
from optuna_nas._export._folder import MODEL
from optuna_nas._export._folder import ONNX
from optuna_nas._export._folder import PROGRAM
from optuna_nas._export._folder import VERSION
from optuna_nas._export._folder import WEIGHTS
from optuna_nas._export._networks import made
from optuna_nas._export._networks import params_in
from optuna_nas._export._networks import rebuilt
from optuna_nas._export._pickles import check_without_pickles
from optuna_nas._export._predict import cells_of
from optuna_nas._export._predict import Program
from optuna_nas.space import Network


LARGEST = 2**31
KINDS = ("table", "image", "sequence", "tensor")
FIELDS: dict[str, tuple[type, ...]] = {
    "classes": (list, type(None)),
    "inputs": (dict,),
    "network": (dict, type(None)),
    "params": (dict, type(None)),
    "without_onnx": (str, type(None)),
}
"""What must be in ``model.json`` beside format and version, and of which type."""


@dataclass(frozen=True)
class Loaded:
    """What :func:`load` gives.

    Args:
        module:
            The network with its weights, in eval mode, on the CPU.
        params:
            Its decisions, and what else its trial was asked; of an ensemble, a list of them.
        network:
            The search space.
        classes:
            The labels, or None.
        inputs:
            What prepares rows, as :meth:`prepare` uses it.
        schema:
            What rows look like.
    """

    module: nn.Module
    params: Any
    network: Network
    classes: tuple[Any, ...] | None
    inputs: nn.Module
    schema: dict[str, Any]

    def prepare(self, rows: Any) -> Tensor:
        """What the module takes of rows: to train on others, prepared as those before.

        Args:
            rows:
                A DataFrame, a dict of columns, or an array.
        """
        prepared: Tensor = self.inputs(torch.from_numpy(cells_of(rows, self.schema)))
        return prepared


def load(path: str | Path, network: Network | None = None, *, largest: int = LARGEST) -> Loaded:
    """The network of an export, with its weights, to go on training.

    Example:

        .. code-block:: python

            loaded = optuna_nas.load("model")
            logits = loaded.module(loaded.prepare(rows))

    Args:
        path:
            The folder that :func:`export` wrote.
        network:
            The search space that the network was built from. Those of ``optuna_nas.spaces`` are
            found without; nothing else that the folder names is imported.
        largest:
            How many bytes a file may have.

    Raises:
        FileNotFoundError:
            If there is no such folder, or a file of it is missing.
        ValueError:
            If it is no export, files are too large or lead out of the folder, or weights and
            params do not fit the network.
    """
    folder = Path(path)
    model = _read_model(folder, largest)
    if model["params"] is None:
        raise ValueError(
            f"{str(folder)!r} was exported without network and params, so it cannot be rebuilt. "
            "Build the module yourself; safetensors.torch.load_file reads its weights."
        )
    chosen = rebuilt(model["network"]) if network is None else network
    tensors = _read_weights(_file(folder, WEIGHTS, largest))
    weights = _below("network.", tensors)
    if network is None:  # whose sizes are the file's: no memory is given for what does not fit
        with torch.device("meta"):
            _check_fits(made(chosen, model["params"]), weights)
    module = made(chosen, model["params"])
    _check_fits(module, weights)
    module.load_state_dict(weights)
    classes = model["classes"]
    return Loaded(
        module=module.eval(),
        params=params_in(model["params"]),
        network=chosen,
        classes=None if classes is None else tuple(classes),
        inputs=make_features(model["inputs"]["kind"], _below("inputs.", tensors)),
        schema=model["inputs"],
    )


def load_program(
    path: str | Path, *, runtime: str | None = None, largest: int = LARGEST
) -> Program:
    """The program of an export: ``.predict(rows)``, and of classes ``.predict_proba(rows)``.

    What is run is what was exported and checked, by the code that stands in ``predict.py`` too.
    A program is code, so take none from people whom you do not trust; one with a pickle in it is
    refused.

    Args:
        path:
            The folder that :func:`export` wrote.
        runtime:
            ``"torch"``, ``"onnx"``, or None for torch.
        largest:
            How many bytes a file may have.

    Raises:
        FileNotFoundError:
            If there is no such folder, or a file of it is missing.
        ValueError:
            If it is no export, or files are too large, lead out of the folder, or hold pickles.
    """
    folder = Path(path)
    if runtime not in (None, "torch", "onnx"):
        raise ValueError(f"runtime must be None, 'torch' or 'onnx', but is {runtime!r}.")
    model = _read_model(folder, largest)
    if runtime == "onnx":
        if model["without_onnx"] is not None:
            raise ValueError(f"there is no {ONNX} in {str(folder)!r}: {model['without_onnx']}.")
        _file(folder, ONNX, largest)
    else:
        check_without_pickles(_file(folder, PROGRAM, largest), largest)
    return Program(folder, runtime or "torch")


def _read_model(folder: Path, largest: int) -> dict[str, Any]:
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {str(folder)!r}.")
    try:
        model: Any = json.loads(_file(folder, MODEL, largest).read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{str(folder)!r} is no export: {MODEL} cannot be read: {error}"
        ) from None
    if not isinstance(model, dict) or model.get("format") != FORMAT:
        raise ValueError(f"{str(folder)!r} is no export: {MODEL} is not ours.")
    if model.get("version") != VERSION:
        raise ValueError(
            f"{str(folder)!r} has version {model.get('version')!r} of the format, but this "
            f"library reads {VERSION}. Take the one that wrote it."
        )
    for name, kinds in FIELDS.items():
        if name not in model or not isinstance(model[name], kinds):
            raise ValueError(
                f"{str(folder)!r} is no export: {name} of {MODEL} is {model.get(name)!r:.60}."
            )
    if model["inputs"].get("kind") not in KINDS:
        raise ValueError(f"{str(folder)!r} is no export: {MODEL} has inputs of no kind we know.")
    return model


def _file(folder: Path, name: str, largest: int) -> Path:
    path = folder / name
    if not path.is_file():
        below = folder / "model"
        nearest = f" Did you mean {str(below)!r}?" if (below / name).is_file() else ""
        raise FileNotFoundError(
            f"{str(folder)!r} is no complete export: {name} is missing.{nearest}"
        )
    if path.resolve().parent != folder.resolve():
        raise ValueError(f"{name} of {str(folder)!r} leads out of the folder.")
    size = path.stat().st_size
    if size > largest:
        raise ValueError(
            f"{name} of {str(folder)!r} has {size:,} bytes, more than largest={largest:,}."
        )
    return path


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{str(path)!r} holds no weights: {error}.") from None


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    pairs = tensors.items()
    return {name.removeprefix(prefix): v for name, v in pairs if name.startswith(prefix)}


def _check_fits(module: nn.Module, weights: dict[str, Tensor]) -> None:
    expected = {name: tuple(values.shape) for name, values in module.state_dict().items()}
    given = {name: tuple(values.shape) for name, values in weights.items()}
    problems = [f"{n} is missing" for n in expected if n not in given]
    problems += [f"{n} is unknown" for n in given if n not in expected]
    problems += [
        f"{n} has shape {given[n]} in place of {shape}"
        for n, shape in expected.items()
        if n in given and given[n] != shape
    ]
    if problems:
        more = f", and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise ValueError(f"weights do not fit the network: {', '.join(problems[:5])}{more}.")
