"""``read_images``: image files as one array, uint8, all of one size."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from optuna_nas._cli._errors import BadInput


SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
MOST = 64
"""Images of one size stay as they are, up to so many pixels a side."""

SIDE = 32
"""What other images are resized to."""

PARTS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})


def find_images(folder: Path) -> tuple[list[Path], list[str]]:
    """The images of a folder with a folder for each class, and their classes.

    Args:
        folder:
            Where. Files that are no images, and what begins with a dot, are left alone.

    Raises:
        BadInput:
            If there are no two classes with two images each, or they are parts of data.
    """
    classes = {
        inner.name: images_in(inner)
        for inner in sorted(folder.iterdir())
        if inner.is_dir() and not inner.name.startswith(".")
    }
    classes = {name: found for name, found in classes.items() if found}
    if len(classes) < 2:
        found = ", ".join(map(repr, classes)) or "none"
        raise BadInput(
            f"{folder} must hold a folder of images for each class, two or more; there is "
            f"{found}. Images end in {', '.join(SUFFIXES[:3])}, ..."
        )
    if PARTS.issuperset(map(str.lower, classes)):
        raise BadInput(
            f"{folder} holds parts of data, {', '.join(map(repr, classes))}, not classes. Give "
            "the one to train on as DATA, and the one to test on as --test."
        )
    single = [name for name, found in classes.items() if len(found) == 1]
    if single:
        raise BadInput(
            f"{folder} has one image only in {', '.join(map(repr, single))}, so there is none to "
            "learn from and another to be tested on. Add some, or take the folder out."
        )
    paths = [path for found in classes.values() for path in found]
    return paths, [name for name, found in classes.items() for _ in found]


def images_in(folder: Path) -> list[Path]:
    """The images in a folder and the folders in it, sorted.

    Args:
        folder:
            Where.
    """
    files = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(path for path in files if path.is_file() and not path.name.startswith("."))


def read_images(
    paths: Sequence[Path], size: tuple[int, int] | None = None, channels: int | None = None
) -> Any:
    """Decodes images: grey ones if all of them are, else in colour.

    Images of one size up to 64 x 64 pixels stay as they are. Others become 32 x 32, squeezed
    rather than cut.

    Args:
        paths:
            Which; at least one.
        size:
            Height and width, instead of that rule.
        channels:
            1 or 3, instead of that rule.

    Returns:
        uint8, ``[n, height, width]`` or ``[n, height, width, 3]``.

    Raises:
        BadInput:
            If Pillow is not there, or an image cannot be decoded.
    """
    if size is None or channels is None:
        modes, sizes = zip(*(_headers(path) for path in paths), strict=True)
        channels = channels or (1 if set(modes) <= {"1", "L"} else 3)
        size = size or _one_size(set(sizes))
    return np.stack([_decode(path, size, "L" if channels == 1 else "RGB") for path in paths])


def _one_size(sizes: set[tuple[int, int]]) -> tuple[int, int]:
    size = next(iter(sizes))
    return size if len(sizes) == 1 and max(size) <= MOST else (SIDE, SIDE)


def _headers(path: Path) -> tuple[str, tuple[int, int]]:
    """An image's mode, and its height and width."""
    with _opened(path) as image:
        return image.mode, (image.height, image.width)


def _decode(path: Path, size: tuple[int, int], mode: str) -> Any:
    with _opened(path) as image:
        converted = image.convert(mode)
    if (converted.height, converted.width) != size:
        height, width = size
        converted = converted.resize((width, height), resample=2)  # bilinear
    return np.asarray(converted, np.uint8)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        from PIL import Image
    except ImportError:
        raise BadInput(
            f"{path}: images need Pillow, which is not installed: pip install "
            "'optuna-nas[images]'."
        ) from None
    try:
        with Image.open(path) as image:
            yield image
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(f"{path} cannot be decoded as an image: {error}.") from None
