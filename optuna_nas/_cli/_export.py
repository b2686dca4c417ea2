"""``optuna-nas export``: a network of a search, trained again, as a program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import optuna

from optuna_nas._cli._choose import choose
from optuna_nas._cli._choose import train_winner
from optuna_nas._cli._config import check_there
from optuna_nas._cli._config import CONFIG
from optuna_nas._cli._config import read_options
from optuna_nas._cli._consoles import Consoles
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._files import save_model
from optuna_nas._cli._finish import best_trials
from optuna_nas._cli._search import open_search
from optuna_nas._cli._search import quietly
from optuna_nas._cli._setup import set_up
from optuna_nas._cli._study import CONTROL
from optuna_nas._cli._study import JOURNAL
from optuna_nas.training import score


def export(
    folder: Path,
    to: Path,
    number: int | None,
    storage: str | None,
    overwrite: bool,
    consoles: Consoles,
) -> None:
    """Trains a network as at the end of its search, exports it, and prints where it is.

    Args:
        folder:
            Of the search, or the journal in it.
        to:
            The folder to write.
        number:
            Of its trial; None for the winner.
        storage:
            Where the study is, if ``search.toml`` does not say.
        overwrite:
            Whether to replace an earlier export.
        consoles:
            Where to say it.

    Raises:
        BadInput:
            If there is no such search or network, or it cannot be exported.
    """
    if folder.name == CONTROL:
        raise BadInput(
            f"{folder} is random search beside a search, and its networks are not exported. For "
            f"one of the search: {folder.parent}."
        )
    if folder.name == JOURNAL:
        folder = folder.parent
    if not (folder / CONFIG).exists():
        raise BadInput(f"{folder} is not the folder of a search: it has no {CONFIG}.")
    options = read_options(folder / CONFIG)
    options = replace(options, out=folder, storage=storage or options.storage)
    check_there(options, folder / CONFIG, ("data", "test"))
    if to.exists() and not overwrite:
        raise BadInput(f"--to {to} is there already. Give another, or --overwrite.")
    with quietly(options.threads):
        setup = set_up(options)
        study = open_search(setup, setup.objective())
        trials = best_trials(study) if number is None else [_trial(study, number)]
        finalists = choose(consoles.notes, setup, study, trials)
        module = train_winner(consoles.notes, setup, finalists[0])
        scores = {f"test {setup.data.metric}": score(module, setup.data.test)}
        save_model(setup, module, finalists[0].params, to, scores, overwrite=overwrite)
    consoles.out.print(str(to), soft_wrap=True, markup=False, highlight=False)


def _trial(study: optuna.Study, number: int) -> optuna.trial.FrozenTrial:
    trials = study.get_trials(deepcopy=False)
    if not 0 <= number < len(trials):
        raise BadInput(
            f"--trial must be at most {len(trials) - 1}, the last network of the study, not "
            f"{number}."
        )
    trial = trials[number]
    if not trial.state.is_finished():
        raise BadInput(f"--trial {number} is not trained yet: it is {trial.state.name.lower()}.")
    if "rejected" in trial.user_attrs or not trial.params:
        raise BadInput(
            f"--trial {number} was not trained: {trial.user_attrs.get('rejected', 'it failed')}."
        )
    return trial
