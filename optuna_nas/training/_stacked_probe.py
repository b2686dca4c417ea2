"""``objection``: whether a group is better trained one by one, found by training a few steps.

No rule says for every network and machine when a stack is faster: on a CPU it is for small
products, where the step's overhead is most of its time, and hardly ever for convolutions. So a
copy of the group makes a few steps both ways, in turns.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
import re
from time import perf_counter
from time import thread_time
from typing import Any
import warnings

import torch
from torch import Tensor

from optuna_nas.training._data import Batch
from optuna_nas.training._schedules import constant
from optuna_nas.training._seeds import restored
from optuna_nas.training._stacked_loop import loss_of
from optuna_nas.training._stacked_loop import Member
from optuna_nas.training._stacked_loop import StackedLoop
from optuna_nas.training._stacked_padding import cut
from optuna_nas.training._stacked_train import resident
from optuna_nas.training._train import Train


TURNS = 2
FASTER = 0.85
"""The share of the time one by one that a stack may take: what the few steps do not see."""

FEWEST = 4
"""Members: with fewer, a step's overhead is larger than what is saved, on every network tried."""

STEPS = 100
"""Of a training, at least: looking takes three as one, and eight of a single member."""


def objection(members: Sequence[Member], train: Train, *, measure: bool) -> str | None:
    """Why a group is to be trained one by one; None if it is not.

    Args:
        members:
            A group.
        train:
            What is to train it.
        measure:
            Whether it must be faster as one.
    """
    rows, epochs = resident(train), train.epochs
    if rows is None or epochs is None:
        return "rows are not in memory"
    size = members[0].recipe.batch_size
    if len(members) < (FEWEST if measure else 2):
        return "too few of one structure"
    if measure and epochs * rows[0].steps(size) < STEPS:
        return "too short a training"
    try:
        with restored(), warnings.catch_warnings():
            warnings.filterwarnings("error", message="There is a performance drop")
            copies = _unspoiled(members)
            loop = StackedLoop(copies, *rows, epochs=epochs, metric=train.metric)
            if not _agrees(loop, members, rows[1].inputs[:2]):
                return "outputs differ when computed as one"
            loop.stack.train(True)
            batch = next(loop.batches())
            loop.step(batch, 0.5)
            if not _is_padded_with_zeros(loop, members):
                return "padding does not stay zero"
            return _slower(loop, batch, copies) if measure else None
    except UserWarning as warning:
        return f"torch.vmap has no fast rule for {_operation(warning)}"
    except Exception as error:
        # If it is the network's own, it comes again when that is trained alone.
        first_line = next(iter(str(error).strip().splitlines()), "")
        return f"cannot be computed as one ({type(error).__name__}: {first_line})"


def _unspoiled(members: Sequence[Member]) -> list[Member]:
    """The members without what would remember a step: generators, and state of their recipes."""
    copied: dict[int, Any] = {}  # what several hold, as a loss with a teacher's network, once
    return [
        replace(
            member,
            recipe=replace(
                member.recipe,
                schedule=constant,
                augment=_copied(member.recipe.augment, copied),
                loss=_copied(member.recipe.loss, copied),
            ),
            generator=torch.Generator().manual_seed(0),
        )
        for member in members
    ]


def _copied(part: Any, copied: dict[int, Any]) -> Any:
    """A copy, or the thing itself where it cannot be copied: a lock, an open file."""
    try:
        return deepcopy(part, copied)
    except (TypeError, ValueError, RuntimeError, NotImplementedError):
        return part


def _slower(loop: StackedLoop, batch: Batch, members: Sequence[Member]) -> str | None:
    """Whether steps as one take longer than those of the first and the last, for all of them."""
    first, last = (_alone(members[i], batch, i) for i in (0, len(members) - 1))
    took: list[list[float]] = [[], [], []]
    for _ in range(TURNS):
        took[0].append(_seconds(lambda: loop.step(batch, 0.5), batch.inputs))
        for times, step in ((took[1], first), (took[2], last)):
            step()  # a small network's next steps find its weights near
            times.append(_seconds(step, batch.inputs))
    as_one, *ends = map(min, took)
    return None if as_one <= FASTER * len(members) * sum(ends) / 2 else "slower as one"


def _alone(member: Member, batch: Batch, i: int) -> Callable[[], object]:
    """A step of training of a copy of one member."""
    # Copied as one, the optimizer's copy holds the weights of the module's.
    module, optimizer = deepcopy((member.module, member.recipe.optimizer))
    module.train()
    loss, inputs, targets = loss_of(member.recipe, batch.bounds), batch.inputs[i], batch.targets[i]

    def step() -> None:
        optimizer.zero_grad()
        loss(module, inputs, targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def _seconds(step: Callable[[], object], where: Tensor) -> float:
    """On a CPU those of this thread, so that what else the machine does decides nothing."""
    clock = perf_counter if where.is_cuda else thread_time
    started = clock()
    step()
    if where.is_cuda:
        torch.cuda.synchronize(where.device)
    return clock() - started


def _is_padded_with_zeros(loop: StackedLoop, members: Sequence[Member]) -> bool:
    """Whether a step has left padding as it was, as it does where zero units give zero."""
    return all(
        held[i].count_nonzero() == cut(held[i], own).count_nonzero()
        for i, member in enumerate(members)
        for name, own in member.module.named_parameters()
        for held in [loop.stack.parameters[name]]
    )


def _operation(warning: UserWarning) -> str:
    found = re.search(r"aten::\w+", str(warning))
    return found[0] if found else str(warning)


def _agrees(loop: StackedLoop, members: Sequence[Member], inputs: Tensor) -> bool:
    """Whether each member's outputs are those of its module."""
    with torch.no_grad():
        for own, member in zip(loop.outputs(inputs), members, strict=True):
            modes = {part: part.training for part in member.module.modules()}
            alone = member.module.eval()(inputs)
            for part, training in modes.items():
                part.training = training
            if own.shape != alone.shape or not torch.allclose(own, alone, rtol=1e-3, atol=1e-4):
                return False
    return True
