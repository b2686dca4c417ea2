"""Every error of the command line is one line on stderr, with exit status 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from tests.cli.conftest import flowers
from tests.cli.conftest import HEADER
from tests.cli.conftest import Ran
from tests.cli.conftest import write_csv


Run = Callable[..., Ran]


def check_error(ran: Ran, message: str) -> None:
    assert ran.err == f"error: {message}"
    assert ran.status == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "t.csv is empty: it needs a header and rows of data."),
        (b"\n\n", "t.csv is empty: it needs a header and rows of data."),
        (b"a,kind\n", "t.csv has a header but no rows."),
        (
            b"a,kind\n\xff\xfe,x\n",
            "t.csv cannot be read as a CSV file: it is not text in UTF-8 (invalid start byte at "
            "byte 7).",
        ),
        (
            b'a,kind\n"1,x\n',
            "t.csv cannot be read as a CSV file: unexpected end of data.",
        ),
        (
            b"1,2,3,4\n5,6,7,8\n",
            "t.csv has no header: its first line holds only numbers (1, 2, 3, ...). Put the "
            "columns' names above it.",
        ),
        (b"a,kind\n1,x\n1,x,2\n", "t.csv, line 3: 3 cells, but the header has 2."),
        (
            b"a,a,kind\n1,2,x\n",
            "t.csv: the header names 'a' more than once. Give each column a name of its own.",
        ),
        (
            b",a,kind\n0,1,x\n",
            "t.csv: column 1 has no name in the header. If it numbers the rows, write the file "
            "without it (pandas: to_csv(..., index=False)).",
        ),
        (
            b"a,Kind\n1,x\n",
            "--target 'kind' is not a column of t.csv. Did you mean 'Kind'? The columns are a, "
            "Kind.",
        ),
        (b"kind\nx\ny\n", "t.csv has no column beside the target 'kind' to learn from."),
        (
            b"a,b,kind\n1,,x\nNaN,2,y\n3,?,y\n",
            "t.csv has missing cells: column 'a' has 1 (first in line 3), column 'b' has 2 (first "
            "in line 2). Fill them in, take those rows out, or leave a column out: --drop 'a'.",
        ),
        (
            b"a,kind\n" + b"1,x\n2,y\n" * 10,
            "t.csv has 20 rows; a split into three parts needs at least 50.",
        ),
        (
            b"a,kind\n" + b"1,x\n2,x\n" * 50,
            "target 'kind' has one class only ('x'), so there is nothing to learn.",
        ),
    ],
)
def test_a_bad_csv_file_is_told(run: Run, content: bytes, message: str) -> None:
    Path("t.csv").write_bytes(content)
    check_error(run("search", "t.csv", "--target", "kind"), message)
    assert not Path("studies").exists()


def test_a_column_of_names_is_told(run: Run) -> None:
    rows = [[f"Mr {i}", *row] for i, row in enumerate(flowers(110))]
    write_csv(Path("t.csv"), ("name", *HEADER), rows)
    check_error(
        run("search", "t.csv", "--target", "kind"),
        "t.csv: column 'name' holds 110 different texts, which looks like names or prose; at most "
        "100 categories can be learned from. Leave the column out: --drop 'name'.",
    )


def test_a_column_of_numbers_with_a_text_in_it_is_told(run: Run) -> None:
    rows = flowers(110)
    rows[3][0] = "unknown"
    write_csv(Path("t.csv"), HEADER, rows)
    check_error(
        run("search", "t.csv", "--target", "kind"),
        "t.csv: column 'length' holds numbers, but also 'unknown' (line 5). Correct such cells, "
        "or leave the column out: --drop 'length'.",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.csv", "--target", "kind"], "nowhere.csv is not there. DATA is a CSV file, or "
         "'digits' for scikit-learn's digits."),
        ([".", "--target", "kind"], ". is a directory; DATA is a CSV file, or 'digits'."),
        (["flowers.csv"], "--target is missing: which column of flowers.csv to predict (length, "
         "width, colour, kind)."),
        (["flowers.csv", "--target", "kind", "--drop", "color"], "--drop 'color' is not a column "
         "of flowers.csv. Did you mean 'colour'? The columns are length, width, colour, kind."),
        (["flowers.csv", "--target", "kind", "--drop", "kind"], "--drop 'kind': that is the "
         "target."),
        (["digits", "--target", "kind"], "--target, --task and --drop are for CSV files; digits "
         "needs none."),
        (["digits", "--space", "nasbench"], "--space must be one of ['mlp', 'cnn', "
         "'nasbench201'], not 'nasbench'. Did you mean 'nasbench201'?"),
        (["flowers.csv", "--target", "kind", "--space", "cnn"], "--space cnn is for images, but "
         "flowers.csv is a table. For tables there is: mlp."),
        (["digits", "--trials", "0"], "--trials must be at least 1, not 0."),
        (["digits", "--epochs", "0"], "--epochs must be at least 1, not 0."),
        (["digits", "--seed", "-1"], "--seed must be at least 0, not -1."),
        (["digits", "--threads", "0"], "--threads must be at least 1, not 0."),
        (["digits", "--timeout", "0"], "--timeout must be more than 0 seconds, not 0."),
        (["digits", "--also", "params"], "--also must be one of ['parameters', 'flops', "
         "'latency'], not 'params'. Did you mean 'parameters'?"),
        (["digits", "--limit", "params=3"], "--limit must be a cost and its limit, as in "
         "parameters=10000, with one of ['parameters', 'flops', 'latency'], not 'params=3'. Did "
         "you mean 'parameters'?"),
        (["digits", "--limit", "flops=3", "--limit", "flops=4"], "--limit names a cost twice: "
         "flops=3, flops=4."),
        (["digits", "--limit", "flops=many"], "--limit flops must be a number above 0, not "
         "'many'."),
        (["digits", "--device", "cdua"], "device must be one of ['auto', 'cpu'], but is 'cdua'. "
         "Did you mean 'cuda'?"),
        (["digits", "--storage", "folder"], "storage is a directory: folder. Name a file in it: "
         "folder/study.journal."),
        (["digits", "--storage", "nosuch://x"], "storage nosuch://x cannot be opened: Can't load "
         "plugin: sqlalchemy.dialects:nosuch"),
        (["digits", "--out", "flowers.csv"], "--out flowers.csv cannot be a folder: File "
         "exists. Give another."),
    ],
)  # fmt: skip
def test_a_bad_argument_is_told(
    run: Run, flowers_csv: Path, arguments: list[str], message: str
) -> None:
    Path("folder").mkdir()
    check_error(run("search", *arguments), message)


def test_a_limit_that_leaves_nothing_is_told_with_what_there_is(run: Run) -> None:
    ran = run("search", "digits", "--limit", "parameters=10")
    assert ran.err.startswith(
        "error: none of 50 random candidates satisfies parameters <= 10; of all, fewer than 5.8% "
    )
    assert "min median max parameters" in ran.err
    assert ran.status == 2


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--threads", "999"), "error: threads must be at most "),
        (("--pruner", "median"), "error: pruner 'median' knows one objective, but the study has "),
    ],
)
def test_a_bad_argument_of_a_search_for_latency_is_told(
    run: Run, option: tuple[str, str], message: str
) -> None:
    ran = run("search", "digits", "--also", "latency", *option)
    assert ran.err.startswith(message)
    assert ran.status == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sampler", "TPE"], "--sampler must be one of ['regularized_evolution', 'predictor', "
         "'local_search', 'reinforce', 'random', 'tpe', 'gp', 'nsga2', 'grid'], "
         "not 'TPE'. Did you mean 'tpe'?"),
        (["--sampler", "NSGA-II"], "--sampler must be one of ['regularized_evolution', "
         "'predictor', "
         "'local_search', 'reinforce', 'random', 'tpe', 'gp', 'nsga2', 'grid'], "
         "not 'NSGA-II'. Did you mean 'nsga2'?"),
        (["--pruner", "medain"], "--pruner must be one of ['successive_halving', 'hyperband', "
         "'learning_curve', 'median', 'none'], not 'medain'. Did you mean 'median'?"),
    ],
)  # fmt: skip
def test_a_misspelt_sampler_or_pruner_is_told_and_leaves_no_folder(
    run: Run, arguments: list[str], message: str
) -> None:
    check_error(run("search", "digits", *arguments), message)
    assert not Path("studies").exists()


def test_what_show_cannot_find_is_told(run: Run) -> None:
    check_error(
        run("show", "study.journal"),
        "there is no study at study.journal: that file is not there.",
    )
    check_error(
        run("show", "sqlite:///study.db"),
        "there is no study at study.db: that file is not there.",
    )
    assert not list(Path().iterdir())
    Path("study.txt").write_text("x")
    ran = run("show", "study.txt")
    assert ran.err.startswith("error: storage must be a path that ends in .journal")
    storage = "sqlite:///study.db"
    Path("study.db").touch()
    check_error(run("show", storage), "sqlite:///study.db holds no study.")
    for name in ("flowers", "digits"):
        optuna.create_study(storage=storage, study_name=name)
    check_error(
        run("show", storage),
        "sqlite:///study.db holds 2 studies: 'digits', 'flowers'. Say which: --study-name.",
    )
    check_error(
        run("show", storage, "--study-name", "digit"),
        "sqlite:///study.db holds no study 'digit'. Did you mean 'digits'? It holds 'digits', "
        "'flowers'.",
    )
