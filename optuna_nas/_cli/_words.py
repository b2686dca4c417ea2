"""What a search says: first what is going to be done, at the end what came out."""

from __future__ import annotations

from collections.abc import Sequence
import math
from pathlib import Path
import shlex

import optuna
from optuna.pruners import NopPruner
from optuna.trial import TrialState
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from scipy.stats import fisher_exact

from optuna_nas._cli._choose import plan
from optuna_nas._cli._config import CONFIG
from optuna_nas._cli._data import Data
from optuna_nas._cli._decisions import as_table
from optuna_nas._cli._decisions import front_table
from optuna_nas._cli._files import MODEL
from optuna_nas._cli._files import REPORT
from optuna_nas._cli._files import RESULT
from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._finish import Outcome
from optuna_nas._cli._finish import SEEDS
from optuna_nas._cli._options import Options
from optuna_nas._cli._origins import said_of
from optuna_nas._cli._proxy import CANDIDATES
from optuna_nas._cli._proxy import PROPOSALS
from optuna_nas._cli._proxy import ROWS
from optuna_nas._cli._setup import Setup
from optuna_nas._cli._study import without_password
from optuna_nas._cli._why import another
from optuna_nas._cli._why import why
from optuna_nas._estimator._columns import is_frame
from optuna_nas._estimator._table import TableInputs
from optuna_nas.space import survey
from optuna_nas.visualization._report_document import duration
from optuna_nas.visualization._so_far import plural


SIGNIFICANT = 0.05


def introduce(console: Console, setup: Setup, study: optuna.Study) -> None:
    """Says what is going to be searched.

    Args:
        console:
            Where.
        setup:
            The search.
        study:
            Where it is kept.
    """
    options, data, space = setup.options, setup.data, setup.space
    train, valid, test = data.rows
    surveyed = survey(space.network)
    sampler = type(study.sampler).__name__
    up_to = "" if isinstance(study.pruner, NopPruner) else "up to "
    less = "less" if options.also == "latency" else "fewer"
    goal = f"more {data.metric}" + (f" with {less} {options.also}" if options.also else "")
    lines = {
        "Data": f"{data.name}: {_described(data)}",
        "Task": data.reason,
        "Split": f"{train:,} to train on, {valid:,} to choose by, {test:,} for the final test",
        "Space": f"{space.name}: {plural(len(surveyed.search_space), 'decision')}, "
        f"{_size(surveyed.size, surveyed.how)}",
        "Search": f"{_how_many(options)}, proposed by {sampler}, "
        f"{up_to}{plural(setup.epochs, 'epoch')} each, for {goal}",
        "Then": plan(setup),
        "Seed": f"{options.seed}",
        "Study": without_password(options.where),
    }
    if options.proxy:
        lines["Proxy"] = (
            f"{options.proxy}, by {ROWS} rows to train on: of {CANDIDATES} random networks, the "
            f"best {PROPOSALS} are among the first"
        )
    if options.limits:
        limits = (f"at most {most:,g} {name}" for name, most in options.limits.items())
        lines["Limits"] = ", ".join(limits)
    console.print(_labelled(lines))
    console.print()


def report_front(console: Console, study: optuna.Study, objectives: Sequence[str]) -> None:
    """Prints the Pareto front, the smallest network first.

    Args:
        console:
            Where.
        study:
            With two objectives.
        objectives:
            Their names.
    """
    score, cost = objectives
    console.print(f"[bold]Pareto front[/]: the networks that no other beats in {score} and {cost}")
    console.print(Padding(front_table(study.best_trials, objectives), (0, 0, 1, 2)))


