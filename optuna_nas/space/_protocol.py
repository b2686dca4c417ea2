"""What a network may ask: the questions that every interpreter of a search space answers."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Protocol
from typing import TypeAlias

from optuna.distributions import CategoricalChoiceType
from torch import nn


class Trial(Protocol):
    """The trial that a network receives; see :class:`SampledTrial` for what each question means.

    It says what :class:`SampledTrial`, :class:`SurveyTrial` and a supernet's trial have in common.
    Annotate your network with it: ``def __init__(self, trial: optuna_nas.space.Trial)``.
    """

    @property
    def params(self) -> dict[str, Any]: ...

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int: ...

    def suggest_float(
        self,
        name: str,
        low: float,
        high: float,
        *,
        step: float | None = None,
        log: bool = False,
    ) -> float: ...

    def suggest_categorical(self, name: str, choices: Sequence[CategoricalChoiceType]) -> Any: ...

    def suggest_module(
        self, name: str, options: Mapping[str, Callable[[], nn.Module]]
    ) -> nn.Module: ...

    def suggest_repeat(
        self, name: str, low: int, high: int, block: Callable[[int], nn.Module]
    ) -> nn.Module: ...

    def suggest_inputs(
        self, name: str, n: int, k: int, edge: Callable[[int], nn.Module]
    ) -> nn.Module: ...

    def scope(self, name: str) -> Trial: ...

    def report(self, value: float | Sequence[float | None], step: int) -> None: ...

    def should_prune(self) -> bool: ...

    def set_user_attr(self, key: str, value: Any) -> None: ...

    def set_constraint(self, key: str, value: float) -> None: ...


Network: TypeAlias = Callable[[Any], nn.Module]
"""A search space: a function (or an ``nn.Module`` class) that takes a trial, gives a module."""
