"""One-shot search: a supernet is trained once, then a study of forward passes searches it.

At the end, the best are trained on their own, and so is a random sample, which shows how far
one-shot scores can be trusted.
"""

from __future__ import annotations

import optuna
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
import torch
from torch import nn
from torch import Tensor

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import Supernet
from optuna_nas import Train
from optuna_nas.oneshot import OneShot
from optuna_nas.oneshot import rank_correlation
from optuna_nas.oneshot import train_supernet
from optuna_nas.space import Trial
from optuna_nas.study import retrain


CHANNELS = 8


def conv(size: int, groups: int = 1) -> nn.Module:
    convolution = nn.Conv2d(CHANNELS, CHANNELS, size, padding=size // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(CHANNELS), nn.ReLU())


OPERATIONS = {
    "conv3": lambda: conv(3),
    "conv1": lambda: conv(1),
    "depthwise3": lambda: conv(3, groups=CHANNELS),
    "average3": lambda: nn.AvgPool2d(3, stride=1, padding=1),
    "none": nn.Identity,
}


class Net(nn.Module):
    """Four layers, each one of five operations: 625 architectures."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, CHANNELS, 1)
        layers = [trial.suggest_module(f"layer{i}", OPERATIONS) for i in range(4)]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(CHANNELS, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(self.stem(x)).mean((2, 3)))


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, y = load_digits(return_X_y=True)
    x = (x / 16).reshape(-1, 1, 8, 8)
    x_train, x_valid, y_train, y_valid = train_test_split(x, y, random_state=0, stratify=y)
    train, valid = (x_train, y_train), (x_valid, y_valid)

    supernet = Supernet(Net)
    for epoch in train_supernet(supernet, train, epochs=30, paths="fair", seed=0):
        if epoch.epoch % 10 == 0:
            print(f"epoch {epoch.epoch} of {epoch.epochs}: loss {epoch.train_loss:.3f}")

    batch = torch.as_tensor(x_train[:512], dtype=torch.float32)
    one_shot = Objective(Net, OneShot(supernet, valid, recalibrate=[batch]))
    study = create_study(direction="maximize", seed=0)
    study.optimize(one_shot, n_trials=100)
    print(f"{len(study.trials)} paths scored; the best has {study.best_value:.3f}")

    alone = Train(train, valid, epochs=10, seed=0)
    for trial, score in retrain(study, Net, alone, k=3):
        print(f"  trial {trial.number}: one-shot {trial.value:.3f}, on its own {score:.3f}")

    sample = create_study(sampler="random", direction="maximize", seed=1)
    sample.optimize(one_shot, n_trials=16)
    pairs = [(trial.value, score) for trial, score in retrain(sample, Net, alone, k=16)]
    one_shot_scores, stand_alone_scores = zip(*pairs, strict=True)
    print(rank_correlation(one_shot_scores, stand_alone_scores))


if __name__ == "__main__":
    main()
