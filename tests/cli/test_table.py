from __future__ import annotations

from pathlib import Path
import sys

import numpy as np
import pandas
import pytest

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._table import read_table
from tests.cli.conftest import flowers
from tests.cli.conftest import HEADER


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "t.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_semicolons_tabs_a_byte_order_mark_and_spaces_are_understood(tmp_path: Path) -> None:
    rows = [HEADER, *flowers(10)]
    tables = []
    for delimiter in (",", ";", "\t", ", "):
        text = "\n".join(delimiter.join(map(str, row)) for row in rows)
        tables.append(read_table(written(tmp_path, text + "\n\n", "utf-8-sig")))
    assert tables[0].shape == (10, 4)
    assert all(table.equals(tables[0]) for table in tables)


def test_cells_are_numbers_bools_times_or_texts_and_may_be_missing(tmp_path: Path) -> None:
    text = "a,b,c,d,e\n1,True,2024-02-29 12:30,red,\n,False,2024-03-01 00:00,?,x\n"
    table = read_table(written(tmp_path, text))
    assert [column.dtype.kind for _, column in table.items()][:3] == ["f", "b", "M"]
    assert table["a"].isna().tolist() == [False, True]
    assert table["c"][0] == pandas.Timestamp("2024-02-29 12:30")
    assert table["d"].isna().tolist() == [False, True]
    assert table["e"].tolist()[1] == "x"


def test_bools_may_be_missing(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,b\nTrue,1\n,2\nFalse,3\n"))
    assert table["a"].tolist()[::2] == [True, False]
    assert table["a"].isna().tolist() == [False, True, False]


def test_times_with_a_zone_are_told_in_utc(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,b\n2024-01-01T01:00:00+02:00,1\n"))
    assert table["a"][0] == pandas.Timestamp("2023-12-31 23:00")


def test_a_column_can_be_kept_as_texts(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,b\n01,2\n,3\n"), ["a"])
    assert table["a"].tolist()[0] == "01"
    assert table["a"].isna().tolist() == [False, True]


def test_quoted_cells_may_hold_commas_and_line_breaks(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, 'a,b\n"x, y\nz",1\n'))
    assert table["a"].tolist() == ["x, y\nz"]


def test_parquet_without_pyarrow_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(BadInput, match=r"needs pyarrow.*pip install 'optuna-nas\[parquet\]'\.$"):
        read_table(path)


def test_parquet_is_read_where_pyarrow_is(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    table = pandas.DataFrame({"a": np.arange(3.0), "b": ["x", "y", None]})
    table.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")["a"].tolist() == [0, 1, 2]
