"""``optuna-nas search``: from data to a trained network, in the open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import json
from typing import Any

import optuna
from rich.console import Console
from rich.markup import escape
from threadpoolctl import threadpool_limits
import torch
from torch import nn
import typer

from optuna_nas._cli._choose import choose
from optuna_nas._cli._choose import train_winner
from optuna_nas._cli._choose import trainings
from optuna_nas._cli._config import CONFIG
from optuna_nas._cli._config import to_toml
from optuna_nas._cli._consoles import Consoles
from optuna_nas._cli._consoles import say
from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._files import make_result
from optuna_nas._cli._files import MODEL
from optuna_nas._cli._files import save_model
from optuna_nas._cli._files import save_report
from optuna_nas._cli._files import save_result
from optuna_nas._cli._finish import best_trials
from optuna_nas._cli._finish import default_mlp
from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._finish import Outcome
from optuna_nas._cli._found import report_front
from optuna_nas._cli._found import report_winner
from optuna_nas._cli._interrupt import interruptible
from optuna_nas._cli._ledger import note_choices
from optuna_nas._cli._ledger import recall
from optuna_nas._cli._ledger import Run
from optuna_nas._cli._ledger import with_remembered
from optuna_nas._cli._live import Lines
from optuna_nas._cli._options import Options
from optuna_nas._cli._progress import progress
from optuna_nas._cli._progress import Report
from optuna_nas._cli._proxy import begin_with_proxy
from optuna_nas._cli._proxy import CANDIDATES
from optuna_nas._cli._proxy import make_proxy
from optuna_nas._cli._proxy import watch
from optuna_nas._cli._setup import set_up
from optuna_nas._cli._setup import Setup
from optuna_nas._cli._study import CONTROL
from optuna_nas._cli._study import done
from optuna_nas._cli._study import objectives
from optuna_nas._cli._study import open_study
from optuna_nas._cli._warm_start import begin_by_hand
from optuna_nas._cli._warm_start import begin_with_darts
from optuna_nas._cli._warm_start import make_supernet
from optuna_nas._cli._words import introduce
from optuna_nas._cli._words import report_files
from optuna_nas._cli._words import report_test
from optuna_nas._cli._write import make_folder
from optuna_nas._cli._write import write
from optuna_nas.oneshot import Supernet
from optuna_nas.proxies import Proxy
from optuna_nas.study import Objective
from optuna_nas.study import optimize
from optuna_nas.study._heartbeat import at_work
from optuna_nas.training import score
from optuna_nas.visualization._so_far import plural


def search(options: Options, consoles: Consoles, *, as_json: bool = False) -> None:
    """Searches, trains the winner, tests it once, saves and says what came out.

    Args:
        options:
            The command line.
        consoles:
            Where to say it.
        as_json:
            Whether the result is one JSON object.

    Raises:
        BadInput:
            If anything asked for cannot be done.
        typer.Exit:
            After Ctrl-C, with status 130.
    """
    with quietly(options.threads):
        with consoles.notes.status("Reading the data and the space ..."):
            setup = set_up(options)
            supernet = make_supernet(setup) if options.warm_start else None
            proxy = make_proxy(setup) if options.proxy else None
            objective = setup.objective(watch(proxy) if proxy else None)
            make_folder(options.folder)
            study = open_search(setup, objective)
            write(options.folder / CONFIG, to_toml(setup.settled))
            introduce(consoles.notes, setup, study)
        try:
            with Run(study, options.command()) as run:
                with run.timed("searching"):
                    _begin(consoles.notes, setup, objective, study, supernet, proxy)
                    studies = _search_all(consoles.notes, setup, objective, study)
                with run.timed("finishing"):
                    finalists, module, tested = _finish(consoles.notes, setup, studies)
            result = make_result(setup, study, finalists, tested, run.seconds)
            _save(consoles.notes, setup, studies, module, result)
            note_choices(studies.values(), tested)
            if as_json:
                typer.echo(json.dumps(result, indent=2))
            else:
                _say(consoles.out, setup, study, finalists, module, tested)
        except KeyboardInterrupt:
            say(f"Stopped. Saved: {plural(done(study), 'network')}. This goes on:")
            say(f"  {escape(options.command())}")
            raise typer.Exit(130) from None


def open_search(setup: Setup, objective: Objective, *, control: bool = False) -> optuna.Study:
    """The study of a search, begun if it is not there.

    Args:
        setup:
            What is searched.
        objective:
            What its trials are called with.
        control:
            Whether it is random search beside the search.

    Raises:
        BadInput:
            If there is a study of another search.
    """
    options = setup.options
    study = open_study(
        str(options.folder / CONTROL) if control else options.where,
        options.study_name,
        setup.signature(),
        sampler="random" if control else options.sampler,
        pruner=options.pruner,
        alone=control or options.storage is None,
    )
    with bad_input():
        objective.check(study)
    return study


def _begin(
    notes: Console,
    setup: Setup,
    objective: Objective,
    study: optuna.Study,
    supernet: Supernet | None,
    proxy: Proxy | None,
) -> None:
    """Enqueues what the search begins with."""
    begin_by_hand(study, setup)
    if done(study):
        return
    if supernet is not None:
        with progress(notes, "Warm start by DARTS", 0, setup.epochs) as step:
            begin_with_darts(study, setup, supernet, step)
    if proxy is not None:
        with progress(notes, f"Scores by {proxy.name}", 0, CANDIDATES) as step:
            begin_with_proxy(study, setup, proxy, objective.constraints, step)


def _search_all(
    notes: Console, setup: Setup, objective: Objective, study: optuna.Study
) -> dict[str, optuna.Study]:
    """The search, and random search beside it if that is asked for, by what their winner is."""
    options, studies = setup.options, {"chosen": study}
    _search(notes, "Searching", study, objective, options, options.total)
    if options.control:
        best_trials(study)  # if it has none, that is told before another search
        control = open_search(setup, objective, control=True)
        begin_by_hand(control, setup)
        _search(notes, "Random search", control, objective, options, done(study))
        studies["random_search"] = control
    return studies


def _search(
    console: Console,
    title: str,
    study: optuna.Study,
    objective: Objective,
    options: Options,
    total: int | None,
) -> None:
    """Runs trials until the study has a total of them, or time is up."""
    before, timeout = done(study), options.timeout_seconds
    if before:
        of = plural(before, "network") if (total or 0) < before else f"{before} of {total}"
        console.print(f"{title}: {of} from before.", highlight=False)
    if total is not None and before >= total:
        more = f"; --trials {before + 10} would add 10" if total == options.total else ""
        console.print(f"That is all{more}.", highlight=False)
        return
    if others := ", ".join(str(trial.number) for trial in at_work(study)):
        say(
            f"{title}: another run of this search is at work (on network {others}). This one "
            "joins it; each writes the files when it ends."
        )
    metric = objectives(study)[0]
    lines = Lines(study, metric)
    bar = progress(console, title, before, total, lines, seconds=timeout)
    with bar as step, interruptible(study):
        optimize(
            study,
            objective,
            total,
            workers=options.workers,
            threads=options.threads,
            timeout=timeout,
            callbacks=[lines, Report(step, metric)],
            say=lambda text: say(escape(text)),
        )


def _finish(
    notes: Console, setup: Setup, studies: dict[str, optuna.Study]
) -> tuple[list[Finalist], nn.Module, list[Outcome]]:
    """Chooses and trains the winner of each search, and only then looks at the test part."""
    winners = _winners(notes, setup, studies)
    tested = [
        Outcome(name, score(module, setup.data.test), finalists[0])
        for name, (finalists, module) in winners.items()
    ]
    with progress(notes, "scikit-learn's MLP", 0, 1) as step:
        tested.append(default_mlp(setup.data, setup.options.seed))
        step(1, "a control")
    finalists, module = next(iter(winners.values()))
    return finalists, module, tested


def _winners(
    console: Console, setup: Setup, studies: dict[str, optuna.Study]
) -> dict[str, tuple[list[Finalist], nn.Module]]:
    """The finalists of each search, the best first, and the best of them, trained."""
    best = {
        name: with_remembered(study, setup, best_trials(study)) for name, study in studies.items()
    }
    new = [
        sum(recall(studies[name], setup, trial) is None for trial in trials)
        for name, trials in best.items()
    ]
    say(trainings(setup, list(zip(best.values(), new, strict=True))))
    winners: dict[str, tuple[list[Finalist], nn.Module]] = {}
    for (name, trials), whose in zip(best.items(), ("Network", "Random network"), strict=False):
        finalists = choose(console, setup, studies[name], trials, whose)
        winners[name] = finalists, train_winner(console, setup, finalists[0], whose)
    return winners


def _save(
    notes: Console,
    setup: Setup,
    studies: dict[str, optuna.Study],
    module: nn.Module,
    result: dict[str, Any],
) -> None:
    """Saves the result, the network and the report."""
    folder, winner, study = setup.options.folder, result["winner"], next(iter(studies.values()))
    save_result(folder, result)
    scores = {f"test {setup.data.metric}": result["test"]["chosen"]}
    with progress(notes, "Export", 0, 1) as step:
        save_model(setup, module, winner["params"], folder / MODEL, scores, overwrite=True)
        step(1, "checked in another process")
    with progress(notes, "Report", 0, 1) as step:
        save_report(setup, study, studies.get("random_search"), result)
        step(1, "")


def _say(
    out: Console,
    setup: Setup,
    study: optuna.Study,
    finalists: list[Finalist],
    module: nn.Module,
    tested: list[Outcome],
) -> None:
    """Prints what was found and how good it is."""
    if len(setup.objectives) > 1:
        report_front(out, study, setup.objectives)
    report_winner(out, finalists, module, study, setup)
    report_test(out, tested, setup.data)
    report_files(out, setup)


@contextmanager
def quietly(threads: int) -> Iterator[None]:
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
