"""What a search says: first what is going to be done, at the end what came out."""

from __future__ import annotations

from collections.abc import Sequence
import math
from pathlib import Path
import shlex

import numpy as np
import optuna
from optuna.pruners import NopPruner
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from scipy.stats import fisher_exact

from optuna_nas._cli._choose import plan
from optuna_nas._cli._config import CONFIG
from optuna_nas._cli._consoles import say
from optuna_nas._cli._data import Data
from optuna_nas._cli._files import MODEL
from optuna_nas._cli._files import REPORT
from optuna_nas._cli._files import RESULT
from optuna_nas._cli._finish import Outcome
from optuna_nas._cli._options import Options
from optuna_nas._cli._proxy import CANDIDATES
from optuna_nas._cli._proxy import PROPOSALS
from optuna_nas._cli._proxy import ROWS
from optuna_nas._cli._setup import Setup
from optuna_nas._cli._study import without_password
from optuna_nas._estimator._table import TableInputs
from optuna_nas._estimator._targets import Numbers
from optuna_nas.space import survey
from optuna_nas.visualization._report_document import duration
from optuna_nas.visualization._so_far import plural


SIGNIFICANT = 0.05


def introduce(console: Console, setup: Setup, study: optuna.Study) -> None:
    """Says what is going to be searched.

    Args:
        console:
            Where; if it is no terminal, in lines on stderr.
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
    if options.control:
        longest = "" if options.timeout is None else ", in the same time at most"
        lines["Control"] = f"then as many networks proposed at random{longest}"
    if options.proxy:
        lines["Proxy"] = (
            f"{options.proxy}, by {ROWS} rows to train on: of {CANDIDATES} random networks, the "
            f"best {PROPOSALS} are among the first"
        )
    if options.limits:
        limits = (f"at most {most:,g} {name}" for name, most in options.limits.items())
        lines["Limits"] = ", ".join(limits)
    if not console.is_terminal:
        for label, text in lines.items():
            say(escape(f"{label}: {text}"))
        return
    console.print(_labelled(lines))
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
    rows, spread = data.rows[2], _spread(data)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for one in tested:
        wrong = f"{_wrong(one, rows)} of {rows} wrong" if data.classes else ""
        rmse = "" if spread is None else f"RMSE {_short(spread * math.sqrt(1 - one.score))}"
        style = "bold" if one is tested[0] else None
        table.add_row(one.name, f"{one.score:.4f}", wrong or rmse, style=style)
    unit = "" if spread is None else f"; RMSE in the unit of {data.target!r}"
    told = f"{data.metric} on the {rows:,} rows kept for the end{unit}"
    console.print(Text.assemble(("Test", "bold"), f": {told}"))
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
        "Go on": shlex.join(["optuna-nas", "search", "--config", str(folder / CONFIG)]),
        "Network": str(folder / MODEL),
        "Use": _use(setup),
    }
    for label, text in lines.items():  # not broken, so that commands can be copied
        console.print(f"[bold]{label:8}[/]  {escape(text)}", highlight=False, soft_wrap=True)


def _use(setup: Setup) -> str:
    """The command that predicts the rows that were searched with, if it takes their file."""
    options, command = setup.options, ["optuna-nas", "predict", str(setup.options.folder / MODEL)]
    if options.data != "digits" and _holds_x(Path(options.data)):
        drop = [word for name in options.drop for word in ("--drop", name)]
        return shlex.join([*command, options.data, *drop])
    shape = ", ".join(map(str, setup.data.raw[0].shape[1:]))
    scale = " of numbers from 0 to 16" if options.data == "digits" else ""
    return f"{shlex.join(command)} rows.npz, once rows.npz holds X [n, {shape}]{scale}"


def _holds_x(path: Path) -> bool:
    """Whether predict finds rows there: of arrays, only what is to train on may be there."""
    if path.suffix.lower() != ".npz":
        return True
    with np.load(path) as arrays:
        return any(name.lower() in ("x", "x_test") for name in arrays.files)


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


def _spread(data: Data) -> float | None:
    """The deviation of the test's target in its own unit, of which r2 implies the RMSE.

    None if there are classes, several numbers, of which r2 is a mean, or equal ones.
    """
    if not isinstance(data.targets, Numbers) or data.targets.out_features > 1:
        return None
    spread = float(data.test[1].double().std(correction=0)) * float(data.targets.deviation[0])
    return spread or None


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _wrong(tested: Outcome, rows: int) -> int:
    return round((1 - tested.score) * rows)
