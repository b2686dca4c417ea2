"""Modules of earlier runs are taken again only where what they are made of says that they may."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any

import pytest
import torch
from torch import nn

from optuna_nas import spaces
from optuna_nas.space import AnsweredTrial
from optuna_nas.space import SampledTrial
from optuna_nas.space import survey
from optuna_nas.space import Trial
from optuna_nas.space._decisions import first
from optuna_nas.space._explore import Explorer
from optuna_nas.space._reuse import ingredients
from optuna_nas.space._reuse import ReusingTrial


def linear(n: int, *, bias: bool = True) -> Any:
    return lambda: nn.Linear(n, n, bias=bias)


def with_default(n: int = 3, *, bias: bool = True) -> nn.Module:
    return nn.Linear(n, n, bias=bias)


ALIKE = [
    lambda: nn.ReLU,
    lambda: linear(3),
    lambda: partial(nn.Linear, 3, 4, bias=False),
    lambda: partial(with_default, 3, bias=False),
    lambda: partial(partial, linear(3)),
    lambda: with_default,
]


@pytest.mark.parametrize("make", ALIKE)
def test_factories_that_are_made_alike_are_alike(make: Any) -> None:
    assert ingredients(make()) == ingredients(make()) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (nn.ReLU, nn.Tanh),
        (linear(3), linear(4)),
        (linear(3), linear(3, bias=False)),
        (linear(1), linear(True)),
        (linear(3), linear(3.0)),  # type: ignore[arg-type]
        (partial(nn.Linear, 3, 4), partial(nn.Linear, 4, 3)),
        (partial(nn.Linear, 3, 4), partial(nn.Linear, 3, 4, bias=False)),
        (partial(nn.Linear, 3, 4), partial(nn.Bilinear, 3, 4)),
        (lambda: nn.ReLU(), lambda: nn.Tanh()),
        (lambda n=3: nn.Linear(n, n), lambda n=4: nn.Linear(n, n)),
        (lambda *, n=3: nn.Linear(n, n), lambda *, n=4: nn.Linear(n, n)),
    ],
)
def test_factories_that_differ_in_anything_differ(one: Any, other: Any) -> None:
    assert None not in (ingredients(one), ingredients(other))
    assert ingredients(one) != ingredients(other)


def test_one_code_that_finds_other_names_is_another_factory() -> None:
    code = (lambda: nn.Linear(WIDTH, WIDTH)).__code__  # type: ignore[name-defined]  # noqa: F821
    three, four = (FunctionType(code, {"nn": nn, "WIDTH": width}) for width in (3, 4))
    assert ingredients(three) == ingredients(FunctionType(code, three.__globals__)) is not None
    assert ingredients(three) != ingredients(four)
    made: dict[Any, Any] = {}
    modules = [reusing(made).suggest_module("op", {"linear": f}) for f in (three, four, three)]
    assert [module.in_features for module in modules] == [3, 4, 3]
    assert modules[2] is modules[0]


class Space:
    def block(self) -> nn.Module:
        return nn.Identity()


def of_itself() -> Any:
    def factory() -> nn.Module:
        return factory() if factory is None else nn.Identity()

    return factory


def of_what_is_not_yet_there() -> Any:
    def factory() -> nn.Module:
        return nn.Linear(later, later)

    if factory is None:
        later = 3
    return factory


@pytest.mark.parametrize(
    "factory",
    [
        partial(nn.Sequential, nn.Identity()),
        partial(nn.Linear, 3, 3, device=torch.device("cpu")),
        (lambda trial: lambda: trial.suggest_int("n", 1, 3))(SampledTrial(AnsweredTrial(max))),
        (lambda sizes: lambda: nn.Linear(*sizes))([3, 4]),
        Space().block,
        of_itself(),
        of_what_is_not_yet_there(),
        partial(nn.Linear, torch.tensor(3), 3),
    ],
)
def test_what_may_ask_or_change_is_made_anew(factory: Any) -> None:
    assert ingredients(factory) is None


def reusing(made: dict[Any, Any]) -> ReusingTrial:
    return ReusingTrial(AnsweredTrial(lambda name, distribution: first(distribution)), made)


def test_a_module_is_taken_again_in_the_next_run_but_never_twice_in_one() -> None:
    made: dict[Any, Any] = {}
    runs = []
    for _ in range(2):
        trial = reusing(made)
        runs.append([trial.suggest_module(name, {"linear": linear(3)}) for name in "ab"])
    assert runs[0][0] is not runs[0][1]
    assert all(before is now for before, now in zip(*runs, strict=True))


def test_what_asks_is_asked_in_every_run() -> None:
    made: dict[Any, Any] = {}
    for _ in range(2):
        trial = reusing(made)

        def wide(trial: Any = trial) -> nn.Module:
            return nn.Linear(3, trial.suggest_int("width", 1, 4))

        trial.suggest_module("op", {"wide": wide})
        assert list(trial.asked) == ["op", "width"]


def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Explorer, "_constructs_with_old_parts", lambda self, trial: False)


SMALL = {"num_classes": 2, "channels": 2, "in_channels": 1}


def budget(trial: Trial) -> nn.Module:
    """Counts its weights, as a network that is too large would be refused."""
    options = {f"{n}": linear(n) for n in (1, 5, 9)}
    module = nn.Sequential(*(trial.suggest_module(f"op{i}", options) for i in range(4)))
    if sum(weight.numel() for weight in module.parameters()) > 150:
        raise ValueError("too large")
    return module


def long(width: int) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.Linear(width, width))


def by_width(trial: Trial) -> nn.Module:
    """An option that cannot be made, and one that is chosen among further, by a number."""
    width = trial.suggest_int("width", 2, 6)
    pair = {"one": linear(width), "two": partial(nn.Conv1d, width, width, 1, groups=2)}
    return trial.suggest_module("op", {**pair, "three": lambda: trial.suggest_module("in", pair)})


def changed(trial: Trial) -> nn.Module:
    """Changes an option in a way that cannot be done twice."""
    module = trial.suggest_module("op", {"a": linear(3), "b": linear(4)})
    trial.suggest_categorical("other", [1, 2, 3])
    if hasattr(module, "mark"):
        raise KeyError("marked already")
    module.mark = True  # type: ignore[assignment]
    return module


def appended(trial: Trial) -> nn.Module:
    """Adds to an option, and asks more the longer it is."""
    module = trial.suggest_module("op", {"a": long(3), "b": long(4)})
    assert isinstance(module, nn.Sequential)
    module.append(nn.ReLU())
    for i in range(len(module)):
        trial.suggest_categorical(f"other{i}", [1, 2, 3])
    return module


@pytest.mark.parametrize(
    "network",
    [
        budget,
        by_width,
        changed,
        appended,
        spaces.NASBench201(cells=1, **SMALL),
        spaces.DARTS(layers=3, nodes=2, **SMALL),
        spaces.Hierarchical(**SMALL),
        spaces.CNN((1, 8, 8), 2),
        spaces.MobileNet(num_classes=2, in_channels=1),
    ],
    ids=lambda network: getattr(network, "__name__", type(network).__name__),
)
def test_a_survey_finds_what_it_would_find_with_modules_made_anew(
    network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = survey(network)
    plain(monkeypatch)
    assert survey(network) == found
