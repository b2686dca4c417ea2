"""The study behind a search: opened, and known to be this search's."""

from __future__ import annotations

from collections.abc import Mapping
import re
from typing import Any
import warnings

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._errors import BadInput
from optuna_nas.study import create_study
from optuna_nas.study import open_storage


SEARCH = "optuna_nas:search"
"""Study user attr: what makes the search this one and not another, in plain words."""

COUNTED = (TrialState.COMPLETE, TrialState.PRUNED)
"""What counts toward ``--trials``."""


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

    Raises:
        BadInput:
            If an argument is none, or the study is another search's.
    """
    opened = connect(storage)
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
    """A URL that can be shown.

    Args:
        storage:
            A path or a URL.
    """
    return re.sub(r"(://[^:/@]*:).*@", r"\1***@", storage)


def _check_same_search(study: optuna.Study, search: Mapping[str, Any], storage: str) -> None:
    where = f"study {study.study_name!r} in {without_password(storage)}"
    stored = study.user_attrs.get(SEARCH)
    if stored is None and study.get_trials(deepcopy=False):
        raise BadInput(f"{where} was not begun by optuna-nas search. Give another --out.")
    stored = stored or {}
    differ = [
        f"{key} was {_text(stored.get(key))} and now is {_text(search.get(key))}"
        for key in {**search, **stored}
        if stored and stored.get(key) != search.get(key)
    ]
    if differ:
        raise BadInput(
            f"{where} belongs to another search: {'; '.join(differ)}. Give the options that it "
            "was begun with, or another folder: --out."
        )


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
