"""``optuna-nas search``: from data to a trained network, in the open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import optuna
from optuna.study import MaxTrialsCallback
from rich.console import Console
from threadpoolctl import threadpool_limits
import torch
from torch import nn
import typer

from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._files import save_model
from optuna_nas._cli._files import save_result
from optuna_nas._cli._finish import best_trials
from optuna_nas._cli._finish import default_mlp
from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._finish import Outcome
from optuna_nas._cli._finish import rank
from optuna_nas._cli._finish import refit
from optuna_nas._cli._finish import SEEDS
from optuna_nas._cli._interrupt import interruptible
from optuna_nas._cli._options import Options
from optuna_nas._cli._progress import plural
from optuna_nas._cli._progress import progress
from optuna_nas._cli._progress import Report
from optuna_nas._cli._setup import set_up
from optuna_nas._cli._setup import Setup
from optuna_nas._cli._study import COUNTED
from optuna_nas._cli._study import done
from optuna_nas._cli._study import fail_dead_trials
from optuna_nas._cli._study import objectives
from optuna_nas._cli._study import open_study
from optuna_nas._cli._study import sign
from optuna_nas._cli._words import introduce
from optuna_nas._cli._words import report_files
from optuna_nas._cli._words import report_front
from optuna_nas._cli._words import report_test
from optuna_nas._cli._words import report_winner
from optuna_nas.study import Objective
from optuna_nas.training import score


def search(options: Options, console: Console) -> None:
    """Searches, trains the winner, tests it once, saves and says what came out.

    Args:
        options:
            The command line.
        console:
            Where to say it.

    Raises:
        BadInput:
            If anything asked for cannot be done.
        typer.Exit:
            After Ctrl-C, with status 130.
    """
    with _quietly(options.threads):
        setup = set_up(options)
        objective = setup.objective()
        _make(options.folder)
        study = _open(setup, objective, control=False)
        introduce(console, setup, study)
        try:
            _search_and_finish(console, setup, objective, study)
        except KeyboardInterrupt:
            console.print(f"Stopped. Saved: {plural(done(study), 'network')}. This goes on:")
            console.print(f"  {options.command()}", soft_wrap=True, highlight=False)
            raise typer.Exit(130) from None


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"--out {folder} cannot be a folder: {error.strerror}. Give another."
        ) from None


def _open(setup: Setup, objective: Objective, *, control: bool) -> optuna.Study:
    """The study of the search; or of the control, random search beside it."""
    options = setup.options
    study = open_study(
        str(options.folder / "control.journal") if control else options.where,
        options.study_name,
        setup.signature(),
        sampler="random" if control else options.sampler,
        pruner=options.pruner,
    )
    with bad_input():
        objective.check(study)
    return study


def _search_and_finish(
    console: Console, setup: Setup, objective: Objective, study: optuna.Study
) -> None:
    options, started = setup.options, perf_counter()
    _search(console, "Searching", study, objective, options.trials, options.timeout)
    studies = {"The network found": study}
    if options.control:
        control = _open(setup, objective, control=True)
        _search(console, "Random search", control, objective, done(study), options.timeout)
        studies["random search"] = control
    _finish(console, setup, studies, perf_counter() - started)


def _search(
    console: Console,
    title: str,
    study: optuna.Study,
    objective: Objective,
    total: int,
    timeout: float | None,
) -> None:
    """Runs trials until the study has a total of them."""
    dead, before = fail_dead_trials(study), done(study)
    if dead:
        console.print(f"{plural(dead, 'network')} died with an earlier run and will not count.")
    if before:
        console.print(f"{title}: {before} of {total} are there from before.", highlight=False)
    if before >= total:
        console.print(f"That is all; --trials {before + 10} would add 10.", highlight=False)
        return

    def signed(trial: optuna.Trial) -> float | tuple[float, ...]:
        sign(trial)
        return objective(trial)

    with (
        progress(console, title, before, total) as step,
        interruptible(console.print) as stop_if_asked,
    ):
        report = Report(step, objectives(study)[0], before, total, timeout)
        enough = MaxTrialsCallback(total, states=COUNTED)
        study.optimize(signed, timeout=timeout, callbacks=[report, enough, stop_if_asked])


def _finish(
    console: Console, setup: Setup, studies: dict[str, optuna.Study], searching: float
) -> None:
    """Chooses and trains the winner of each search, and only then looks at the test part."""
    started = perf_counter()
    winners = _winners(console, setup, studies)
    tested = [
        Outcome(name, score(module, setup.data.test), finalists[0])
        for name, (finalists, module) in winners.items()
    ]
    tested.append(default_mlp(setup.data, setup.options.seed))
    (study, *_), ((finalists, module), *_) = studies.values(), winners.values()
    save_model(setup, module, finalists[0].params)
    seconds = {"searching": searching, "finishing": perf_counter() - started}
    save_result(setup, study, finalists, tested, seconds)
    console.print()
    if len(setup.objectives) > 1:
        report_front(console, study, setup.objectives)
    report_winner(console, finalists, setup.data.metric)
    report_test(console, tested, setup.data)
    report_files(console, setup)


def _winners(
    console: Console, setup: Setup, studies: dict[str, optuna.Study]
) -> dict[str, tuple[list[Finalist], nn.Module]]:
    """The finalists of each search, the best first, and the best of them, trained."""
    total = sum(SEEDS * len(best_trials(study)) + 1 for study in studies.values())
    winners: dict[str, tuple[list[Finalist], nn.Module]] = {}
    with progress(console, "Training the best again", 0, total) as step:
        trained = 0

        def each() -> None:
            nonlocal trained
            trained += 1
            step(trained, "")

        for name, study in studies.items():
            finalists = rank(setup, study, each)
            winners[name] = finalists, refit(setup, finalists[0])
            each()
    return winners


@contextmanager
def _quietly(threads: int) -> Iterator[None]:
    """Optuna's log is silent, and torch and NumPy use so many threads, until all is over."""
    verbosity, before = optuna.logging.get_verbosity(), torch.get_num_threads()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
        torch.set_num_threads(before)
