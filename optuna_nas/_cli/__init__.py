"""The command line. What needs torch or Optuna is imported only once a command runs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from rich.console import Console
import typer
from typer import Argument
from typer import Option

from optuna_nas._cli._errors import told
from optuna_nas._cli._options import Options
from optuna_nas._cli._options import PRUNERS
from optuna_nas._cli._options import SAMPLERS


app = typer.Typer(
    help="Neural architecture search that is an Optuna study.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Runs ``optuna-nas``."""
    app()


_data_option = partial(Option, rich_help_panel="Data")
_search_option = partial(Option, rich_help_panel="Search")
_files_option = partial(Option, rich_help_panel="Files and machine")


@app.command()
def search(
    data: Annotated[
        str, Argument(help="A CSV file with a header, or 'digits': scikit-learn's 8x8 digits.")
    ],
    target: Annotated[str | None, _data_option(help="The column to predict.")] = None,
    task: Annotated[
        str | None,
        _data_option(help="classification or regression; by default told from the column."),
    ] = None,
    drop: Annotated[
        list[str] | None,
        _data_option(help="A column to leave out; may be repeated."),
    ] = None,
    space: Annotated[
        str | None,
        _search_option(help="mlp, cnn or nasbench201; by default cnn for images, mlp for tables."),
    ] = None,
    sampler: Annotated[
        str | None,
        _search_option(help=f"Who proposes networks: {', '.join(SAMPLERS)}."),
    ] = None,
    pruner: Annotated[
        str | None,
        _search_option(help=f"Who stops them early: {', '.join(PRUNERS)}."),
    ] = None,
    trials: Annotated[
        int, _search_option(help="How many networks, earlier runs included.")
    ] = Options.trials,
    timeout: Annotated[
        float | None,
        _search_option(help="Seconds after which no other network is begun."),
    ] = None,
    epochs: Annotated[
        int | None,
        _search_option(help="How long each is trained; by default 15 for images, 50 for tables."),
    ] = None,
    also: Annotated[
        str | None,
        _search_option(
            help="A second objective, to keep small: parameters, flops or latency (ms of one "
            "row on the CPU)."
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        _search_option(
            help="The most that a network may cost, as in parameters=10000 or latency=0.5; may "
            "be repeated."
        ),
    ] = None,
    control: Annotated[
        bool,
        _search_option("--control", help="Search at random as well, just as long, to compare."),
    ] = False,
    seed: Annotated[
        int, _search_option(help="Of the split, the search and the training.")
    ] = Options.seed,
    out: Annotated[
        Path | None,
        _files_option(help="The folder for all files; by default studies/<data>."),
    ] = None,
    storage: Annotated[
        str | None,
        _files_option(
            help="The study: a .journal file or a URL; by default study.journal in --out."
        ),
    ] = None,
    device: Annotated[str, _files_option(help="auto, cpu, cuda, cuda:1, mps.")] = Options.device,
    threads: Annotated[
        int,
        _files_option(help="Of the processor. Small networks are fastest on one."),
    ] = Options.threads,
) -> None:
    """Search a network for some data, train it, and test it once beside controls.

    The same command again goes on where the last one stopped.
    """
    arguments = {**locals(), "drop": tuple(drop or ()), "limit": tuple(limit or ())}
    with told():
        from optuna_nas._cli._search import search as run

        run(Options(**arguments), Console())


@app.command()
def show(
    storage: Annotated[
        str, Argument(help="A study's storage: studies/digits/study.journal, or a URL.")
    ],
    study_name: Annotated[
        str | None, Option(help="Which study, if the storage holds several.")
    ] = None,
) -> None:
    """Show what a study found: its best networks, their decisions and curves."""
    with told():
        from optuna_nas._cli._show import show as run

        run(storage, study_name, Console())
