"""The command line. What needs torch or Optuna is imported only once a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from rich.console import Console
import typer
from typer import Argument
from typer import Option

from optuna_nas._cli._consoles import consoles
from optuna_nas._cli._errors import told
from optuna_nas._cli._search_command import EPILOG
from optuna_nas._cli._search_command import search


app = typer.Typer(
    help="Neural architecture search that is an Optuna study.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command(epilog=EPILOG)(search)


def main() -> None:
    """Runs ``optuna-nas``."""
    app()


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("optuna-nas"))
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool,
        Option("--version", help="Print the version.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Neural architecture search that is an Optuna study."""


@app.command(epilog="Example: optuna-nas show studies/train --json")
def show(
    storage: Annotated[
        str,
        Argument(help="The folder of a search (studies/digits), a .journal file, or a URL."),
    ],
    study_name: Annotated[
        str | None, Option(help="Which study, if the storage holds several.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a study found: its best networks, their decisions and curves."""
    with told():
        from optuna_nas._cli._show import show as run

        run(storage, study_name, Console(), as_json=as_json)


@app.command(epilog="Example: optuna-nas compare a=1.journal,2.journal b=3.journal,4.journal")
def compare(
    methods: Annotated[
        list[str],
        Argument(
            help="Two or more, each the folder of a search, a .journal file or a URL; or "
            "name=one,two,... for several runs of one method. Of a storage with several studies, "
            "storage#study."
        ),
    ],
    reference: Annotated[
        list[float] | None,
        Option(
            help="With several objectives, the worst value that counts, once for each; by default "
            "the worst that there is."
        ),
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare searches: which found more, on the way and in the end, and was it luck?

    Runs of the same seeds are compared in pairs. One run of each shows nothing.
    """
    with told():
        from optuna_nas._cli._compare import compare as run

        run(methods, reference, Console(), as_json=as_json)


@app.command(epilog="Example: optuna-nas export studies/train --to model --trial 7")
def export(
    folder: Annotated[Path, Argument(help="The folder of a search: studies/digits.")],
    to: Annotated[Path, Option(help="The folder to write.")],
    trial: Annotated[
        int | None, Option(help="The number of a network; by default the winner's.")
    ] = None,
    storage: Annotated[str | None, Option(help="The study, if its URL has a password.")] = None,
    overwrite: Annotated[
        bool, Option("--overwrite", help="Replace an earlier export there.")
    ] = False,
) -> None:
    """Train a network of a search again and export it, to run without this library.

    It is trained as at the end of the search; the data must still be where they were.
    """
    with told():
        from optuna_nas._cli._export import export as run

        run(folder, to, trial, storage, overwrite, consoles())


@app.command(epilog="Example: optuna-nas predict studies/train/model rows.csv --proba")
def predict(
    model: Annotated[Path, Argument(help="An exported network: studies/train/model.")],
    rows: Annotated[
        Path,
        Argument(help="A table, an .npz file with X, an image, or a folder of images."),
    ],
    proba: Annotated[
        bool, Option("--proba", help="Probabilities, a column for each class.")
    ] = False,
    drop: Annotated[
        list[str] | None,
        Option(help="A column that the network does not know; may be repeated."),
    ] = None,
    out: Annotated[Path | None, Option(help="A CSV file; by default stdout.")] = None,
) -> None:
    """Predict rows with an exported network: a CSV with a line for each."""
    with told():
        from optuna_nas._cli._predict import predict as run

        run(model, rows, proba, drop or (), out)


@app.command(epilog="Example: optuna-nas report studies/train --out report.md")
def report(
    storage: Annotated[
        str,
        Argument(help="The folder of a search (studies/digits), a .journal file, or a URL."),
    ],
    study_name: Annotated[
        str | None, Option(help="Which study, if the storage holds several.")
    ] = None,
    out: Annotated[
        Path | None,
        Option(help="An .html or .md file; by default report.html beside the study."),
    ] = None,
    control: Annotated[
        list[str] | None,
        Option(help="A study of random search; may be repeated. By default the one beside."),
    ] = None,
    repeat: Annotated[
        list[str] | None,
        Option(help="A study of the same search with another seed; may be repeated."),
    ] = None,
    network: Annotated[
        str | None,
        Option(help="module:function, the search space, if it is none of optuna_nas.spaces."),
    ] = None,
) -> None:
    """Write one page to send: what was asked, found and spent, and how good the practice was.

    The page opens offline. As .md it has its pictures in a folder beside it.
    """
    with told():
        from optuna_nas._cli._report import report as run

        run(storage, study_name, out, control or (), repeat or (), network, Console())


@app.command(epilog="Example: optuna-nas dashboard studies/train --port 0")
def dashboard(
    storage: Annotated[
        str,
        Argument(help="The folder of a search (studies/digits), a .journal file, or a URL."),
    ],
    study_name: Annotated[
        str | None, Option(help="Which study to draw, if not all that the storage holds.")
    ] = None,
    port: Annotated[int, Option(help="Of this machine; 0 for any that is free.")] = 8080,
    artifacts: Annotated[
        Path | None,
        Option(help="The folder for drawings; by default artifacts beside the study."),
    ] = None,
    network: Annotated[
        str | None,
        Option(help="module:function, the search space, if it is none of optuna_nas.spaces."),
    ] = None,
) -> None:
    """Open a study in optuna-dashboard, with drawings and cards, while it runs or later.

    Only this machine can open the page.
    """
    with told():
        from optuna_nas._cli._dashboard import dashboard as run

        run(storage, study_name, port, artifacts, network, Console())
