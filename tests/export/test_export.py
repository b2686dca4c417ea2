"""``export``: what is written, how it is checked, and what is refused with nothing left."""

from __future__ import annotations

import csv
import errno
import json
from pathlib import Path
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from optuna_nas import NASClassifier
from optuna_nas import NASRegressor
from optuna_nas._export import _export
from optuna_nas._export import _onnx
from optuna_nas._export import export
from optuna_nas._export import ExportError
from optuna_nas._export._draft import write
from optuna_nas._export._export import checks_of
from optuna_nas._export._fitted import Fitted
from optuna_nas._export._fitted import fitted_of
from optuna_nas._export._rows import write_rows
from optuna_nas._export._verify import _compared
from optuna_nas._export._verify import Check
from optuna_nas._export._verify import Found
from tests.estimator.tables import CHEAP
from tests.estimator.tables import people


EXAMPLE = torch.randn(3, 4)
FILES = {
    "README.md",
    "model.json",
    "model.onnx",
    "predict.py",
    "program.pt2",
    "weights.safetensors",
}


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the other process, which takes seconds; the whole is tested elsewhere."""
    monkeypatch.setattr(_export, "verify", lambda checks: [Found(0.0, None)] * len(checks))


def test_an_exported_estimator_predicts_a_csv_file_as_a_script_of_its_own(tmp_path: Path) -> None:
    x, y = people()
    classifier = NASClassifier(**CHEAP).fit(x, y)
    exported = export(classifier, tmp_path / "model", example=x)
    assert {path.name for path in exported.path.iterdir()} == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert exported.rows == 96 + len(x)
    assert exported.difference < 1e-5
    assert exported.without_onnx is None
    said = json.loads((exported.path / "model.json").read_text())
    assert said["checked"] == {"rows": exported.rows, "difference": exported.difference}
    assert said["classes"] == ["no", "yes"]
    x.to_csv(tmp_path / "rows.csv", index=False)
    command = [sys.executable, "-I", "-S", "-c", ALONE, str(exported.path / "predict.py")]
    arguments = [str(tmp_path / "rows.csv"), "--proba", "--runtime", "onnx"]
    packages = str(Path(np.__file__).parents[1])
    ended = subprocess.run(
        [*command, packages, *arguments], capture_output=True, text=True, check=True
    )
    header, *lines = csv.reader(ended.stdout.splitlines())
    assert header == ["no", "yes"]
    assert np.allclose(np.array(lines, float), classifier.predict_proba(x), atol=1e-5)


ALONE = """
import runpy, sys
script, packages = sys.argv[1:3]
sys.path.append(packages)
sys.argv = [script, *sys.argv[3:]]
runpy.run_path(script, run_name="__main__")
assert "torch" not in sys.modules and "optuna_nas" not in sys.modules
"""


def test_a_block_that_onnx_cannot_hold_is_named_and_the_rest_is_written(
    tmp_path: Path, unchecked: None
) -> None:
    module = nn.Sequential(nn.Linear(4, 2), nn.Sequential(nn.Tanh(), Inverse()))
    exported = export(module, tmp_path / "model", example=EXAMPLE)
    assert {path.name for path in exported.path.iterdir()} == FILES - {"model.onnx"}
    assert exported.without_onnx is not None
    assert "erf_inv" in exported.without_onnx
    assert "block 'network.1.1' (Inverse)" in exported.without_onnx
    said = json.loads((exported.path / "model.json").read_text())
    assert said["without_onnx"] == exported.without_onnx
    assert "is not there: torch.onnx" in (exported.path / "README.md").read_text()


class Inverse(nn.Module):
    def forward(self, x):
        return x.erfinv()


def test_without_its_packages_there_is_no_onnx_and_the_remedy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unchecked: None
) -> None:
    monkeypatch.setattr(_onnx, "find_spec", lambda name: None)
    exported = export(nn.Linear(4, 2), tmp_path / "model", example=EXAMPLE)
    assert exported.without_onnx is not None
    assert exported.without_onnx.endswith("not installed: pip install 'optuna-nas[onnx]'")
    assert not (exported.path / "model.onnx").exists()


def test_a_program_that_predicts_something_else_is_not_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Found(0.1, "row 3, output 1: it gives 0.2, the network 0.1")
    monkeypatch.setattr(_export, "verify", lambda checks: [wrong])
    with pytest.raises(ExportError, match=r"nothing was exported.*not predict.*row 3, output 1"):
        export(nn.Linear(4, 2), tmp_path / "model", example=EXAMPLE, onnx=False)
    assert list(tmp_path.iterdir()) == []


def test_a_model_onnx_that_predicts_something_else_is_left_out_and_the_reason_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Found(1e-7, None), Found(0.1, "row 3, output 1: it gives 0.2, the network 0.1")]
    monkeypatch.setattr(_export, "verify", lambda checks: found)
    exported = export(nn.Linear(4, 2), tmp_path / "model", example=EXAMPLE)
    assert exported.difference == 1e-7
    assert exported.without_onnx is not None
    assert exported.without_onnx.startswith("it does not predict what the network does: row 3")
    assert not (exported.path / "model.onnx").exists()
    said = json.loads((exported.path / "model.json").read_text())
    assert said["without_onnx"] == exported.without_onnx


def test_an_operation_that_onnx_runtime_lacks_is_told_with_its_block(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Identity(), nn.LeakyReLU())
    reason = write(Fitted(module, example=EXAMPLE.double()), tmp_path)
    assert reason is not None
    assert reason.startswith("in block network.1, onnxruntime cannot run it: ")
    assert "LeakyRelu" in reason
    assert not (tmp_path / "model.onnx").exists()


def test_a_network_that_takes_one_number_of_rows_only_is_refused(tmp_path: Path) -> None:
    class Fixed(nn.Module):
        def forward(self, x):
            return x * torch.ones(len(x), 1)

    with pytest.raises(ValueError, match=r"cannot be exported by torch.export.*x.shape\[0\]"):
        export(Fixed(), tmp_path / "model", example=EXAMPLE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("got", "told"),
    [
        ([[0.5, 0.5], [0.9, 0.1]], None),
        ([[0.5, 0.5 + 2e-5], [0.9, 0.1]], r"row 0, output 1: .* a difference of 2e-05 where"),
        ([[0.5, 0.5], [0.9, np.nan]], "row 1, output 1: it gives nan"),
        ([[0.500001, 0.499999], [0.9, 0.1]], None),
        ([[0.5, 0.5]], r"it gives \[1, 2\] in place of \[2, 2\]"),
    ],
)
def test_the_row_and_the_output_that_differ_are_told(got, told, tmp_path: Path) -> None:
    expected = np.array([[0.5, 0.5], [0.9, 0.1]])
    rows = [tmp_path / "rows.npy"]
    check = Check(tmp_path, "torch", rows, expected, np.ones_like(expected), True)
    np.save(check.outputs, np.array(got))
    problem = _compared(check).problem
    assert problem is None if told is None else problem is not None
    if told is not None:
        with pytest.raises(ValueError, match=told):
            raise ValueError(problem)


def test_another_class_is_told_where_it_is_no_tie(tmp_path: Path) -> None:
    expected = np.array([[0.5, 0.4], [0.3, 0.3 + 1e-4]])
    check = Check(tmp_path, "onnx", [tmp_path / "r"], expected, np.full((2, 2), 100.0), True)
    np.save(check.outputs, np.array([[0.5, 0.4], [0.3 + 1e-4, 0.3]]))
    assert _compared(check).problem == "row 1: the likeliest class is another one"


def test_numbers_are_compared_in_deviations_of_what_is_predicted() -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = np.column_stack([1e6 * x[:, 0], 1e-6 * x[:, 1]])
    fitted = fitted_of(NASRegressor(**{**CHEAP, "n_trials": 1}).fit(x, y), x)
    scale = fitted.scale(fitted.predict(x))
    assert np.all((scale >= 0.99 * y.std(0)) & (scale < 4 * y.std(0)))
    assert np.allclose(Fitted(nn.Identity()).scale(np.array([[-3.0, 0.1]])), [[3.0, 1.0]])


def test_a_full_disk_leaves_nothing_and_a_former_export_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unchecked: None
) -> None:
    path = tmp_path / "model"
    export(nn.Linear(4, 2), path, example=EXAMPLE, onnx=False)
    before = {file.name: file.read_bytes() for file in path.iterdir()}

    def full(self: Path, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    told = r"nothing could be exported to '.*model': No space left on device"
    with pytest.raises(OSError, match=told):
        export(nn.Linear(4, 2), path, example=EXAMPLE, onnx=False, overwrite=True)
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_former_export_is_there_still_if_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unchecked: None
) -> None:
    path = tmp_path / "model"
    export(nn.Linear(4, 2), path, example=EXAMPLE, onnx=False)
    before, rename = path.stat().st_ino, Path.rename

    def stopped(self: Path, target: Path) -> None:
        if target == path and self.stat().st_ino != before:
            raise KeyboardInterrupt
        rename(self, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(KeyboardInterrupt):
        export(nn.Linear(4, 2), path, example=EXAMPLE, onnx=False, overwrite=True)
    assert path.stat().st_ino == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_read_only_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Path, *_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(PermissionError, match=r"nothing could be exported to .*Permission denied"):
        export(nn.Linear(4, 2), tmp_path / "model", example=EXAMPLE)


def test_what_stands_at_a_path_is_replaced_only_if_it_is_an_export(
    tmp_path: Path, unchecked: None
) -> None:
    path = tmp_path / "model"
    path.mkdir()
    export(nn.Linear(4, 2), path, example=EXAMPLE, onnx=False)
    with pytest.raises(FileExistsError, match=r"an export already. Take another path, or over"):
        export(nn.Linear(4, 2), path, example=EXAMPLE)
    export(nn.Linear(4, 3), path, example=EXAMPLE, onnx=False, overwrite=True)
    (path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"holds something else than an export \(notes"):
        export(nn.Linear(4, 2), path, example=EXAMPLE, overwrite=True)
    with pytest.raises(FileExistsError, match=r"exists and is no folder"):
        export(nn.Linear(4, 2), path / "notes.txt", example=EXAMPLE, overwrite=True)
    with pytest.raises(FileNotFoundError, match=r"there is no folder '.*nowhere'. Make it first"):
        export(nn.Linear(4, 2), tmp_path / "nowhere" / "model", example=EXAMPLE)


@pytest.mark.parametrize(
    ("given", "arguments", "error", "told"),
    [
        (nn.Linear(4, 2), {}, ValueError, r"example is missing: rows as the module takes them"),
        (nn.Linear(4, 2), {"example": "x"}, TypeError, r"example must be a tensor or an array"),
        (nn.Linear(4, 2), {"example": EXAMPLE[:0]}, ValueError, r"example must hold at least one"),
        (
            nn.Linear(4, 2),
            {"example": EXAMPLE, "classes": [b"a", b"b"]},
            TypeError,
            r"classes must be strings, numbers or bools, but there is .*b'a'",
        ),
        (
            nn.Linear(4, 2),
            {"example": EXAMPLE, "classes": ["a", "b", "c"]},
            ValueError,
            r"classes are 3, but the network gives \[n, 2\]",
        ),
        (
            nn.LSTM(4, 2),
            {"example": EXAMPLE},
            TypeError,
            r"the network must give one tensor, \[n, ...\], but gives a tuple",
        ),
        (
            nn.Flatten(0),
            {"example": EXAMPLE},
            TypeError,
            r"must give one tensor, \[n, ...\], but of 3 rows gives \[12\]",
        ),
        (NASClassifier(), {}, TypeError, r"but got a NASClassifier that is not fitted"),
        ("model", {}, TypeError, r"takes a fitted NASClassifier or NASRegressor, .* got a str"),
    ],
)
def test_illegal_arguments_are_told(given, arguments, error, told, tmp_path: Path) -> None:
    with pytest.raises(error, match=told):
        export(given, tmp_path / "model", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_an_estimator_knows_its_own_network(tmp_path: Path) -> None:
    class Fit:
        best_model_ = nn.Identity()

    with pytest.raises(ValueError, match=r"params is for a module; an estimator knows its own"):
        export(Fit(), tmp_path / "model", params={})


def test_an_example_of_an_estimator_must_have_its_columns(tmp_path: Path) -> None:
    x, y = people()
    classifier = NASClassifier(**{**CHEAP, "n_trials": 1}).fit(x, y)
    with pytest.raises(ValueError, match=r"the columns of X are not those of fit: 'age' is"):
        export(classifier, tmp_path / "model", example=x.drop(columns="age"))
    assert list(tmp_path.iterdir()) == []


def test_what_is_exported_is_left_as_it_was(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(4, 2), nn.Dropout()).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    fitted = Fitted(module, example=EXAMPLE)
    write(fitted, tmp_path, onnx=False)
    (check,) = checks_of(fitted, tmp_path, tmp_path / "rows", onnx=False)
    assert module.training
    assert all(value.equal(before[name]) for name, value in module.state_dict().items())
    assert next(module.parameters()).requires_grad
    assert np.array_equal(np.load(check.rows[0]), EXAMPLE)
    assert write_rows(EXAMPLE, None, tmp_path).suffix == ".npy"
