"""The options of ``optuna-nas search``. What needs torch is imported only once it runs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated
from typing import Any

from typer import Argument
from typer import CallbackParam
from typer import Context
from typer import Option

from optuna_nas._cli._config import check_there
from optuna_nas._cli._config import read_config
from optuna_nas._cli._consoles import consoles
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import told
from optuna_nas._cli._header import check_columns
from optuna_nas._cli._options import COSTS
from optuna_nas._cli._options import DATA
from optuna_nas._cli._options import Options
from optuna_nas._cli._options import PROXIES
from optuna_nas._cli._options import PRUNERS
from optuna_nas._cli._options import SAMPLERS
from optuna_nas._cli._options import SPACES
from optuna_nas._cli._options import TRIALS
from optuna_nas._cli._options import WARM_STARTS


EPILOG = """Examples:

optuna-nas search digits --also parameters

optuna-nas search train.csv --target price --test test.csv --timeout 10m

optuna-nas search photos/ --image-size 48 --under 5ms

optuna-nas search train.csv --target kind --space my_module:Net

optuna-nas search --config studies/train/search.toml --trials 100

Exit status: 0, 2 for what cannot be done with what was given, 130 after Ctrl-C, 1 for a bug.
"""


def _take_config(context: Context, parameter: CallbackParam, value: Path | None) -> Path | None:
    """Takes a file's options for defaults, over which those of the command line win."""
    if value is not None and not context.resilient_parsing:
        with told():
            context.default_map = read_config(value, list(Options.__dataclass_fields__))
    return value


def _from_file(context: Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "DEFAULT_MAP"


def _one_of(names: tuple[str, ...]) -> Any:
    """Completes what is typed."""
    return lambda incomplete: [name for name in names if name.startswith(incomplete)]


_data_option = partial(Option, rich_help_panel="Data")
_search_option = partial(Option, rich_help_panel="Search")
_files_option = partial(Option, rich_help_panel="Files and machine")


def search(
    context: Context,
    data: Annotated[
        str | None,
        Argument(
            metavar="DATA",
            help="A table (.csv, .tsv, .parquet), arrays (.npz), a folder with a folder of images "
            "for each class, or 'digits': scikit-learn's 8x8 digits. Needed, unless the file of "
            "--config says it.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[str | None, _data_option(help="The column to predict.")] = None,
    test: Annotated[
        str | None,
        _data_option(help="Rows for the final test, like DATA; by default a fifth of DATA."),
    ] = None,
    task: Annotated[
        str | None,
        _data_option(help="classification or regression; by default told from the target."),
    ] = None,
    drop: Annotated[
        list[str] | None,
        _data_option(help="A column to leave out; may be repeated."),
    ] = None,
    image_size: Annotated[
        int | None,
        _data_option(
            help="Pixels a side that images are resized to; by default 32, or as they are if all "
            "are of one size of at most 64."
        ),
    ] = None,
    space: Annotated[
        str | None,
        _search_option(
            help=f"{', '.join(SPACES)}, or module:function for a network of your own; by default "
            "tabular for tables, cnn for images, rnn for sequences.",
            autocompletion=_one_of(SPACES),
        ),
    ] = None,
    sampler: Annotated[
        str | None,
        _search_option(
            help=f"Who proposes networks: {', '.join(SAMPLERS)}.",
            autocompletion=_one_of(SAMPLERS),
        ),
    ] = None,
    pruner: Annotated[
        str | None,
        _search_option(
            help=f"Who stops them early: {', '.join(PRUNERS)}.", autocompletion=_one_of(PRUNERS)
        ),
    ] = None,
    trials: Annotated[
        int | None,
        _search_option(
            help=f"How many networks, earlier runs included; by default {TRIALS}, or as many as "
            "--timeout allows. With both, whichever ends first."
        ),
    ] = None,
    timeout: Annotated[
        str | None,
        _search_option(
            help="After how long the search begins no other network: 90s, 10m, 2h; what follows "
            "the search is not counted."
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        _search_option(help="How long each is trained; by default 50 for tables, else 15."),
    ] = None,
    warm_start: Annotated[
        str | None,
        _search_option(
            help="darts: a short training of all networks in one proposes the first ones.",
            autocompletion=_one_of(WARM_STARTS),
        ),
    ] = None,
    proxy: Annotated[
        str | None,
        _search_option(
            help="Of 100 random networks, untrained, the 5 that score best are among the first: "
            f"{', '.join(PROXIES)}.",
            autocompletion=_one_of(PROXIES),
        ),
    ] = None,
    also: Annotated[
        str | None,
        _search_option(
            help="A second objective, to keep small: parameters, flops or latency (ms of one "
            "row on the CPU).",
            autocompletion=_one_of(COSTS),
        ),
    ] = None,
    under: Annotated[
        str | None,
        _search_option(help="The most that one row may take on the CPU, as in 5ms."),
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
        _search_option(
            "--control/--no-control",
            help="Search at random as well, just as long, to compare.",
        ),
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
    config: Annotated[
        Path | None,
        _files_option(
            help="A file of such options, as each search writes it; those given here win.",
            is_eager=True,
            callback=_take_config,
        ),
    ] = None,
    device: Annotated[str, _files_option(help="auto, cpu, cuda, cuda:1, mps.")] = Options.device,
    threads: Annotated[
        int,
        _files_option(help="Of the processor. Small networks are fastest on one."),
    ] = Options.threads,
    workers: Annotated[
        int,
        _files_option(
            help="Processes that search together, each with its threads and its CUDA device. The "
            "same command on another host joins in, if --storage is a database of both."
        ),
    ] = Options.workers,
    as_json: Annotated[
        bool, _files_option("--json", help="Print the result as one JSON object.")
    ] = False,
) -> None:
    """Search a network for some data, train it, test it once beside controls, and export it.

    The same command again goes on where the last one stopped.
    """
    given = locals()
    options = {name: given[name] for name in Options.__dataclass_fields__}
    options |= {"drop": tuple(drop or ()), "limit": tuple(limit or ())}
    named = {name for name in options if _from_file(context, name)}
    if timeout is not None and "trials" in named and "timeout" not in (context.default_map or {}):
        options["trials"] = None  # else those of a search that is finished end this one at once
    with told():
        if data is None:
            where = f"{config} has none" if config else "--config may name a file that says it"
            raise BadInput(f"DATA is missing ({where}). It is {DATA}.")
        asked, shown = Options(**options), consoles()
        check_there(asked, config, named)
        check_columns(asked)
        with shown.notes.status("Loading torch and Optuna ..."):
            from optuna_nas._cli._search import search as run

        run(asked, shown, as_json=as_json)
