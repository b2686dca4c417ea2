"""``export``: a trained network as a folder that runs without this library, checked."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import tempfile
from typing import Any

import numpy as np
from torch import nn

from optuna_nas._estimator._targets import Classes
from optuna_nas._export._draft import check_fitted
from optuna_nas._export._draft import finish
from optuna_nas._export._draft import write
from optuna_nas._export._fitted import Fitted
from optuna_nas._export._fitted import fitted_of
from optuna_nas._export._folder import check_path
from optuna_nas._export._folder import new_folder
from optuna_nas._export._rows import drawn_rows
from optuna_nas._export._rows import write_rows
from optuna_nas._export._verify import Check
from optuna_nas._export._verify import verify
from optuna_nas.metrics._example import checked_batch
from optuna_nas.metrics._example import inputs_for
from optuna_nas.space import Network


MOST_ROWS = 1000
"""Of an example, so many are enough to check with."""


class ExportError(RuntimeError):
    """An exported program does not predict what its network does; nothing was written."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Args:
        path:
            The folder.
        rows:
            How many it was checked with.
        difference:
            The largest that there was, of probabilities, or of numbers in standard deviations.
        without_onnx:
            Why there is no ``model.onnx``, or None if there is.
    """

    path: Path
    rows: int
    difference: float
    without_onnx: str | None


def export(
    fitted_or_module: Any,
    path: str | Path,
    *,
    example: Any = None,
    network: Network | None = None,
    params: Mapping[str, Any] | None = None,
    classes: Sequence[Any] | None = None,
    onnx: bool = True,
    overwrite: bool = False,
) -> Exported:
    """Writes a folder that predicts without this library, preparation of inputs included.

    It holds ``weights.safetensors``, ``program.pt2`` (``torch.export``), ``model.onnx`` if that
    can be, ``model.json``, ``predict.py`` and a ``README.md``. Before it is there, another process
    that cannot import this library predicts with it: every difference must be below 1e-5, and the
    classes the same. A ``model.onnx`` that does not pass is left out, and the reason told.

    Example:

        .. code-block:: python

            optuna_nas.export(classifier, "model")  # python model/predict.py rows.csv

    Args:
        fitted_or_module:
            A fitted ``NASClassifier`` or ``NASRegressor``, or an ``nn.Module``.
        path:
            Where to. The folder around it must exist.
        example:
            Rows to check with, best such that it was not trained on. A module needs them, as it
            takes them, ``[n, ...]``. An estimator is also checked with rows drawn from what its
            preparation learned, with missing cells and unseen categories.
        network:
            Of a module, the search space that it comes from, for :func:`load`.
        params:
            Of a module, its decisions.
        classes:
            Of a module that gives logits, their labels.
        onnx:
            Whether to try ``model.onnx``.
        overwrite:
            Whether it may replace a former export.

    Returns:
        Where it is, how it was checked, and why there is no ``model.onnx``, if there is none.

    Raises:
        ExportError:
            If ``program.pt2`` predicts something else. Nothing is left then.
        OSError:
            If it cannot be written there. Nothing is left then.
        TypeError, ValueError:
            If an argument is not legal, or the network cannot be exported.
    """
    if isinstance(fitted_or_module, nn.Module):
        fitted = _of_module(fitted_or_module, example, network, params, classes)
    else:
        given = {"network": network, "params": params, "classes": classes}
        wrong = [name for name, value in given.items() if value is not None]
        if not hasattr(fitted_or_module, "best_model_"):
            raise TypeError(
                "export takes a fitted NASClassifier or NASRegressor, or an nn.Module, but got "
                f"{_told(fitted_or_module)}."
            )
        if wrong:
            raise ValueError(f"{wrong[0]} is for a module; an estimator knows its own.")
        fitted = fitted_of(fitted_or_module, example)
    return export_fitted(fitted, path, onnx=onnx, overwrite=overwrite)


def export_fitted(
    fitted: Fitted, path: str | Path, *, onnx: bool = True, overwrite: bool = False
) -> Exported:
    """As :func:`export`, of what was trained otherwise.

    Args:
        fitted:
            The network, what prepares its inputs and what reads its outputs.
        path:
            As for :func:`export`.
        onnx:
            As for :func:`export`.
        overwrite:
            As for :func:`export`.
    """
    path = Path(path).absolute()
    check_path(path, overwrite)
    check_fitted(fitted)
    with new_folder(path) as folder, tempfile.TemporaryDirectory() as temporary:
        without_onnx = write(fitted, folder, onnx=onnx)
        checks = checks_of(fitted, folder, Path(temporary), onnx=without_onnx is None)
        of_torch, *of_onnx = verify(checks)
        if of_torch.problem is not None:
            raise ExportError(
                "nothing was exported, since the program does not predict what the network does: "
                f"{of_torch.problem}."
            )
        if of_onnx and of_onnx[0].problem is not None:
            without_onnx = f"it does not predict what the network does: {of_onnx[0].problem}"
        right = [result.difference for result in (of_torch, *of_onnx) if result.problem is None]
        rows = len(checks[0].expected) - 1  # one is there twice
        exported = Exported(path, rows, max(right), without_onnx)
        finish(folder, exported.rows, exported.difference, without_onnx)
    return exported


def checks_of(fitted: Fitted, folder: Path, temporary: Path, *, onnx: bool) -> list[Check]:
    """How to check what was written.

    Args:
        fitted:
            What was trained.
        folder:
            Where it was written.
        temporary:
            An empty folder for the rows.
        onnx:
            Whether there is a ``model.onnx``.
    """
    sets = [] if fitted.inputs is None else [drawn_rows(fitted.inputs)]
    sets += [] if fitted.example is None else [fitted.example[:MOST_ROWS]]
    sets.append(sets[-1][:1])  # alone, where a fixed number of rows shows first
    files = []
    for i, rows in enumerate(sets):
        (temporary / str(i)).mkdir(parents=True)
        files.append(write_rows(rows, fitted.inputs, temporary / str(i)))
    expected = np.concatenate([fitted.predict(rows) for rows in sets])
    scale, classes = fitted.scale(expected), isinstance(fitted.targets, Classes)
    runtimes = ["torch", "onnx"] if onnx else ["torch"]
    return [Check(folder, runtime, files, expected, scale, classes) for runtime in runtimes]


def _of_module(
    module: nn.Module,
    example: Any,
    network: Network | None,
    params: Mapping[str, Any] | None,
    classes: Sequence[Any] | None,
) -> Fitted:
    if example is None:
        raise ValueError(
            "example is missing: rows as the module takes them, [n, ...], to export and check it "
            "with."
        )
    targets = None if classes is None else Classes(np.asarray(classes))
    rows, *_ = inputs_for(module, (checked_batch(example).detach().cpu(),))
    return Fitted(module, None, targets, network, params, example=rows)


def _told(value: Any) -> str:
    name = type(value).__name__
    fitted = " that is not fitted" if hasattr(value, "fit") else ""
    return f"a {name}{fitted}"
