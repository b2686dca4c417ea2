"""Every error of the command line is one line on stderr, with exit status 2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import errno
import os
from pathlib import Path
import re
from typing import Any

import optuna
import pytest

from optuna_nas._cli import _search
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._options import Options
from optuna_nas._cli._setup import set_up
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
            "t.csv cannot be read as a table: it is not text in UTF-8 (invalid start byte at "
            "byte 7).",
        ),
        (
            b'a,kind\n"1,x\n',
            "t.csv cannot be read as a table: unexpected end of data.",
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
            b"a,kind\n1,x\n2,\n3,?\n",
            "t.csv: the target 'kind' is missing in 2 of 3 rows, the first of them row 2. Take "
            "those rows out, or fill them in.",
        ),
        (
            b"a,b,kind\n1,,x\n2,NA,y\n",
            "t.csv: column 'b' is empty. Leave it out: --drop 'b'.",
        ),
        (
            b"a,kind\n1,x\n-inf,y\n",
            "t.csv: column 'a' holds an infinity (row 2). Correct such cells, or leave the column "
            "out: --drop 'a'.",
        ),
        (
            b"a,kind\n1,0.5\n2,inf\n",
            "t.csv: column 'kind' holds an infinity (row 2). Correct such cells.",
        ),
        (
            b"a,kind\n" + b"".join(b"%d,x%d\n" % (i, i) for i in range(60)),
            "target 'kind' has classes with fewer than 5 rows, too few to be in the training, "
            "validation and test part: 'x0' (1), 'x1' (1), 'x10' (1), 'x11' (1), 'x12' (1) and 55 "
            "more. Take those rows out or join classes.",
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
        "t.csv: column 'name' holds 110 different texts in 110 rows, which looks like names or "
        "prose. Leave the column out: --drop 'name'.",
    )


def test_a_column_of_numbers_with_a_text_in_it_is_told(run: Run) -> None:
    rows = flowers(110)
    rows[3][0] = "unknown"
    write_csv(Path("t.csv"), HEADER, rows)
    check_error(
        run("search", "t.csv", "--target", "kind"),
        "t.csv: column 'length' holds numbers, but also 'unknown' (row 4). Correct such cells, "
        "or leave the column out: --drop 'length'.",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.csv", "--target", "kind"], "nowhere.csv is not there. DATA is a table (.csv, "
         ".tsv, .parquet), arrays (.npz), a folder with a folder of images for each class, or "
         "'digits'."),
        (["folder"], "folder must hold a folder of images for each class, two or more; there is "
         "none. Images end in .png, .jpg, .jpeg, ..."),
        (["folder", "--target", "kind"], "--target is for tables, which folder is not."),
        (["t.xlsx"], "t.xlsx: DATA must end in one of .csv, .tsv, .txt, .parquet, .npz, or be a "
         "folder of images or 'digits'."),
        (["flowers.csv", "--target", "kind", "--image-size", "8"], "--image-size is for folders "
         "of images, which flowers.csv is not."),
        (["flowers.csv", "--target", "kind", "--test", "no.csv"], "no.csv is not there. DATA is a "
         "table (.csv, .tsv, .parquet), arrays (.npz), a folder with a folder of images for each "
         "class, or 'digits'."),
        (["flowers.csv"], "--target is missing: which column of flowers.csv to predict (length, "
         "width, colour, kind)."),
        (["flowers.csv", "--target", "kind", "--drop", "color"], "--drop 'color' is not a column "
         "of flowers.csv. Did you mean 'colour'? The columns are length, width, colour, kind."),
        (["flowers.csv", "--target", "kind", "--drop", "kind"], "--drop 'kind': that is the "
         "target."),
        (["digits", "--target", "kind", "--drop", "a"], "--target and --drop are for tables, "
         "which digits is not."),
        (["flowers.csv", "--target", "kind", "--task", "clasification"], "--task must be "
         "classification or regression, not 'clasification'. Did you mean 'classification'?"),
        (["digits", "--task", "regression"], "--task is for files, which digits is not."),
        (["digits", "--space", "nasbench"], "--space must be one of tabular, mlp, cnn, rnn, "
         "transformer, nasbench201, mobilenet, darts, hierarchical, or "
         "module:function, not 'nasbench'. Did you mean 'nasbench201'?"),
        (["flowers.csv", "--target", "kind", "--space", "cnn"], "--space cnn is for images, but "
         "flowers.csv is a table. There is: tabular, mlp."),
        (["digits", "--warm-start", "dart"], "--warm-start must be darts, not 'dart'. "
         "Did you mean 'darts'?"),
        (["digits", "--proxy", "naswott"], "--proxy must be one of naswot, synflow, snip, "
         "grad_norm, jacob_cov, fisher, grasp, zen, zico, l2_norm, not 'naswott'. "
         "Did you mean 'naswot'?"),
        (["digits", "--image-size", "0"], "--image-size must be at least 1, not 0."),
        (["digits", "--trials", "0"], "--trials must be at least 1, not 0."),
        (["digits", "--epochs", "0"], "--epochs must be at least 1, not 0."),
        (["digits", "--seed", "-1"], "--seed must be at least 0, not -1."),
        (["digits", "--threads", "0"], "--threads must be at least 1, not 0."),
        (["digits", "--timeout", "0"], "--timeout must be a time above 0, as in 5ms, 30s, 10m or "
         "2h (a plain number is in s), not '0'."),
        (["digits", "--under", "fast"], "--under must be a time above 0, as in 5ms, 30s, 10m or "
         "2h (a plain number is in ms), not 'fast'."),
        (["digits", "--under", "5ms", "--limit", "latency=3"], "--limit names a cost twice: "
         "latency=3, --under 5ms."),
        (["digits", "--also", "params"], "--also must be one of parameters, flops, "
         "latency, not 'params'. Did you mean 'parameters'?"),
        (["digits", "--limit", "params=3"], "--limit must be a cost and its limit, as in "
         "parameters=10000, with one of parameters, flops, latency, not 'params=3'. Did "
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
    Path("t.xlsx").write_text("x")
    check_error(run("search", *arguments), message)


def test_a_limit_that_leaves_nothing_is_told_with_the_least_that_there_is(run: Run) -> None:
    ran = run("search", "digits", "--limit", "parameters=10", "--limit", "flops=1e12")
    told = (
        r"error: none of 50 random candidates satisfies parameters <= 10; of all, fewer than "
        r"5\.8% do so \(95 % sure\)\. The smallest found has [\d,]+ parameters\. Give --limit a "
        r"larger value, or another --space\."
    )
    assert re.fullmatch(told, ran.err)
    assert ran.status == 2


def test_limits_that_leave_nothing_together_are_told(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("own_wide_or_deep.py").write_text(
        "from torch import nn\n"
        "def net(trial):\n"
        "    if trial.suggest_categorical('wide', [True, False]):\n"  # many parameters, few flops
        "        return nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(1, 99),\n"
        "                             nn.Linear(99, 10))\n"
        "    return nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1)] * 9, nn.AvgPool2d(8),\n"
        "                         nn.Flatten(), nn.Linear(1, 10))\n"
    )
    monkeypatch.syspath_prepend(".")
    own = ("search", "digits", "--space", "own_wide_or_deep:net")
    ran = run(*own, "--limit", "parameters=100", "--limit", "flops=3000")
    assert "satisfies parameters <= 100 and flops <= 3000 together; of all" in ran.err
    assert ran.err.endswith(" (95 % sure). Give --limit a larger value, or another --space.")


def test_a_limit_on_networks_of_which_none_can_be_measured_is_told_with_the_reason() -> None:
    setup = set_up(Options("digits", limit=("parameters=10",)))

    def never(trial: Any) -> Any:
        raise ValueError("wrong")

    setup = replace(setup, space=replace(setup.space, network=never))
    with pytest.raises(
        BadInput,
        match=r"^none of 50 random candidates makes a network that can be measured; .* \(95 % sure"
        r"\)\. Correct the network, or give another --space: cannot be built: wrong$",
    ):
        setup.objective()


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
        (["--sampler", "TPE"], "--sampler must be one of regularized_evolution, predictor, "
         "local_search, reinforce, random, tpe, gp, nsga2, grid, "
         "not 'TPE'. Did you mean 'tpe'?"),
        (["--sampler", "NSGA-II"], "--sampler must be one of regularized_evolution, predictor, "
         "local_search, reinforce, random, tpe, gp, nsga2, grid, "
         "not 'NSGA-II'. Did you mean 'nsga2'?"),
        (["--pruner", "medain"], "--pruner must be one of successive_halving, hyperband, "
         "learning_curve, median, none, not 'medain'. Did you mean 'median'?"),
    ],
)  # fmt: skip
def test_a_misspelt_sampler_or_pruner_is_told_and_leaves_no_folder(
    run: Run, arguments: list[str], message: str
) -> None:
    check_error(run("search", "digits", *arguments), message)
    assert not Path("studies").exists()


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("inf", "test.csv: column 'length' holds an infinity (row 1). Correct such cells, or "
         "leave the column out: --drop 'length'."),
        ("long", "test.csv: column 'length' of X held a number in each row in fit, but now holds "
         "other things; the first cell is 'long'."),
    ],
)  # fmt: skip
def test_a_cell_of_the_rows_for_the_test_that_cannot_be_read_is_told(
    run: Run, flowers_csv: Path, cell: str, message: str
) -> None:
    write_csv(Path("test.csv"), HEADER, [[cell, "1", "red", "rose"]] * 9)
    check_error(run("search", "flowers.csv", "--target", "kind", "--test", "test.csv"), message)


def test_a_copy_of_the_target_among_the_columns_is_told(run: Run) -> None:
    write_csv(Path("t.csv"), (*HEADER, "label"), [[*row, row[-1]] for row in flowers()])
    check_error(
        run("search", "t.csv", "--target", "kind"),
        "t.csv: column 'label' is the same as the target 'kind' in each row, so there is nothing "
        "to learn. Leave it out: --drop 'label'.",
    )


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_cannot_be_written_to_is_told_wherever_it_is_met(
    run: Run, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_search, "optimize", full)
    ran = run("search", "flowers.csv", "--target", "kind")
    assert ran.err.endswith(f"error: [Errno {number}] {os.strerror(number)}")
    assert ran.status == 2


def test_a_folder_that_is_read_only_is_told_before_any_work(
    run: Run, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*arguments: Any, **options: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", read_only)
    check_error(
        run("search", "flowers.csv", "--target", "kind"),
        "--out studies/flowers cannot be a folder: Permission denied. Give another.",
    )


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
