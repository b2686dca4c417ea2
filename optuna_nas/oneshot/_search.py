"""``Search``: the state of a gradient-based search, and one epoch of it.

Alg. 1 of DARTS (Liu et al. 2019)::

    for each training batch:
        update the gates by the gradient of the validation loss on a validation batch
        update the weights by the gradient of the training loss

All randomness of an epoch is a function of (seed, epoch), so that no RNG need be saved.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from contextlib import ExitStack
import copy
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from optuna_nas.oneshot._collapse import dominant_eigenvalue
from optuna_nas.oneshot._collapse import gate_entropy
from optuna_nas.oneshot._collapse import parameter_free_share
from optuna_nas.oneshot._collapse import Watch
from optuna_nas.oneshot._divergence import check_loss
from optuna_nas.oneshot._divergence import naming_the_epoch
from optuna_nas.oneshot._gate_gradients import second_order
from optuna_nas.oneshot._gate_gradients import step
from optuna_nas.oneshot._noise import seeded
from optuna_nas.oneshot._noise import skip_dropout_of
from optuna_nas.oneshot._relaxations import GateLoss
from optuna_nas.oneshot._search_epoch import SearchEpoch
from optuna_nas.oneshot._supernet import Supernet
from optuna_nas.training import generator_for
from optuna_nas.training._data import Batch
from optuna_nas.training._data import Rows
from optuna_nas.training._losses import check_outputs
from optuna_nas.training._losses import default_loss
from optuna_nas.training._schedules import Schedule
from optuna_nas.training._scores import Metric
from optuna_nas.training._scores import named_score
from optuna_nas.training._scores import predict


STATE = ("epoch", "seed", "supernet", "weights", "gates", "eigenvalues", "logits")


@dataclass
class Search:
    """A search between two epochs. The arguments are those of :func:`darts`, checked."""

    supernet: Supernet
    train: Rows
    valid: Rows
    epochs: int
    order: int
    relaxation: Callable[..., Tensor]
    temperature: Schedule | None
    gate_loss: GateLoss | None
    warmup: int
    skip_dropout: Schedule | None
    exclude: tuple[str, ...]
    weight_optimizer: torch.optim.Optimizer
    gate_optimizer: torch.optim.Optimizer
    schedule: Schedule
    clip_norm: float | None
    batch_size: int
    metric: Metric
    watch: Watch
    device: torch.device
    seed: int
    number: int = 0
    eigenvalues: list[float] = field(default_factory=list)
    logits: list[list[Tensor]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rates = [group["lr"] for group in self.weight_optimizer.param_groups]
        self.gates = self.supernet.architecture_parameters()
        self.weights = [w for g in self.weight_optimizer.param_groups for w in g["params"]]
        self.hidden: dict[str, Tensor] = {}

    def run(self) -> Iterator[SearchEpoch]:
        """Yields after each epoch that is left."""
        while self.number < self.epochs:
            self._show()
            self.number += 1
            with (
                naming_the_epoch(self.supernet, self.number, self.epochs),
                self._prepared() as noise,
            ):
                epoch = self._epoch(noise)
            yield epoch
            if epoch.stopped:
                return

    def state_dict(self) -> dict[str, Any]:
        """Returns a copy of what changes from epoch to epoch."""
        self._show()
        state = {
            "epoch": self.number,
            "seed": self.seed,
            "supernet": self.supernet.state_dict(),
            "weights": self.weight_optimizer.state_dict(),
            "gates": self.gate_optimizer.state_dict(),
            "eigenvalues": self.eigenvalues,
            "logits": self.logits,
        }
        state = copy.deepcopy(state)
        self._hide()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from where a state was taken.

        Args:
            state:
                From :meth:`state_dict`.
        """
        missing = [key for key in STATE if key not in state]
        if missing:
            raise ValueError(
                f"state lacks {', '.join(map(repr, missing))}: it must come from state_dict() of "
                "an epoch that darts yielded."
            )
        if state["epoch"] >= self.epochs:
            raise ValueError(
                f"state is of epoch {state['epoch']}, so epochs must be more than that to go on, "
                f"but is {self.epochs}."
            )
        self.supernet.load_state_dict(state["supernet"])
        state = copy.deepcopy({key: state[key] for key in STATE if key != "supernet"})
        self.weight_optimizer.load_state_dict(state["weights"])
        self.gate_optimizer.load_state_dict(state["gates"])
        self.number, self.seed = state["epoch"], state["seed"]
        self.eigenvalues, self.logits = state["eigenvalues"], state["logits"]

    def _epoch(self, noise: torch.Generator) -> SearchEpoch:
        train_loss = self._train(noise)
        valid_loss, valid_score = self._validate()
        eigenvalue = self._eigenvalue() if self.watch.eigenvalue else None
        stop = self._stop_early(eigenvalue)
        entropy = gate_entropy(self.supernet)
        gates = {name: gate.shares() for name, gate in self.supernet.decisions.items()}
        self._hide()
        params = self.supernet.params()
        share = parameter_free_share(self.supernet, params)
        return SearchEpoch(
            epoch=self.number,
            epochs=self.epochs,
            params=params,
            train_loss=train_loss,
            valid_loss=valid_loss,
            valid_score=valid_score,
            gates=gates,
            entropy=entropy,
            parameter_free=share,
            eigenvalue=eigenvalue,
            collapsed=stop or self.watch.simpler(share),
            stopped=stop is not None,
            _search=self,
        )

    def _train(self, noise: torch.Generator) -> float:
        """One pass over the training data. Returns the mean loss."""
        self.supernet.train()
        valid = self._valid_batches(noise)
        total, steps = 0.0, 0
        for batch in self.train.batches(self.batch_size, noise):
            if self.number > self.warmup:
                self._gate_step(batch, next(valid))
            total, steps = total + self._weight_step(batch), steps + 1
        if not steps:
            raise ValueError("train gave no batches: drop_last with fewer rows than a batch?")
        return total / steps

    def _gate_step(self, train: Batch, valid: Batch) -> None:
        valid_loss = partial(self._loss, valid, "validation", with_gates=True)
        if self.order == 1:
            slopes = torch.autograd.grad(valid_loss(), self.gates, allow_unused=True)
        else:
            seed = int(torch.randint(2**62, ()))  # the same noise, else differences are of that
            slopes = second_order(
                partial(self._loss, train, "training", seed=seed),
                valid_loss,
                self.gates,
                self.weight_optimizer,
                self.supernet,
            )
        step(self.gate_optimizer, self.gates, slopes)

    def _weight_step(self, batch: Batch) -> float:
        loss = self._loss(batch, "training")
        slopes = torch.autograd.grad(loss, self.weights, allow_unused=True)
        step(self.weight_optimizer, self.weights, slopes, self.clip_norm)
        return float(loss.detach())

    def _loss(
        self, batch: Batch, what: str, *, with_gates: bool = False, seed: int | None = None
    ) -> Tensor:
        with ExitStack() as stack:
            if seed is not None:
                stack.enter_context(seeded(seed, self.device))
            outputs = self.supernet(batch.inputs)
        check_outputs(outputs, *batch[1:])
        loss = default_loss(outputs, batch.targets)
        if with_gates and self.gate_loss is not None:
            loss = loss + self.gate_loss(self.supernet.decisions.values())
        check_loss(loss, what)
        return loss

    def _valid_batches(self, noise: torch.Generator) -> Iterator[Batch]:
        while True:
            batch = None
            for batch in self.valid.batches(self.batch_size, noise):
                yield batch
            if batch is None:
                raise ValueError("valid gave no batches, but the gates are trained on them.")

    def _validate(self) -> tuple[float, float]:
        named = not callable(self.metric)
        outputs, targets = predict(self.supernet, self.valid, self.batch_size, check=named)
        loss = default_loss(outputs, targets)
        check_loss(loss, "validation")
        if callable(self.metric):
            return float(loss), float(self.metric(outputs, targets))
        score = named_score(self.metric, targets.is_floating_point()).function
        return float(loss), float(score(outputs, targets))

    def _eigenvalue(self) -> float:
        """On the first validation batch, in eval mode, so that epochs can be compared."""
        batch = next(iter(self.valid.batches(self.batch_size)))
        return dominant_eigenvalue(self._loss(batch, "validation"), self.gates)

    def _stop_early(self, eigenvalue: float | None) -> str | None:
        """Says why to stop, with the gates set back to a window ago; or None."""
        if eigenvalue is None:
            return None
        self.eigenvalues.append(eigenvalue)
        self.logits.append([gate.detach().clone() for gate in self.gates])
        reason = self.watch.sharper(self.eigenvalues)
        if reason is None:
            return None
        epochs_ago = self.watch.window
        with torch.no_grad():
            for gate, before in zip(self.gates, self.logits[-1 - epochs_ago], strict=True):
                gate.copy_(before)
        return f"{reason}; the gates are those of epoch {self.number - epochs_ago}"

    @contextmanager
    def _prepared(self) -> Iterator[torch.Generator]:
        """Sets what holds for one epoch, and afterwards what held before."""
        progress = (self.number - 1) / self.epochs
        for group, rate in zip(self.weight_optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * self.schedule(progress)
        relaxation = self.relaxation
        if self.temperature is not None:
            relaxation = partial(self.relaxation, temperature=self.temperature(progress))
        before = self.supernet.relaxation
        noise = generator_for(self.seed, self.number)
        self.supernet.activate(None)
        with ExitStack() as stack:
            stack.enter_context(
                seeded(int(torch.randint(2**62, (), generator=noise)), self.device)
            )
            if self.skip_dropout is not None:
                stack.enter_context(skip_dropout_of(self.supernet, self.skip_dropout(progress)))
            self.supernet.relaxation = relaxation
            try:
                yield noise
            finally:
                self.supernet.relaxation = before

    def _hide(self) -> None:
        """Drops what is never derived, which the mixture needs all the same."""
        for name, gate in self.supernet.decisions.items():
            before = gate.kept.clone()
            gate.drop([label for label in self.exclude if label in gate.labels])
            self.hidden[name] = before & ~gate.kept

    def _show(self) -> None:
        for name, gate in self.supernet.decisions.items():
            if name in self.hidden:
                gate.kept |= self.hidden.pop(name)
