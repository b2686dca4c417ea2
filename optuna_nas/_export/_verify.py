"""Whether exported programs predict what their networks do, in a process without this library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import json
import os
from pathlib import Path
import subprocess
import sys
from typing import Any

import numpy as np
import torch

from optuna_nas._estimator._columns import Array


TOLERANCE = 1e-5

CLEAN = """
import importlib.util, json, sys, traceback

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "optuna_nas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
for name in list(sys.modules):
    assert not name.startswith("optuna_nas"), name
given = json.load(sys.stdin)
sys.path[:] = given["path"]
for job in given["jobs"]:
    try:
        import numpy
        spec = importlib.util.spec_from_file_location("predict", job["folder"] + "/predict.py")
        predict = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(predict)
        program = predict.Program(job["folder"], job["runtime"])
        parts = [program.outputs(predict.read_file(path)) for path in job["rows"]]
        numpy.save(job["outputs"], numpy.concatenate(parts), allow_pickle=False)
        print(json.dumps(None))
    except Exception as error:
        print(json.dumps("".join(traceback.format_exception_only(error)).strip()))
"""


@dataclass(frozen=True)
class Check:
    """What a program has to predict.

    Args:
        folder:
            The program's.
        runtime:
            ``"torch"`` or ``"onnx"``.
        rows:
            Files that ``predict.py`` reads.
        expected:
            What the network predicts for the rows of all of them.
        scale:
            The unit of differences.
        classes:
            Whether the likeliest class has to be the same.
    """

    folder: Path
    runtime: str
    rows: Sequence[Path]
    expected: Array
    scale: Array
    classes: bool

    @property
    def outputs(self) -> Path:
        """Where the program's predictions are left."""
        return self.rows[0].parent / f"{self.runtime}.npy"


@dataclass(frozen=True)
class Found:
    """What came of a check.

    Args:
        difference:
            The largest; infinity if there is nothing to compare.
        problem:
            What is wrong and where, or None.
    """

    difference: float
    problem: str | None


def verify(checks: Sequence[Check]) -> list[Found]:
    """Runs programs in one process in which this library cannot be imported, and compares.

    Args:
        checks:
            The programs, with what they have to predict.

    Raises:
        RuntimeError:
            If the process itself ends badly.
    """
    jobs = [
        {
            "folder": str(check.folder),
            "runtime": check.runtime,
            "rows": [str(path) for path in check.rows],
            "outputs": str(check.outputs),
        }
        for check in checks
    ]
    ended = subprocess.run(
        [sys.executable, "-I", "-B", "-W", "ignore", "-c", CLEAN],
        input=json.dumps({"path": [path for path in sys.path if path], "jobs": jobs}),
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        cwd=str(checks[0].folder),
        check=False,
    )
    lines = [line for line in ended.stdout.splitlines() if line.startswith(('"', "null"))]
    if ended.returncode or len(lines) != len(checks):
        raise RuntimeError(
            f"the process that checks an export ended with {ended.returncode}: "
            f"{ended.stderr.strip()[-2000:]}"
        )
    errors: list[Any] = [json.loads(line) for line in lines]
    return [
        Found(np.inf, f"predict.py raised {error}") if error else _compared(check)
        for check, error in zip(checks, errors, strict=True)
    ]


def _compared(check: Check) -> Found:
    expected, got = check.expected, np.load(check.outputs, allow_pickle=False)
    if got.shape != expected.shape:
        return Found(np.inf, f"it gives {list(got.shape)} in place of {list(expected.shape)}")
    with np.errstate(invalid="ignore"):
        same = (got == expected) | (np.isnan(got) & np.isnan(expected))
        differences = np.where(same, 0.0, np.abs(got.astype(np.float64) - expected) / check.scale)
    differences = np.where(np.isnan(differences), np.inf, differences)
    largest = float(differences.max())
    if largest >= TOLERANCE:
        place = tuple(int(i) for i in np.unravel_index(differences.argmax(), got.shape))
        return Found(
            largest,
            f"row {place[0]}, output {', '.join(map(str, place[1:])) or 0}: it gives "
            f"{got[place]}, the network {expected[place]}; a difference of {largest:.2g} where "
            f"{TOLERANCE:g} is allowed",
        )
    if check.classes:
        differ = np.flatnonzero(got.argmax(1) != expected.argmax(1))
        # Equal but for rounding, neither of two classes is the wrong one.
        best = np.sort(expected[differ], axis=1)[:, -2:]
        wrong = differ[best[:, 1] - best[:, 0] >= TOLERANCE]
        if len(wrong):
            return Found(largest, f"row {wrong[0]}: the likeliest class is another one")
    return Found(largest, None)
