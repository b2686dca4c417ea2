from __future__ import annotations

from pathlib import Path
import sys
from xml.etree import ElementTree

import pytest
import torch
from torch import nn

from optuna_nas.visualization import Drawing
from optuna_nas.visualization import plot_architecture
from optuna_nas.visualization import plot_cell
from optuna_nas.visualization._style import amount
from tests.visualization.architectures import Residual
from tests.visualization.architectures import texts


@pytest.fixture
def drawing() -> Drawing:
    network = nn.Sequential(Residual(4), Residual(4), nn.Linear(4, 2))
    return plot_architecture(network, example=torch.zeros(1, 4))


def test_an_svg_is_well_formed_and_says_how_large_it_is(drawing: Drawing) -> None:
    root = ElementTree.fromstring(drawing.svg)
    assert root.attrib["viewBox"] == f"0 0 {root.attrib['width']} {root.attrib['height']}"
    assert drawing._repr_svg_() == drawing.svg


def test_an_svg_asks_for_no_other_file(drawing: Drawing) -> None:
    assert "href" not in drawing.svg
    assert "url(" not in drawing.svg


def test_a_drawing_is_saved_by_its_suffix(drawing: Drawing, tmp_path: Path) -> None:
    drawing.save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == drawing.svg
    pytest.importorskip("matplotlib")
    drawing.save(str(tmp_path / "a.PNG"), scale=1)
    drawing.save(tmp_path / "b.png", scale=2)
    sizes = []
    for name in ("a.PNG", "b.png"):
        data = (tmp_path / name).read_bytes()
        assert data.startswith(b"\x89PNG")
        sizes.append([int.from_bytes(data[i : i + 4], "big") for i in (16, 20)])
    assert sizes[0][0] == pytest.approx(drawing.scene.width, abs=1)
    assert sizes[1] == pytest.approx([2 * size for size in sizes[0]], abs=2)


def test_names_with_markup_in_them_stay_text(tmp_path: Path) -> None:
    evil = "<script>alert('$x_1$ & \"y\"')</script>"
    drawn = plot_cell({"0>1": evil}, title=evil)
    assert "<script" not in drawn.svg
    assert texts(drawn).count(evil) == 2
    pytest.importorskip("matplotlib")
    drawn.save(tmp_path / "a.png", scale=1)


@pytest.mark.parametrize(
    ("path", "scale", "match"),
    [
        ("a.pdf", 2.0, r"path must end in \.svg or \.png, but is 'a\.pdf'"),
        ("a", 2.0, r"path must end in \.svg or \.png, but is 'a'"),
        ("a.png", 0.0, r"scale must be above 0, but is 0\.0"),
    ],
)
def test_other_files_are_refused(drawing: Drawing, path: str, scale: float, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        drawing.save(path, scale=scale)


def test_without_matplotlib_there_are_svgs_still(
    drawing: Drawing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "optuna-nas\[plot\]"; or save as \.svg'):
        drawing.save(tmp_path / "a.png")
    drawing.save(tmp_path / "a.svg")


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (7, "7"), (999, "999"), (1000, "1k"), (36_900, "36.9k"), (999_900, "1M")],
)
def test_amounts_have_few_letters(number: float, text: str) -> None:
    assert amount(number) == text
