from __future__ import annotations

from pathlib import Path
import re
from typing import Any

import pytest

from optuna_nas.training import Fidelity
from optuna_nas.training import Inherit
from tests.training.samples import train


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"artifacts": 3}, TypeError, r"artifacts must be a folder or one .*, but is 3 \(int\)"),
        ({"budget": "much"}, ValueError, r"budget must be a positive number of bytes.*'much'"),
        ({"budget": "1 PB"}, ValueError, r"budget must be .*\(B, KB, MB, GB or TB\), but is '1 P"),
        ({"budget": 0}, ValueError, r"budget must be a positive number of bytes.*but is 0"),
        ({"budget": "0 GB"}, ValueError, r"budget must be a positive number of bytes.*'0 GB'"),
        ({"budget": True}, ValueError, r"budget must be a positive number of bytes.*True"),
        ({"epochs": 0}, ValueError, r"Inherit: epochs must be .* 1, or None, but got 0\."),
        ({"epochs": True}, ValueError, r"Inherit: epochs must be an int of .*, but got True\."),
        ({"max_fresh": 1.5}, ValueError, r"max_fresh must be a finite.* at most 1, but got 1\.5"),
        ({"max_fresh": "all"}, ValueError, r"max_fresh must be .* at most 1, but got 'all'"),
        ({"parent": "best"}, TypeError, r"parent must be a function .* or None, but is 'best'"),
    ],
)  # fmt: skip
def test_a_bad_argument_is_named(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Inherit(**{"artifacts": tmp_path, **arguments})


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    taken = str(tmp_path / "file")
    with pytest.raises(ValueError, match=rf"artifacts '{re.escape(taken)}' cannot be a folder"):
        Inherit(taken)


def test_train_says_what_it_cannot_inherit_with(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"inherit must be training\.Inherit\(folder, \.\.\.\) or"):
        train(inherit=str(tmp_path))
    with pytest.raises(ValueError, match=r"Inherit has epochs=9, but Train has only 3"):
        train(inherit=Inherit(tmp_path, epochs=9))
    with pytest.raises(ValueError, match=r"inherit and fidelities do not go together"):
        train(inherit=Inherit(tmp_path), fidelities=[Fidelity(data=0.5)])
