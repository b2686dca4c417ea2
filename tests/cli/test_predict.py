from __future__ import annotations

from collections.abc import Callable
import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optuna_nas._cli import _predict
from tests.cli.conftest import flowers
from tests.cli.conftest import HEADER
from tests.cli.conftest import Ran
from tests.cli.conftest import run_here
from tests.cli.conftest import write_csv


Run = Callable[..., Ran]

TABLE = {
    "kind": "table",
    "named": True,
    "target": "kind",
    "columns": [
        {"name": "length", "kind": "number"},
        {"name": "colour", "kind": "category", "codes": {"01": 1}},
    ],
}


class Program:
    """Predicts the number of a row; of classes, that all are equally likely."""

    def __init__(self, inputs: Any, classes: Any) -> None:
        self.model = {"inputs": inputs, "classes": classes}
        self.rows: Any = None

    def predict(self, rows: Any) -> Any:
        self.rows = rows
        return np.arange(len(rows)) / 2

    def predict_proba(self, rows: Any) -> Any:
        return np.full((len(rows), len(self.model["classes"])), 0.5)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Program]:
    def exported(inputs: Any = TABLE, classes: Any = ("daisy", "rose")) -> Program:
        made = Program(inputs, classes)
        monkeypatch.setattr(_predict, "load_program", lambda path: made)
        return made

    return exported


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_columns_are_taken_by_name_whatever_their_order(
    run: Run, program: Callable[..., Program]
) -> None:
    made = program()
    Path("t.csv").write_text("colour,length\n01,1\n,2.5\n")
    ran = run("predict", "model", "t.csv")
    assert ran.raw == "prediction\n0.0\n0.5\n"
    assert (ran.err, ran.status) == ("column 'colour': 1 of 2 rows has no value", 0)
    assert list(made.rows.columns) == ["length", "colour"]
    assert made.rows["colour"][0] == "01"


def test_the_column_that_is_predicted_is_ignored_with_a_note(
    run: Run, program: Callable[..., Program]
) -> None:
    made = program()
    Path("t.csv").write_text("colour,kind,length\n01,rose,1\n")
    ran = run("predict", "model", "t.csv")
    assert ran.err == "The column 'kind', which is predicted, is ignored."
    assert ran.status == 0
    assert list(made.rows.columns) == ["length", "colour"]


def test_probabilities_have_a_column_for_each_class_and_go_to_a_file(
    run: Run, program: Callable[..., Program]
) -> None:
    program()
    Path("t.csv").write_text("colour,length,id\n01,1,7\n")
    ran = run("predict", "model", "t.csv", "--proba", "--drop", "id", "--out", "p.csv")
    assert (ran.raw, ran.status) == ("", 0)
    assert Path("p.csv").read_text() == "daisy,rose\n0.5,0.5\n"


def test_cells_that_training_did_not_have_are_told_by_column(
    run: Run, program: Callable[..., Program]
) -> None:
    program()
    Path("t.csv").write_text("length,colour\n1,01\n,red\n?,\n4,blue\n")
    ran = run("predict", "model", "t.csv")
    assert (ran.err, ran.status) == (
        "column 'length': 2 of 4 rows have no value; the median of training is taken "
        "column 'colour': 1 of 4 rows has no value; 2 of 4 rows have values not seen in training "
        "('red', ...), treated as missing",
        0,
    )
    assert ran.raw.count("\n") == 5


def test_cells_of_arrays_are_told_by_the_place_of_the_column_and_many_columns_in_short(
    run: Run, program: Callable[..., Program]
) -> None:
    columns = [{"name": str(i), "kind": "number"} for i in range(13)]
    program({"kind": "table", "named": False, "target": "y", "columns": columns})
    x = np.full((3, 13), np.nan)
    x[:, 0] = 1
    np.savez("t.npz", X=x)
    told = run("predict", "model", "t.npz").err
    assert told.startswith("column '1': 3 of 3 rows have no value; the median")
    assert told.count("of 3 rows") == 10
    assert told.endswith("2 more of the 13 columns have such cells.")