def report_winner(
    console: Console, finalists: Sequence[Finalist], study: optuna.Study, setup: Setup
) -> None:
    """Prints how the winner was chosen, what it is, and how to have another.

    Args:
        console:
            Where.
        finalists:
            The best first.
        study:
            Theirs.
        setup:
            What was searched.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("network", "in the search", f"mean of {SEEDS}", "epochs"):
        table.add_column(name, justify="right")
    table.add_column("each")
    for finalist in finalists:
        told = (f"{finalist.searched:.4f}", f"{finalist.mean:.4f}", str(finalist.epochs))
        scores = " ".join(f"{score:.4f}" for score in finalist.scores) or "could not be trained"
        style = "bold green" if finalist is finalists[0] else None
        table.add_row(str(finalist.number), *told, scores, style=style)
    console.print(
        f"[bold]Finalists[/]: the best of the search, trained again {SEEDS} times, since one high "
        f"score can be luck; {setup.data.metric} on the validation part"
    )
    console.print(Padding(table, (0, 0, 1, 2)))
    winner = f"[bold]Network {finalists[0].number}[/]{said_of(finalists[0].origin)}"
    console.print(winner, highlight=False)
    console.print(Padding(as_table(finalists[0].params), (0, 0, 0, 2)))
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    front = study.best_trials if complete else []
    console.print(Text(why(finalists, setup.objectives, front)))
    command = another(finalists, front, setup.options.folder)
    if command is not None:
        console.print(f"Another one: {escape(command)}", highlight=False, soft_wrap=True)
    console.print()


def report_test(console: Console, tested: Sequence[Outcome], data: Data) -> None:
    """Prints the test scores and which is the best.

    Args:
        console:
            Where.
        tested:
            The network chosen, then the controls.
        data:
            What they were tested on.
    """
    rows = data.rows[2]
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for one in tested:
        wrong = f"{_wrong(one, rows)} of {rows} wrong" if data.classes else ""
        style = "bold" if one is tested[0] else None
        table.add_row(one.name, f"{one.score:.4f}", wrong, style=style)
    console.print(f"[bold]Test[/]: {data.metric} on the {rows:,} rows kept for the end")
    console.print(Padding(table, (0, 0, 0, 2)))
    for control in tested[1:]:
        console.print(verdict(tested[0], control, data))
    console.print()


def verdict(found: Outcome, control: Outcome, data: Data) -> Text:
    """Says in words which of two is better.

    Args:
        found:
            The network chosen.
        control:
            What it is held against.
        data:
            What both were tested on.
    """
    better, worse = sorted((found, control), key=lambda tested: -tested.score)
    if found.score == control.score:
        return Text(f"The network chosen and {control.name} are equally good.")
    style, rows = "green" if better is found else "yellow", data.rows[2]
    name = {id(found): "the network chosen", id(control): control.name}
    first = name[id(better)][0].upper() + name[id(better)][1:]
    if not data.classes:
        by = f"r2 higher by {better.score - worse.score:.4f} on {rows} rows, not tested for chance"
        return Text(f"{first} is ahead of {name[id(worse)]}: {by}.", style=style)
    wrong = [_wrong(tested, rows) for tested in (better, worse)]
    p = float(fisher_exact([[n, rows - n] for n in wrong])[1])
    shown = "beats" if p < SIGNIFICANT else "is not shown to be better than"
    fewer = plural(wrong[1] - wrong[0], "fewer mistake")
    return Text(
        f"{first} {shown} {name[id(worse)]}: {fewer} in {rows} rows (Fisher's exact test, "
        f"p = {p:.2g}).",
        style=style if p < SIGNIFICANT else "yellow",
    )


def report_files(console: Console, setup: Setup) -> None:
    """Says where everything is and how to use the network.

    Args:
        console:
            Where.
        setup:
            What was searched.
    """
    folder = setup.options.folder
    lines = {
        "Study": f"{without_password(setup.options.where)}, which optuna-nas show prints",
        "Report": str(folder / REPORT),
        "Result": str(folder / RESULT),
        "Again": shlex.join(["optuna-nas", "search", "--config", str(folder / CONFIG)]),
        "Network": str(folder / MODEL),
        "Use": shlex.join(["optuna-nas", "predict", str(folder / MODEL), _rows_of(setup)]),
    }
    console.print(_labelled(lines))


def _rows_of(setup: Setup) -> str:
    """An example of what to predict."""
    if isinstance(setup.data.inputs, TableInputs):
        return "rows.csv" if is_frame(setup.data.raw[0]) else "rows.npz"
    return "images" if Path(setup.options.data).is_dir() else "rows.npz"


def _how_many(options: Options) -> str:
    if options.total is None:
        return f"as many networks as are begun in {duration(options.timeout_seconds or 0)}"
    at_most = "" if options.timeout is None else f" or {duration(options.timeout_seconds or 0)}"
    return f"{plural(options.total, 'network')}{at_most}"


def _labelled(lines: dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=8)
    table.add_column()
    for label, text in lines.items():
        table.add_row(label, Text(text))
    return table


def _described(data: Data) -> str:
    rows = f"{sum(data.rows):,}"
    of = f" in {len(data.classes)} classes" if data.classes else ""
    if isinstance(data.inputs, TableInputs):
        return f"{rows} rows of {plural(data.raw[0].shape[1], 'column')}{of}"
    if data.inputs.kind == "sequence":
        steps, features = data.shape
        return f"{rows} sequences of {plural(steps, 'step')} of {plural(features, 'number')}{of}"
    channels, height, width = data.shape
    colours = "" if channels == 1 else f" of {channels} channels"
    return f"{rows} images of {height} x {width} pixels{colours}{of}"


def _size(size: float, how: str) -> str:
    if math.isinf(size):
        return "infinitely many networks"
    return f"about {size:.2g} networks" if how == "estimated" else plural(size, "network")


def _wrong(tested: Outcome, rows: int) -> int:
    return round((1 - tested.score) * rows)
