"""The trainings at the end of a search, step by step: the finalists again, then the winner."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import optuna
from optuna.trial import FrozenTrial
from rich.console import Console
from torch import nn

from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._finish import FINALISTS
from optuna_nas._cli._finish import ranked
from optuna_nas._cli._finish import refit
from optuna_nas._cli._finish import SEEDS
from optuna_nas._cli._finish import train_again
from optuna_nas._cli._ledger import recall
from optuna_nas._cli._ledger import remember
from optuna_nas._cli._progress import progress
from optuna_nas._cli._setup import Setup
from optuna_nas._cli._units import about
from optuna_nas.visualization._so_far import plural


def plan(setup: Setup) -> str:
    """What will follow the search, before it is known how many networks can be finalists.

    Args:
        setup:
            What is searched.
    """
    most = (SEEDS * FINALISTS + 1) * (2 if setup.options.control else 1)
    searches = "of each search, " if setup.options.control else ""
    timeout = "" if setup.options.timeout is None else "; --timeout ends the search only"
    return (
        f"{searches}the best {FINALISTS} again {SEEDS} times each, the winner once more (at most "
        f"{most} trainings of {plural(setup.epochs, 'epoch')}), then the test{timeout}"
    )


def trainings(setup: Setup, searches: Sequence[tuple[Sequence[FrozenTrial], int]]) -> str:
    """What follows, and how long its trainings may take, now that the finalists are known.

    Args:
        setup:
            What was searched.
        searches:
            The finalists of each, and how many of them are still to be trained again.
    """
    again, winners = sum(new for _, new in searches), len(searches)
    known = sum(len(trials) for trials, _ in searches) - again
    once = "the winner" if winners == 1 else f"the {winners} winners"
    seconds = seconds_of_trainings(setup, searches)
    long = "" if seconds is None else f", {about(seconds)}"
    who = f"{plural(again, 'finalist')} {SEEDS} times each, and " if again else ""
    before = f" ({plural(known, 'finalist')} had that before)" if known else ""
    return (
        f"Now {plural(SEEDS * again + winners, 'training')} of up to "
        f"{plural(setup.epochs, 'epoch')}{long}: {who}{once} once more{before}. Then "
        "scikit-learn's MLP, the export and the report."
    )


def seconds_of_trainings(
    setup: Setup, searches: Sequence[tuple[Sequence[FrozenTrial], int]]
) -> float | None:
    """How long the trainings take, if an epoch takes as long as in the search; None if unknown.

    Args:
        setup:
            What was searched.
        searches:
            The finalists of each, and how many of them are still to be trained again.
    """
    train, valid, _ = setup.data.rows
    total = 0.0
    for trials, again in searches:
        told = [trial.user_attrs for trial in trials if trial.user_attrs.get("epochs")]
        if not told:
            return None
        epoch = fmean(attrs["seconds"] / attrs["epochs"] for attrs in told)
        total += setup.epochs * epoch * (SEEDS * again + (train + valid) / train)
    return total


def choose(
    console: Console,
    setup: Setup,
    study: optuna.Study,
    trials: Sequence[FrozenTrial],
    whose: str = "Network",
) -> list[Finalist]:
    """Trains finalists again, with several seeds each, and says how each did.

    Args:
        console:
            Where to show it.
        setup:
            What was searched.
        study:
            The search, which remembers those that were trained again before.
        trials:
            Theirs.
        whose:
            What to call them.

    Returns:
        Them, the best first.

    Raises:
        BadInput:
            If none can be trained again.
    """
    return ranked([_again(console, setup, study, trial, whose) for trial in trials])


def _again(
    console: Console, setup: Setup, study: optuna.Study, trial: FrozenTrial, whose: str
) -> Finalist:
    with progress(console, f"{whose} {trial.number} again", 0, SEEDS) as step:
        known = recall(study, setup, trial)
        finalist = known or train_again(setup, trial, lambda runs: step(runs, ""))
        if known is None:
            remember(study, setup, finalist)
        mean = f"mean {setup.data.metric} {finalist.mean:.4f}"
        before = "" if known is None else ", from before"
        step(SEEDS, (mean if finalist.scores else "could not be trained") + before)
    return finalist


def train_winner(
    console: Console, setup: Setup, winner: Finalist, whose: str = "Network"
) -> nn.Module:
    """Trains the winner on the training and the validation part together.

    Args:
        console:
            Where to show it.
        setup:
            What was searched.
        winner:
            The first of :func:`choose`.
        whose:
            What to call it.
    """
    with progress(console, f"{whose} {winner.number} once more", 0, 1) as step:
        module = refit(setup, winner)
        step(1, f"on all rows but the test's, {plural(winner.epochs, 'epoch')}")
    return module
