"""``optuna-nas dashboard``: optuna-dashboard on a study, with drawings and cards beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import sleep

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage
from rich.console import Console
from rich.text import Text

from optuna_nas._cli._config import split_scheme
from optuna_nas._cli._dashboard_journal import check_journal
from optuna_nas._cli._dashboard_journal import is_locked
from optuna_nas._cli._dashboard_server import HOST
from optuna_nas._cli._dashboard_server import serving
from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest
from optuna_nas._cli._function import load_function
from optuna_nas._cli._study import connect
from optuna_nas._cli._study import storage_at
from optuna_nas._cli._study import without_password
from optuna_nas.visualization import Dashboard
from optuna_nas.visualization._dashboard_page import Update
from optuna_nas.visualization._so_far import plural


SECONDS = 5.0
"""Between two looks at what is new."""


def dashboard(
    storage: str,
    study_name: str | None,
    port: int,
    artifacts: Path | None,
    network: str | None,
    console: Console,
) -> None:
    """Serves until Ctrl-C, and draws what is new every few seconds.

    Args:
        storage:
            A path, a folder or a URL.
        study_name:
            Which of several to draw; all are served.
        port:
            Of this machine; 0 for any that is free.
        artifacts:
            The folder for drawings; None for ``artifacts`` beside the storage's file.
        network:
            ``module:name``, where the studies do not say what they search.
        console:
            Where to say it.

    Raises:
        BadInput:
            If there is no such study, or anything asked for cannot be done.
    """
    storage = storage_at(storage)
    if "://" not in storage:
        check_journal(Path(storage))
    opened = connect(storage)
    studies = _studies(opened, storage, study_name)
    if network is not None and len(studies) > 1:
        raise BadInput(
            f"--network is for one study, but {without_password(storage)} holds {len(studies)}: "
            f"{', '.join(map(repr, studies))}. Say which: --study-name."
        )
    folder = artifacts or _beside(storage)
    search_space = None if network is None else load_function(network, "--network")
    with bad_input((ValueError, ImportError)):
        dashboards = {name: Dashboard(folder, search_space) for name in studies}
    with serving(opened, folder, port) as port:
        _introduce(console, storage, opened, studies, folder, port)
        try:
            said: set[str] = set()
            while True:
                for line in _news(opened, dashboards):
                    if line not in said:
                        console.print(Text(line), soft_wrap=True)
                    said.add(line)
                sleep(SECONDS)
        except KeyboardInterrupt:
            console.print("Stopped.")


def _introduce(
    console: Console,
    storage: str,
    opened: BaseStorage,
    studies: list[str],
    folder: Path,
    port: int,
) -> None:
    page = f"http://{HOST}:{port}/dashboard"
    if len(studies) == 1:
        page += f"/studies/{opened.get_study_id_from_name(studies[0])}"
    if is_locked(storage):
        console.print(
            f"{storage} is locked: another process writes, or died writing. Drawings wait for it, "
            "for half a minute at most."
        )
    console.print(f"Drawings: {folder}", highlight=False, soft_wrap=True)
    console.print(
        f"Open {page}, which only this machine can. Ctrl-C ends it.",
        highlight=False,
        soft_wrap=True,
    )


def _news(storage: BaseStorage, dashboards: dict[str, Dashboard]) -> Iterator[str]:
    """Makes what is missing, and says so; and what cannot be made."""
    for name, board in dashboards.items():
        try:
            study = optuna.load_study(study_name=name, storage=storage)
            yield from _told(study, board.update(study))
        except (OSError, StorageInternalError, ValueError) as error:
            yield f"{name}: nothing can be written: {str(error).partition(chr(10))[0]}"
        except KeyError:
            yield f"{name}: the study was deleted."


def _told(study: optuna.Study, made: Update) -> Iterator[str]:
    name = study.study_name
    count = len(study.get_trials(deepcopy=False))
    if not count:
        yield f"{name}: no trials yet."
    if made.drawings or made.cards:
        drawings, cards = plural(made.drawings, "drawing"), plural(made.cards, "card")
        yield f"{name}, {plural(count, 'trial')}: {drawings} and {cards} more"
    for number, why in made.missing.items():
        if number is None:
            yield f"{name}: {why}. Give it: --network module:function."
        else:
            yield f"{name}, trial {number}: no drawing: {why}"


def _studies(opened: BaseStorage, storage: str, name: str | None) -> list[str]:
    names = sorted(optuna.get_all_study_names(opened))
    where = without_password(storage)
    if not names:
        raise BadInput(f"{where} holds no study.")
    if name is not None and name not in names:
        raise BadInput(
            f"{where} holds no study {name!r}.{nearest(name, names)} It holds "
            f"{', '.join(map(repr, names))}."
        )
    return names if name is None else [name]


def _beside(storage: str) -> Path:
    _, file = split_scheme(storage)
    return Path("artifacts") if "://" in file else Path(file).parent / "artifacts"
