"""A GAN's generator and discriminator in one trial: neither is good but against the other.

Their losses say nothing of what is generated, so a trial's score is the distance from generated to
held-out rows. The control leaves the two networks as they were made by hand, and searches only how
to train them, in as many trials with the same pruner. What the best trial of each generates is
judged by rows that no search saw.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
from scipy.stats import ttest_rel
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas.space import Network
from optuna_nas.space import Trial


SEEDS, TRIALS, STEPS, EVERY = 3, 10, 400, 50
NOISE, BATCH = 4, 64
ACTIVATIONS = {"relu": nn.ReLU, "leaky": nn.LeakyReLU, "tanh": nn.Tanh}
BY_HAND = {
    f"{part}/{name}": value
    for part in ("generator", "discriminator")
    for name, value in (("width", 64), ("depth", 2), ("activation", "leaky"))
}


def mlp(trial: Trial, inputs: int, outputs: int) -> nn.Sequential:
    width = trial.suggest_categorical("width", [16, 32, 64])
    depth = trial.suggest_int("depth", 1, 3)
    activation = ACTIVATIONS[trial.suggest_categorical("activation", list(ACTIVATIONS))]
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Linear(width if i else inputs, width), activation()]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


class GAN(nn.Module):
    """Two networks in one module. Each asks under its own name; ``forward`` is the generator's."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self.generator = mlp(trial.scope("generator"), NOISE, 2)
        self.discriminator = mlp(trial.scope("discriminator"), 2, 1)

    def forward(self, noise: Tensor) -> Tensor:
        return self.generator(noise)


def by_hand(trial: Trial) -> nn.Module:
    return build(GAN, BY_HAND)  # asks nothing


def judge_loss(kind: str, real: Tensor, fake: Tensor) -> Tensor:
    if kind == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def maker_loss(kind: str, fake: Tensor) -> Tensor:
    return -fake.mean() if kind == "hinge" else F.softplus(-fake).mean()


def ring(rows: int, generator: torch.Generator) -> Tensor:
    """Eight small clouds on a circle."""
    angles = torch.randint(8, (rows,), generator=generator) * (torch.pi / 4)
    centres = torch.stack([angles.cos(), angles.sin()], 1)
    return 2 * centres + 0.1 * torch.randn(rows, 2, generator=generator)


def distance(rows: Tensor, others: Tensor) -> float:
    """Sliced Wasserstein (Bonneel et al. 2015): how far sorted rows are apart on a line, the mean
    over 32 lines."""
    angles = torch.arange(32) * (torch.pi / 32)
    lines = torch.stack([angles.cos(), angles.sin()])
    apart = (rows @ lines).sort(0).values - (others @ lines).sort(0).values
    return apart.abs().mean().item()


class Adversarial:
    """The evaluator: trains both, and scores the generator."""

    direction = "minimize"

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.train, self.valid, self.test = (ring(1000, generator) for _ in range(3))
        self.noise = torch.randn(1000, NOISE, generator=generator)

    def __call__(self, module: GAN, trial: Any) -> float:
        kind = trial.suggest_categorical("loss", ["non-saturating", "hinge"])
        makers, judges = (adam(trial, module, part) for part in ("generator", "discriminator"))
        for step in range(1, STEPS + 1):
            real = self.train[torch.randint(len(self.train), (BATCH,))]
            fake = module(torch.randn(BATCH, NOISE))
            judged = module.discriminator(torch.cat([real, fake.detach()]))
            descend(judges, judge_loss(kind, *judged.chunk(2)))
            descend(makers, maker_loss(kind, module.discriminator(fake)))
            if step % EVERY == 0:
                value = self.score(module, self.valid)
                trial.report(value, step // EVERY)
                if trial.should_prune():
                    raise optuna.TrialPruned
        trial.set_user_attr("test", self.score(module, self.test))
        return value

    def score(self, module: GAN, rows: Tensor) -> float:
        with torch.no_grad():
            return distance(module(self.noise), rows)


def adam(trial: Any, module: GAN, part: str) -> torch.optim.Optimizer:
    lr = trial.scope(part).suggest_float("lr", 3e-4, 3e-2, log=True)
    weights = getattr(module, part).parameters()
    return torch.optim.Adam(weights, lr=lr, betas=(0.5, 0.9), fused=True)


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def search(network: Network, seed: int) -> optuna.trial.FrozenTrial:
    study = create_study(direction="minimize", seed=seed)
    evaluator = Adversarial(seed)
    study.optimize(Objective(network, evaluator, example=evaluator.noise), n_trials=TRIALS)
    return study.best_trial


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)  # small networks are quickest on one
    print(f"Distance of generated to unseen rows, best of {TRIALS} trials each:")
    joint, alone = [], []
    for seed in range(SEEDS):
        best = search(GAN, seed)
        joint.append(best.user_attrs["test"])
        alone.append(search(by_hand, seed).user_attrs["test"])
        rows = Adversarial(seed)
        print(
            f"  all searched {joint[-1]:.3f}, networks by hand {alone[-1]:.3f}, "
            f"training rows {distance(rows.train, rows.test):.3f}"
        )
        for part in ("generator", "discriminator"):
            width, depth, activation, lr = (
                best.params[f"{part}/{name}"] for name in ("width", "depth", "activation", "lr")
            )
            print(f"    {part}: {depth} x {width} {activation}, lr {lr:.4f}")
    low, high = ttest_rel(joint, alone).confidence_interval()
    told = "within noise" if low <= 0 <= high else "more than noise"
    gain = np.mean(joint) - np.mean(alone)
    print(f"difference {gain:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}: {told}")


if __name__ == "__main__":
    main()
