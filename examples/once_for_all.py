"""Once for all: one training, then networks of several sizes, cut without training them again.

As a control, the smallest and the largest are trained alone for as many epochs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
import torch

from optuna_nas import build
from optuna_nas import spaces
from optuna_nas.oneshot import OnceForAll
from optuna_nas.oneshot import train_once_for_all
from optuna_nas.training import fit
from optuna_nas.training import score


STAGES = ((8, 1), (16, 2))
EPOCHS = (4, 2, 2, 4)
NETWORK = spaces.MobileNet(
    num_classes=10,
    in_channels=1,
    stages=STAGES,
    max_depth=2,
    widths=(1.0, 2.0),
    kernels=(3, 5),
    expansions=(2, 4),
    se_ratios=(0.0,),
    stem_channels=8,
    head_channels=32,
)


def architecture(width: float, depth: int, expansion: int, kernel: int) -> dict[str, Any]:
    """All stages and blocks alike."""
    params: dict[str, Any] = {"width": width}
    for i in range(len(STAGES)):
        params |= {f"stage{i}/depth": depth, f"stage{i}/se": "se0"}
        for j in range(depth):
            params[f"stage{i}/block{j}/expansion"] = f"e{expansion}"
            params[f"stage{i}/block{j}/kernel"] = f"k{kernel}"
    return params


SMALL, LARGE = architecture(1.0, 1, 2, 3), architecture(2.0, 2, 4, 5)
BETWEEN = (architecture(1.0, 2, 4, 3), architecture(2.0, 1, 2, 5), architecture(2.0, 2, 2, 3))


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, y = load_digits(return_X_y=True)
    x = (x / 16).reshape(-1, 1, 8, 8).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0, stratify=y)
    train, test = (x_train, y_train), (x_test, y_test)

    supernet = OnceForAll(NETWORK)
    for epoch in train_once_for_all(supernet, train, epochs=EPOCHS, seed=0):
        print(f"epoch {epoch.epoch} of {epoch.epochs}: loss {epoch.train_loss:.3f}")

    for params in (SMALL, *BETWEEN, LARGE):
        module = supernet.derive(params, recalibrate=[torch.as_tensor(x_train)])
        parameters = sum(p.numel() for p in module.parameters())
        print(f"{parameters:6} parameters, cut: accuracy {score(module, test):.3f}")
    for params in (SMALL, LARGE):
        alone = build(NETWORK, params)
        fit(alone, train, epochs=sum(EPOCHS), seed=0)
        parameters = sum(p.numel() for p in alone.parameters())
        print(f"{parameters:6} parameters, trained alone: accuracy {score(alone, test):.3f}")


if __name__ == "__main__":
    main()
