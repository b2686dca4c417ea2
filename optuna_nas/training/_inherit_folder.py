"""A folder as an artifact store, in which a file is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
import shutil
from typing import BinaryIO
from typing import Protocol

from optuna.artifacts.exceptions import ArtifactNotFound


class Store(Protocol):
    """What Optuna calls an artifact store."""

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Opens an artifact; raises ``ArtifactNotFound`` without one."""

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Stores an artifact."""

    def remove(self, artifact_id: str) -> None:
        """Removes an artifact; raises ``ArtifactNotFound`` without one."""


class Folder:
    """An artifact store in a folder. Optuna's ``FileSystemArtifactStore`` reads it too.

    Args:
        path:
            The folder, which is made when something is written.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Opens an artifact.

        Args:
            artifact_id:
                Which.

        Raises:
            ArtifactNotFound:
                If it is not there.
        """
        try:
            return (self._path / artifact_id).open("rb")
        except FileNotFoundError:
            raise ArtifactNotFound("not found") from None

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Stores an artifact. Until all of it is written, it has another name.

        Args:
            artifact_id:
                Its name.
            content_body:
                What is in it.
        """
        self._path.mkdir(parents=True, exist_ok=True)
        part = self._part(artifact_id)
        with part.open("wb") as file:
            shutil.copyfileobj(content_body, file)
        os.replace(part, self._path / artifact_id)

    def remove(self, artifact_id: str) -> None:
        """Removes an artifact, and what a worker that died has left of it.

        Args:
            artifact_id:
                Which.

        Raises:
            ArtifactNotFound:
                If it is not there.
        """
        self._part(artifact_id).unlink(missing_ok=True)
        try:
            (self._path / artifact_id).unlink()
        except FileNotFoundError:
            raise ArtifactNotFound("not found") from None

    def _part(self, artifact_id: str) -> Path:
        return self._path / f"{artifact_id}.part"
