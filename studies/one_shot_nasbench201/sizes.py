"""How large a search is: that of a GPU, and two for a CPU."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """The supernet, the images, and how long each method takes.

    Args:
        cells:
            Of a stage; 5 in the table.
        channels:
            Of the first stage; 16 in the table.
        side:
            Of an image, in pixels.
        train:
            Images for weights.
        valid:
            Images for gates and scores, others than those.
        batch:
            Of both.
        gradient_epochs:
            Of the searches by gradient that run all operations.
        sampled_epochs:
            Of GDAS, whose steps run one operation an edge.
        path_epochs:
            Of a single-path supernet.
        evaluations:
            Paths that the evolution on it scores.
        finalists:
            How many of the best of these are trained alone.
        final_epochs:
            For how long.
    """

    cells: int
    channels: int
    side: int
    train: int
    valid: int
    batch: int
    gradient_epochs: int
    sampled_epochs: int
    path_epochs: int
    evaluations: int
    finalists: int
    final_epochs: int


SIZES = {
    "gpu": Size(
        cells=2,
        channels=16,
        side=32,
        train=25_000,
        valid=10_000,
        batch=128,
        gradient_epochs=25,
        sampled_epochs=50,
        path_epochs=50,
        evaluations=500,
        finalists=8,
        final_epochs=8,
    ),
    "small": Size(
        cells=1,
        channels=8,
        side=16,
        train=2_500,
        valid=2_500,
        batch=64,
        gradient_epochs=15,
        sampled_epochs=60,
        path_epochs=60,
        evaluations=100,
        finalists=5,
        final_epochs=10,
    ),
    "tiny": Size(
        cells=1,
        channels=4,
        side=16,
        train=1_000,
        valid=1_000,
        batch=64,
        gradient_epochs=2,
        sampled_epochs=4,
        path_epochs=4,
        evaluations=20,
        finalists=2,
        final_epochs=2,
    ),
}
