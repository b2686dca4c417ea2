from __future__ import annotations

from pathlib import Path
import sys

import numpy as np
import pytest

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._images import find_images
from optuna_nas._cli._images import read_images
from optuna_nas._cli._options import Options
from optuna_nas._cli._setup import set_up
from tests.cli.conftest import load


Image = pytest.importorskip("PIL.Image")


def paint(path: Path, size: tuple[int, int] = (8, 8), mode: str = "RGB", seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    folder = tmp_path / "pets"
    for i in range(30):
        for name in ("cat", "dog"):
            paint(folder / name / f"{i}.png", seed=i)
    (folder / "cat" / "notes.txt").write_text("not an image")
    (folder / ".hidden").mkdir()
    return folder


def test_a_folder_of_class_folders_is_a_classification_of_images(pets: Path) -> None:
    data = load(pets)
    assert data.shape == (3, 8, 8)
    assert data.classes == ("cat", "dog")
    assert data.rows == (36, 12, 12)
    assert data.raw[0].dtype == np.uint8
    assert data.space == "cnn"


def test_few_images_are_trained_on_for_more_epochs(pets: Path) -> None:
    assert set_up(Options(str(pets))).epochs == 200  # of one batch each
    assert set_up(Options(str(pets), epochs=3)).epochs == 3


def test_a_test_folder_is_decoded_as_the_other_is(pets: Path, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for i in range(2):
            paint(tmp_path / "other" / name / f"{i}.jpg", (20, 10), mode="L")
    data = load(pets, test=str(tmp_path / "other"))
    assert data.test[0].shape == (4, 3, 8, 8)
    assert load(pets, image_size=5).shape == (3, 5, 5)


def test_images_of_several_sizes_and_large_ones_become_32_x_32(tmp_path: Path) -> None:
    small, wide = paint(tmp_path / "a.png", (9, 7)), paint(tmp_path / "b.png", (70, 7))
    assert read_images([small]).shape == (1, 7, 9, 3)
    assert read_images([wide]).shape == (1, 32, 32, 3)
    assert read_images([small, wide]).shape == (2, 32, 32, 3)
    assert read_images([small, wide], (3, 4)).shape == (2, 3, 4, 3)


def test_images_are_grey_if_all_of_them_are(tmp_path: Path) -> None:
    grey, red = paint(tmp_path / "a.png", mode="L"), paint(tmp_path / "b.png")
    assert read_images([grey]).shape == (1, 8, 8)
    assert read_images([grey, red]).shape == (2, 8, 8, 3)
    assert read_images([red], channels=1, size=(8, 8)).shape == (1, 8, 8)


def test_an_image_that_cannot_be_decoded_is_named(pets: Path) -> None:
    (pets / "dog" / "3.png").write_bytes(b"no image")
    with pytest.raises(BadInput, match=r"pets/dog/3\.png cannot be decoded as an image: "):
        load(pets)
    cut = paint(pets / "dog" / "3.png").read_bytes()[:80]
    (pets / "dog" / "3.png").write_bytes(cut)
    with pytest.raises(BadInput, match=r"pets/dog/3\.png cannot be decoded as an image: "):
        load(pets)


def test_a_class_with_one_image_is_named(tmp_path: Path) -> None:
    for name, count in (("a", 3), ("b", 1)):
        for i in range(count):
            paint(tmp_path / name / f"{i}.png")
    with pytest.raises(BadInput, match=r" has one image only in 'b', so there is none to learn "):
        find_images(tmp_path)


def test_a_folder_of_parts_is_not_taken_for_classes(pets: Path, tmp_path: Path) -> None:
    pets.rename(tmp_path / "train")
    paint(tmp_path / "Test" / "cat" / "a.png")
    message = r" holds parts of data, 'Test', 'train', not classes\. Give the one to "
    with pytest.raises(BadInput, match=message):
        find_images(tmp_path)


def test_a_folder_without_class_folders_is_told(tmp_path: Path) -> None:
    paint(tmp_path / "a.png")
    message = r" must hold a folder of images for each class, two or more; there is none\."
    with pytest.raises(BadInput, match=message):
        find_images(tmp_path)


def test_without_pillow_the_extra_is_named(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(BadInput, match=r"needs? Pillow.*pip install 'optuna-nas\[images\]'\.$"):
        load(pets)
