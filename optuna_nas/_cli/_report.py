"""``optuna-nas report``: a study on one page, whoever ran it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import json
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from rich.console import Console
from rich.text import Text

from optuna_nas._cli._config import split_scheme
from optuna_nas._cli._dashboard_journal import check_journal
from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._files import REPORT
from optuna_nas._cli._files import RESULT
from optuna_nas._cli._function import load_function
from optuna_nas._cli._show import load
from optuna_nas._cli._study import CONTROL
from optuna_nas._cli._study import storage_at
from optuna_nas.visualization import report as write_report


def report(
    storage: str,
    study_name: str | None,
    out: Path | None,
    control: Sequence[str],
    repeats: Sequence[str],
    network: str | None,
    console: Console,
) -> None:
    """Writes the report and prints where it is.

    Args:
        storage:
            A path, a folder or a URL.
        study_name:
            Which of several.
        out:
            The file; None for ``report.html`` beside the storage's.
        control:
            Storages of random search; by default the one beside the study.
        repeats:
            Storages of the same search with other seeds.
        network:
            ``module:name``, where the study does not say what it searches.
        console:
            Where to print.

    Raises:
        BadInput:
            If there is no such study, or it cannot be written.
    """
    study = _load(storage, study_name)
    folder = Path(storage) if Path(storage).is_dir() else _folder(storage)
    beside = folder / CONTROL
    if not control and beside.exists() and str(beside) != storage:
        control = [str(beside)]
    with bad_input(), bad_input((OSError,), before="the report cannot be written: "):
        path = write_report(
            study,
            out or folder / REPORT,
            network=None if network is None else load_function(network, "--network"),
            control=[_load(one, None) for one in control],
            repeats=[_load(one, None) for one in repeats],
            result=_result(folder, study),
        )
    console.print(Text(str(path)), soft_wrap=True)


def _load(storage: str, name: str | None) -> optuna.Study:
    found = storage_at(storage)
    if "://" not in found:
        check_journal(Path(found))
    with bad_input((StorageInternalError,), before=f"{found} cannot be read: "):
        return load(storage, name)


def _folder(storage: str) -> Path:
    _, file = split_scheme(storage)
    return Path() if "://" in file else Path(file).parent


def _result(folder: Path, study: optuna.Study) -> Mapping[str, Any] | None:
    """What the search wrote beside the study, if it is of this study."""
    path = folder / RESULT
    if not path.is_file():
        return None
    with bad_input((ValueError, OSError), before=f"{path} cannot be read: "):
        found = json.loads(path.read_text(encoding="utf-8"))
    told = found.get("study") if isinstance(found, dict) else None
    same = isinstance(told, dict) and told.get("name") == study.study_name
    return found if same else None
