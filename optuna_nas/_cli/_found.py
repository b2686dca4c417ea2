"""What a search found: the front, the finalists, the network chosen and why not another."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import optuna
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from torch import nn

from optuna_nas._cli._decisions import as_table
from optuna_nas._cli._decisions import front_table
from optuna_nas._cli._decisions import in_digits
from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._finish import SEEDS
from optuna_nas._cli._origins import said_of
from optuna_nas._cli._setup import Setup
from optuna_nas._cli._why import another
from optuna_nas._cli._why import why
from optuna_nas.metrics import Parameters
from optuna_nas.study import knee_point
from optuna_nas.visualization._so_far import plural


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
    console: Console,
    finalists: Sequence[Finalist],
    module: nn.Module,
    study: optuna.Study,
    setup: Setup,
) -> None:
    """Prints how the winner was chosen, what it is, and how to have another.

    Args:
        console:
            Where.
        finalists:
            The best first.
        module:
            Of the first.
        study:
            Theirs.
        setup:
            What was searched.
    """
    winner, objectives = finalists[0], setup.objectives
    console.print(
        f"[bold]Finalists[/]: the best of the search, trained again {SEEDS} times, since one high "
        f"score can be luck; {setup.data.metric} on the validation part"
    )
    console.print(Padding(_finalists(finalists, objectives[1:]), (0, 0, 1, 2)))
    size = plural(int(Parameters().measure(module)), "parameter")
    name = f"[bold]Network {winner.number}[/]{said_of(winner.origin)}"
    console.print(f"{name}: {size}", highlight=False)
    console.print(Padding(as_table(winner.params), (0, 0, 0, 2)))
    front = _knee_first(study)
    console.print(Text(why(finalists, objectives, front)))
    if winner.learning:
        console.print(
            f"Its score still rose at the end of the {setup.epochs} epochs: a search with "
            f"--epochs {2 * setup.epochs}, in another --out, may find better.",
            highlight=False,
        )
    other = another(finalists, objectives, front, setup.options.folder)
    if other is not None:
        instead, command = other
        console.print(Text(f"Another one: {instead}"))
        _print_command(console, command)
    console.print()


def _finalists(finalists: Sequence[Finalist], also: Sequence[str]) -> Table:
    """What is narrowed on a narrow terminal is the last column."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("network", *also, "in the search", f"mean of {SEEDS}", "epochs"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("each")
    for finalist in finalists:
        costs = [in_digits(finalist.cost) for _ in also]
        told = (f"{finalist.searched:.4f}", f"{finalist.mean:.4f}", str(finalist.epochs))
        scores = " ".join(f"{score:.4f}" for score in finalist.scores) or "could not be trained"
        style = "bold green" if finalist is finalists[0] else None
        table.add_row(str(finalist.number), *costs, *told, scores, style=style)
    return table


def _knee_first(study: optuna.Study) -> list[FrozenTrial]:
    """The Pareto front, or the best trial: first its knee, then the cheapest first."""
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return []
    knee = None
    with suppress(ValueError):  # where no score is finite
        knee = knee_point(study).number
    return sorted(study.best_trials, key=lambda trial: (trial.number != knee, trial.values[-1]))


def _print_command(console: Console, command: str) -> None:
    """On a line of its own, which rich does not break, so that it can be copied."""
    console.print(f"  {escape(command)}", highlight=False, soft_wrap=True)