def test_images_are_told_by_their_file(run: Run, program: Callable[..., Program]) -> None:
    image = pytest.importorskip("PIL.Image")
    made = program({"kind": "image", "shape": [4, 6, 3]})
    for name in ("b", "a"):
        image.new("RGB", (9, 9)).save(f"{name}.png")
    assert run("predict", "model", ".").raw == "file,prediction\na.png,0.0\nb.png,0.5\n"
    assert made.rows.shape == (2, 4, 6, 3)
    made = program({"kind": "image", "shape": [4, 6]})
    assert run("predict", "model", "b.png").raw == "file,prediction\nb.png,0.0\n"
    assert made.rows.shape == (1, 4, 6)


def test_arrays_are_predicted(run: Run, program: Callable[..., Program]) -> None:
    made = program({"kind": "sequence", "shape": [5, 2]}, None)
    np.savez("t.npz", X=np.zeros((3, 5, 2)))
    assert run("predict", "model", "t.npz").raw == "prediction\n0.0\n0.5\n1.0\n"
    assert made.rows.shape == (3, 5, 2)


@pytest.mark.parametrize(
    ("inputs", "classes", "text", "arguments", "message"),
    [
        (TABLE, None, "length,colour\n1,x\n", ["--proba"], "--proba is for classes, but model "
         "predicts numbers."),
        (TABLE, None, "length,id\n1,x\n", [], "t.csv lacks 'colour' and has 'id', which the "
         "network does not know; it takes 'length', 'colour'. To ignore a column: --drop 'id'."),
        (TABLE, None, "length,length\n1,x\n", [], "t.csv: the header names 'length' more than "
         "once. Give each column a name of its own."),
        (TABLE, None, "", [], "t.csv is empty: it needs a header and rows of data."),
        ({"kind": "image", "shape": [8, 8]}, None, "a\n1\n", [], "t.csv is a table, but the "
         "network takes images of shape 8 x 8."),
    ],
)  # fmt: skip
def test_rows_that_the_network_does_not_take_are_told(
    run: Run,
    program: Callable[..., Program],
    inputs: Any,
    classes: Any,
    text: str,
    arguments: list[str],
    message: str,
) -> None:
    program(inputs, classes)
    Path("t.csv").write_text(text)
    ran = run("predict", "model", "t.csv", *arguments)
    assert (ran.err, ran.status, ran.raw) == (f"error: {message}", 2, "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("t.xls", "t.xls: ROWS must end in one of .csv, .tsv, .txt, .parquet, .npz, or be an "
         "image or a folder of images."),
        ("t.npz", "t.npz is not an .npz file, or is cut off."),
        ("t.png", "t.png holds images, but the network takes a table with 2 columns."),
        ("none.csv", "none.csv is not there."),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_rows_is_told(
    run: Run, program: Callable[..., Program], name: str, message: str
) -> None:
    program()
    if name != "none.csv":
        Path(name).write_text("x")
    ran = run("predict", "model", name)
    assert ran.err.startswith(f"error: {message}")
    assert ran.status == 2


def test_a_model_that_is_none_is_told(run: Run) -> None:
    Path("t.csv").write_text("a\n1\n")
    ran = run("predict", "nowhere", "t.csv")
    assert ran.err.startswith("error: ")
    assert "nowhere" in ran.err
    assert ran.status == 2


def test_what_a_search_found_predicts_missing_cells_and_unseen_categories_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = flowers()
    rows[3][0] = rows[5][2] = ""
    write_csv(Path("flowers.csv"), HEADER, rows)
    search = ("search", "flowers.csv", "--target", "kind", "--trials", "1", "--epochs", "1")
    told = json.loads(run_here(*search, "--json").raw)
    write_csv(Path("rows.csv"), HEADER[:3], [*(row[:3] for row in rows), ["1", "", "green"]])
    found = run_here("predict", told["model"], "rows.csv")
    predicted = [row[0] for row in rows_of(found.raw)[1:]]
    assert len(predicted) == 101
    assert set(predicted) <= {"daisy", "rose"}
    for said in (
        "column 'width': 1 of 101 rows has no value; the median of training is taken",
        "column 'colour': 1 of 101 rows has no value; 1 of 101 rows has a value not seen in "
        "training ('green'), treated as missing",
    ):
        assert said in found.err
