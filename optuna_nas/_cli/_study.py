"""The study behind a search: opened, and known to be this search's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
import re
from typing import Any
import warnings

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from optuna_nas._cli._config import CONFIG
from optuna_nas._cli._config import read_config
from optuna_nas._cli._config import split_scheme
from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._options import Options
from optuna_nas.study import create_study
from optuna_nas.study import open_storage


SEARCH = "optuna_nas:search"
"""Study user attr: what makes the search this one and not another, in plain words."""

JOURNAL = "study.journal"

CONTROL = "control.journal"
"""Random search beside a search; no folder stands for it."""

ROWS = ("data", "target", "drop", "task", "test", "seed")
"""What decides which rows there are to train on, and so what a space is made for."""

COUNTED = (TrialState.COMPLETE, TrialState.PRUNED)
"""What counts toward ``--trials``."""


def storage_at(place: str) -> str:
    """The storage of a study, wherever it was said to be.

    Args:
        place:
            A path or a URL; or the folder of a search, wherever that has its study, or any with
            one journal.

    Raises:
        BadInput:
            If there is no such file, or the folder holds no journal, or several.
    """
    scheme, file = split_scheme(place)
    if "://" in file:
        return place
    path = Path(file)
    if not path.exists():
        raise BadInput(f"there is no study at {file}: that file is not there.")
    if scheme or not path.is_dir():
        return place
    if (path / CONFIG).exists():
        elsewhere = read_config(path / CONFIG, list(Options.__dataclass_fields__)).get("storage")
        if elsewhere is not None:
            return str(elsewhere)
    return str(_journal_in(path))


def _journal_in(folder: Path) -> Path:
    if (folder / JOURNAL).exists():
        return folder / JOURNAL
    found = sorted(one for one in folder.glob("*.journal") if one.name != CONTROL)
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise BadInput(f"{folder} holds {len(found)} journals: {names}. Say which: {found[0]}.")
    if not found:
        below = ", ".join(str(one.parent) for one in sorted(folder.glob(f"*/{JOURNAL}"))[:5])
        remedy = f"Give one in it: {below}" if below else "Of a study in a database, give the URL"
        but = f" but {CONTROL}" if (folder / CONTROL).exists() else ""
        raise BadInput(
            f"there is no study in the folder {folder}: no .journal file{but}. {remedy}."
        )
    return found[0]


def connect(storage: str) -> BaseStorage:
    """Opens a storage.

    Args:
        storage:
            A path or a URL.

    Raises:
        BadInput:
            If it is none, or cannot be reached.
    """
    hidden = without_password(storage)
    unreachable = (SQLAlchemyError, StorageInternalError, ImportError, OSError)
    with bad_input(), bad_input(unreachable, before=f"storage {hidden} cannot be opened: "):
        return optuna.storages.get_storage(open_storage(storage))


def open_study(
    storage: str,
    name: str,
    search: Mapping[str, Any],
    *,
    sampler: str | None,
    pruner: str | None,
    alone: bool = False,
) -> optuna.Study:
    """Opens the study of a search, or begins it.

    Args:
        storage:
            A path or a URL.
        name:
            The study's.
        search:
            What makes the search this one: ``objectives``, ``seed`` and more, as JSON has it.
        sampler:
            By name, or None for the default.
        pruner:
            By name, ``"none"``, or None for the default.
        alone:
            Whether no other search has its study there. Then it goes on under the name that it
            has, though its folder was given another.

    Raises:
        BadInput:
            If an argument is none, or the study is another search's.
    """
    opened = connect(storage)
    if alone:
        name = _only_name(opened) or name
    if name in optuna.get_all_study_names(opened):
        _check_same_search(optuna.load_study(study_name=name, storage=opened), search, storage)
    names = list(search["objectives"])
    directions: list[Any] = ["maximize", "minimize"][: len(names)]
    chosen: dict[str, Any] = {"sampler": sampler, "pruner": pruner}
    chosen = {what: name for what, name in chosen.items() if name is not None}
    if pruner == "none":
        chosen["pruner"] = None
    with bad_input():
        study = create_study(
            directions=directions,
            storage=opened,
            study_name=name,
            load_if_exists=True,
            seed=search["seed"],
            **chosen,
        )
    study.set_user_attr(SEARCH, dict(search))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(names)
    return study


def objectives(study: optuna.Study) -> list[str]:
    """What the objectives are called.

    Args:
        study:
            Any; one that was not begun here may have no names for them.
    """
    names = study.user_attrs.get(SEARCH, {}).get("objectives")
    if names is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            names = study.metric_names
    count = len(study.directions)
    return list(names or (["value"] if count == 1 else [f"value {i}" for i in range(count)]))


def done(study: optuna.Study) -> int:
    """How many trials count toward ``--trials``."""
    return len(study.get_trials(deepcopy=False, states=COUNTED))


def without_password(storage: str) -> str:
    """A URL that can be shown, or a command that has some.

    Args:
        storage:
            A path or a URL, or words of which one is.
    """
    return re.sub(r"(://[^:/@\s]*:)\S*@|([?&]password=)[^&\s]*", _hidden, storage)


def _hidden(found: re.Match[str]) -> str:
    user, query = found.groups()
    return f"{query}***" if query else f"{user}***@"


def _only_name(storage: BaseStorage) -> str | None:
    """Of the one study, if it is a search's."""
    studies = storage.get_all_studies()
    if len(studies) != 1 or SEARCH not in studies[0].user_attrs:
        return None
    return studies[0].study_name


def _check_same_search(study: optuna.Study, search: Mapping[str, Any], storage: str) -> None:
    where = f"study {study.study_name!r} in {without_password(storage)}"
    stored = study.user_attrs.get(SEARCH)
    if stored is None and study.get_trials(deepcopy=False):
        raise BadInput(f"{where} was not begun by optuna-nas search. Give another --out.")
    stored = dict(stored or search)
    if stored.get("test"):
        stored["test"] = Path(stored["test"]).name  # by which alone it counts, wherever it lies
    differ = [key for key in {**search, **stored} if stored.get(key) != search.get(key)]
    spaces = {str(one.get("space")).partition("(")[0] for one in (stored, search)}
    if len(spaces) == 1 and not set(ROWS).isdisjoint(differ):
        differ = [key for key in differ if key != "space"]  # it follows from the rows
    if differ:
        pairs = ((key, _text(stored.get(key)), _text(search.get(key))) for key in differ)
        told = (f"{key} was {before} and now is {now}" for key, before, now in pairs)
        raise BadInput(
            f"{where} belongs to another search: {'; '.join(told)}. Give the options that it "
            "was begun with, or another folder: --out."
        )


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
