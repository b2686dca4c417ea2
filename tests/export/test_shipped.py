"""Every ready-made space and every block can be exported, and is the same elsewhere."""

from __future__ import annotations

from pathlib import Path

import torch

from optuna_nas._export import Fitted
from optuna_nas._export import load
from optuna_nas._export._draft import write
from optuna_nas._export._export import checks_of
from optuna_nas._export._verify import verify
from tests.export.networks import blocks
from tests.export.networks import sampled
from tests.export.networks import shaken
from tests.export.networks import SPACES


def test_every_space_and_block_predicts_the_same_where_this_library_is_not(tmp_path: Path) -> None:
    fitted = {name: _fitted(*space) for name, space in SPACES.items()}
    for name, (module, example) in blocks().items():
        fitted[name] = Fitted(shaken(module), example=example)
    checks, reasons = {}, {}
    for name, one in fitted.items():
        folder, rows = tmp_path / name, tmp_path / f"rows of {name}"
        folder.mkdir()
        reasons[name] = write(one, folder)
        for check in checks_of(one, folder, rows, onnx=reasons[name] is None):
            checks[name, check.runtime] = check
    found = dict(zip(checks, verify(list(checks.values())), strict=True))
    assert {name: result.problem for name, result in found.items() if result.problem} == {}
    assert {name: reason for name, reason in reasons.items() if reason} == {}
    for name, (network, example) in SPACES.items():
        loaded = load(tmp_path / name)
        assert loaded.network == network
        assert torch.equal(loaded.module(example), fitted[name].module(example))


def _fitted(network, example: torch.Tensor) -> Fitted:
    module, params = sampled(network, seed=0)
    return Fitted(module, network=network, params=params, example=example)
