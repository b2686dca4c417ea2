from __future__ import annotations

from optuna_nas.visualization._params import in_short


def test_params_are_told_in_one_line_scope_by_scope() -> None:
    params = {
        "stages": 2,
        "stage0/width": 16,
        "stage0/skip": True,
        "pool": "max",
        "stage1/skip": False,
        "stage1/op": "conv",
        "lr": 0.00123456,
    }
    assert in_short(params) == "stages=2 max lr=0.001235 stage0(width=16 skip) stage1(conv)"
