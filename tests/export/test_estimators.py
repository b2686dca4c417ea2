"""Estimators predict the same without this library, whatever they were fitted on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from optuna_nas._export import load
from optuna_nas._export import load_program
from optuna_nas._export._draft import write
from optuna_nas._export._export import checks_of
from optuna_nas._export._fitted import fitted_of
from optuna_nas._export._verify import verify
from tests.export.fitted import estimators


WITH_ONNX = ("heavy tails, two outputs", "codes of categories", "images")
"""The others would take seconds each, and show nothing that these and the spaces do not."""


def test_estimators_predict_the_same_where_this_library_is_not(tmp_path: Path) -> None:
    made = estimators()
    checks = {}
    for name, (estimator, x) in made.items():
        folder = tmp_path / name
        folder.mkdir()
        fitted = fitted_of(estimator, x)
        onnx = name in WITH_ONNX
        assert onnx == (write(fitted, folder, onnx=onnx) is None)
        for check in checks_of(fitted, folder, tmp_path / f"rows of {name}", onnx=onnx):
            checks[name, check.runtime] = check
    found = dict(zip(checks, verify(list(checks.values())), strict=True))
    assert {name: result.problem for name, result in found.items() if result.problem} == {}
    for name, (estimator, x) in made.items():
        _check_loaded(estimator, x, tmp_path / name)


def _check_loaded(estimator, x, folder: Path) -> None:
    program = load_program(folder)
    assert np.array_equal(program.predict(x), estimator.predict(x)) or np.allclose(
        program.predict(x), estimator.predict(x), rtol=1e-5
    )
    if hasattr(estimator, "classes_"):
        assert np.allclose(program.predict_proba(x), estimator.predict_proba(x), atol=1e-6)
    loaded = load(folder)
    prepared = loaded.prepare(x)
    assert np.allclose(prepared, estimator._inputs.transform(x), atol=1e-6)
    best = estimator.best_model_.state_dict()
    assert all(best[name].equal(value) for name, value in loaded.module.state_dict().items())
    members = loaded.params if isinstance(loaded.params, list) else [loaded.params]
    assert all("lr" in params for params in members)
