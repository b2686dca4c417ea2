"""``new_folder``: a folder that is there complete, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path
import shutil
from typing import Any
from uuid import uuid4


FORMAT = "optuna_nas model"
VERSION = 1

MODEL = "model.json"
WEIGHTS = "weights.safetensors"
PROGRAM = "program.pt2"
ONNX = "model.onnx"
PREDICT = "predict.py"
README = "README.md"
FILES = (MODEL, WEIGHTS, PROGRAM, ONNX, PREDICT, README)


def check_path(path: Path, overwrite: bool) -> None:
    """Checks that an export may go to a path.

    Args:
        path:
            Where to.
        overwrite:
            Whether it may replace a former one.

    Raises:
        FileNotFoundError:
            If the folder around it does not exist.
        FileExistsError:
            If something is there that may not be replaced.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"path is {str(path)!r}, but there is no folder {str(path.parent)!r}. Make it first."
        )
    if not path.exists() and not path.is_symlink():
        return
    if path.is_symlink() or not path.is_dir():
        raise FileExistsError(f"path is {str(path)!r}, which exists and is no folder.")
    names = sorted(entry.name for entry in path.iterdir())
    foreign = [name for name in names if name not in (*FILES, "__pycache__")]
    if names and (foreign or not _is_ours(path)):
        raise FileExistsError(
            f"path is {str(path)!r}, which holds something else than an export "
            f"({', '.join((foreign or names)[:3])}). Take another path."
        )
    if names and not overwrite:
        raise FileExistsError(
            f"path is {str(path)!r}, where there is an export already. Take another path, or "
            "overwrite=True."
        )


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside a path, which in the end takes its place.

    Whatever is raised meanwhile, nothing of it is left, and what was there before is there still.

    Args:
        path:
            Where the folder is to be; what is there is replaced.

    Raises:
        OSError:
            If it cannot be written there.
    """
    draft = _beside(path)
    try:
        draft.mkdir()
        yield draft
        _replace(path, draft)
    except OSError as error:
        raise OSError(
            error.errno, f"nothing could be exported to {str(path)!r}: {error.strerror or error}"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _replace(path: Path, draft: Path) -> None:
    if not path.exists():
        draft.rename(path)
        return
    former = _beside(path)
    path.rename(former)
    try:
        draft.rename(path)
    except BaseException:
        former.rename(path)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.parent / f".{path.name}-{uuid4().hex[:8]}"


def _is_ours(path: Path) -> bool:
    try:
        found: Any = json.loads((path / MODEL).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("format") == FORMAT
