"""``trace``: what a network computes, seen while it runs.

Modules are seen by hooks and the functions between them by torch, so that loops, branches and
any Python in a ``forward`` are no matter. It runs on the meta device, where there is nothing to
compute and recurrent layers and attention show their FLOPs; or on the CPU, if it must.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import torch
from torch import nn
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from torch.utils.flop_counter import FlopCounterMode

from optuna_nas.metrics._example import inputs_for
from optuna_nas.metrics._without_weights import without_weights
from optuna_nas.visualization._functions import CONSTANTS
from optuna_nas.visualization._functions import RESHAPES
from optuna_nas.visualization._functions import words_of_function
from optuna_nas.visualization._graph import Call
from optuna_nas.visualization._graph import Computation
from optuna_nas.visualization._graph import Operation
from optuna_nas.visualization._graph import Value
from optuna_nas.visualization._words import is_one_box
from optuna_nas.visualization._words import NOTHING
from optuna_nas.visualization._words import Words
from optuna_nas.visualization._words import words_of


class CannotRun(ValueError):
    """The network raised something on its example."""


def trace(
    module: nn.Module,
    batch: Sequence[Tensor],
    *,
    training: bool,
    whole: tuple[type[nn.Module], ...],
) -> Computation:
    """Runs a copy of a network once, and notes each step.

    Args:
        module:
            The network, on any device; it stays as it was.
        batch:
            Its inputs, on the CPU.
        training:
            Whether it runs as in training.
        whole:
            Classes of modules that are one step, whatever they call.

    Raises:
        CannotRun:
            If it cannot; with the shapes of the inputs and what it raised.
    """
    inputs = inputs_for(module, tuple(batch))
    try:
        with torch.device("meta"):
            copy = without_weights(module)
            return _run(copy, [x.to("meta") for x in inputs], training, whole)
    except Exception as error:  # meta tensors have no values: torch raises errors of all kinds
        on_meta = error
    if any(p.is_meta for p in module.parameters()):
        raise _cannot_run(inputs, on_meta) from on_meta
    try:
        with torch.random.fork_rng(devices=[]):
            return _run(deepcopy(module).cpu(), list(inputs), training, whole)
    except Exception as error:
        raise _cannot_run(inputs, error) from error


def _cannot_run(inputs: Sequence[Tensor], error: Exception) -> CannotRun:
    shapes = ", ".join(str(list(x.shape)) for x in inputs)
    return CannotRun(
        f"the network cannot run on the example, of shape {shapes}: {error} "
        f"({type(error).__name__}). Give example=, a batch that it takes."
    )


def _run(
    module: nn.Module, inputs: list[Tensor], training: bool, whole: tuple[type[nn.Module], ...]
) -> Computation:
    if type(module).__module__.startswith("torch.nn") and is_one_box(module, whole):
        module = nn.Sequential(module)
    module.train(training)
    counter = FlopCounterMode(display=False)
    recorder = _Recorder(module, len(inputs[0]), counter)
    recorder.begin(inputs)
    with torch.no_grad(), counter, recorder, _hooked(module, recorder, whole):
        out = module(*inputs)
    outputs = dict.fromkeys(recorder.values_of(out))
    return Computation(
        tuple(recorder.operations),
        tuple(recorder.calls),
        tuple(outputs),
        parameters=sum(p.numel() for p in module.parameters()),
        idle=sum(p.numel() for p in module.parameters() if id(p) not in recorder.met),
        blocks=recorder.blocks,
    )


@contextmanager
def _hooked(
    module: nn.Module, recorder: _Recorder, whole: tuple[type[nn.Module], ...]
) -> Iterator[None]:
    handles: list[Any] = []
    for name, part in module.named_modules():
        one = is_one_box(part, whole) and part is not module
        before, after = recorder.hooks(name, one)
        handles.append(part.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(part.register_forward_hook(after, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass
class _State:
    """Where the run is: within which calls, and within how many modules that are one step."""

    calls: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=lambda: [""])
    inside: int = 0
    flops: float = 0.0
    first_block: int = 0
    calls_none: bool = True


class _Recorder(TorchFunctionMode):
    """Notes operations; tensors are kept, so that no other takes the identity of one.

    Args:
        module:
            What runs.
        rows:
            Of the batch.
        counter:
            What counts FLOPs.
    """

    def __init__(self, module: nn.Module, rows: int, counter: FlopCounterMode) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.calls: list[Call] = []
        self._rows = rows
        self._counter = counter
        self._values: dict[int, tuple[Tensor, Value]] = {}
        self._made_of: dict[int, tuple[Tensor, list[nn.Parameter]]] = {}
        self._counted: set[int] = set()
        self.met: set[int] = set()
        """The identities of the parameters that were used."""
        self.blocks = 0
        """How many calls of modules ended that called no other."""
        self._state = _State()

    def begin(self, inputs: Sequence[Tensor]) -> None:
        """Notes the inputs."""
        for i, x in enumerate(inputs):
            name = "input" if len(inputs) == 1 else f"input {i + 1}"
            self._note(Words(name, "input"), [], [x], [])

    def values_of(self, held: Any) -> list[Value]:
        """What is known of the tensors in a structure, in order."""
        tensors = (x for x in pytree.tree_leaves(held) if isinstance(x, Tensor))
        return [self._values[id(x)][1] for x in tensors if id(x) in self._values]

    def hooks(self, name: str, one: bool) -> tuple[Callable[..., Any], Callable[..., None]]:
        """What is called before and after each call of a module."""
        return self._step_hooks(name) if one else self._call_hooks(name)

    def _step_hooks(self, name: str) -> tuple[Callable[..., Any], Callable[..., None]]:
        def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
            self._state.calls_none = True
            if not self._state.inside:
                self._state.flops = self._counter.get_total_flops()
                self._state.first_block = self.blocks
            self._state.inside += 1

        def leave(module: nn.Module, args: Any, kwargs: Any, out: Any) -> None:
            self._count_block()
            self._state.inside -= 1
            if not self._state.inside:
                self._state.names.append(name)
                self._note(words_of(module), [args, kwargs], out, list(module.parameters()))
                self._state.names.pop()

        return enter, leave

    def _call_hooks(self, name: str) -> tuple[Callable[..., Any], Callable[..., None]]:
        def enter(module: nn.Module, args: Any, kwargs: Any) -> Any:
            self._state.calls_none = True
            if self._state.inside:
                return None
            args, kwargs = self._told_apart(args), self._told_apart(kwargs)
            given = dict.fromkeys(self.values_of([args, kwargs]))
            self._state.calls.append(len(self.calls))
            self._state.names.append(name)
            self.calls.append(Call(name, type(module).__name__, tuple(given)))
            return args, kwargs

        def leave(module: nn.Module, args: Any, kwargs: Any, out: Any) -> None:
            self._count_block()
            if not self._state.inside:
                self._state.calls.pop()
                self._state.names.pop()

        return enter, leave

    def _count_block(self) -> None:
        self.blocks += self._state.calls_none
        self._state.calls_none = False

    def _told_apart(self, held: Any) -> Any:
        """A tensor that is given twice becomes two, since they play two parts."""
        leaves, structure = pytree.tree_flatten(held)
        seen: set[int] = set()
        for i, x in enumerate(leaves):
            if isinstance(x, Tensor) and id(x) in self._values:
                if id(x) in seen:
                    operation, _ = self._values[id(x)][1]
                    leaves[i] = x.view_as(x)
                    self._remember(leaves[i], (operation, len(self._values)))
                seen.add(id(x))
        return pytree.tree_unflatten(leaves, structure)

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        before = self._counter.get_total_flops()
        out = func(*args, **kwargs)
        held = self._held([args, kwargs])
        self.met |= set(map(id, held))
        if self._state.inside:
            return out
        if not self.values_of([args, kwargs]):
            if held and isinstance(out, Tensor):
                self._made_of[id(out)] = (out, held)
            return out
        self._state.flops, self._state.first_block = before, self.blocks
        name = getattr(func, "__name__", str(func))
        if name in CONSTANTS:
            return out
        words = NOTHING if name in RESHAPES else words_of_function(name, args, kwargs)
        if words.kind == "sum" and len(self.values_of([args, kwargs])) == 1:
            words = Words("add parameter" if held else "add tensor", "activation")
        changed = args[0] if name == "__setitem__" else out
        self._note(words, [args, kwargs], changed, held)
        return out

    def _held(self, given: Any) -> list[nn.Parameter]:
        """The parameters among tensors, and those that others of them were made of."""
        held: list[nn.Parameter] = []
        for x in pytree.tree_leaves(given):
            held += [x] if isinstance(x, nn.Parameter) else self._made_of.get(id(x), (x, []))[1]
        return held

    def _note(self, words: Words, given: Any, out: Any, held: list[Any]) -> None:
        made = [x for x in pytree.tree_leaves(out) if isinstance(x, Tensor)]
        inputs = self.values_of(given)
        if not made or (not inputs and words.kind != "input"):
            return
        if words is NOTHING:
            for x in made:
                self._remember(x, self._values.get(id(x), (x, inputs[0]))[1])
            return
        # Before tensors are asked for their shapes, which torch tells as well.
        flops = (self._counter.get_total_flops() - self._state.flops) / self._rows
        blocks = range(self._state.first_block, self.blocks)
        fresh = {id(p): p.numel() for p in held if id(p) not in self._counted}
        self._counted |= fresh.keys()
        for x in made:
            self._remember(x, (len(self.operations), 0))
        self.operations.append(
            Operation(
                words.name,
                words.kind,
                words.width,
                where=self._state.names[-1],
                calls=tuple(self._state.calls),
                inputs=tuple(inputs),
                shape=self._without_batch(made[0]),
                parameters=sum(fresh.values()),
                flops=flops,
                blocks=blocks,
            )
        )

    def _remember(self, x: Tensor, value: Value) -> None:
        self._values[id(x)] = (x, value)

    def _without_batch(self, x: Tensor) -> tuple[int, ...]:
        """The shape of one row, also where ``[n, k, features]`` is flat: ``[n * k, features]``."""
        shape, rows = tuple(x.shape), self._rows
        if shape and shape[0] == rows:
            return shape[1:]
        time_first = len(shape) > 2 and shape[1] == rows
        if len(shape) > 1 and shape[0] % rows == 0 and not time_first:
            return (shape[0] // rows, *shape[1:])
        return shape
