"""``plot_difference``: an architecture, with what is not so in another one marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from optuna_nas.metrics._counts import check_count
from optuna_nas.space import Network
from optuna_nas.visualization._architecture import computation_of
from optuna_nas.visualization._architecture import draw
from optuna_nas.visualization._architecture import MOST
from optuna_nas.visualization._architecture import name_of
from optuna_nas.visualization._drawing import Drawing
from optuna_nas.visualization._fold import fold
from optuna_nas.visualization._graph import Computation
from optuna_nas.visualization._graph import Operation
from optuna_nas.visualization._params import params_of


Key = tuple[str, bool, int]
"""Where an operation is: in which module, whether it is an input, and which one there."""

MOST_DECISIONS = 10


def plot_difference(
    network: Network,
    params_a: Any,
    params_b: Any,
    *,
    example: Any = None,
    title: str | None = None,
    training: bool = False,
    max_boxes: int = MOST,
    dark: bool = False,
) -> Drawing:
    """Draws architecture b, with what is changed or new since a marked: what a mutation did.

    Below the title stand the decisions that differ. What b has no longer is only in that list.

    Example:

        .. code-block:: python

            parent, child = study.trials[12], study.trials[40]
            plot_difference(network, parent, child).save("mutation.svg")

    Args:
        network:
            The search space.
        params_a:
            The decisions of the first, a dict, or a trial.
        params_b:
            Those of the second.
        example:
            As for :func:`plot_architecture`, like the others.
        title:
            What stands above.
        training:
            Whether to draw what runs in training.
        max_boxes:
            How many boxes a diagram should have at most.
        dark:
            Whether to draw on a dark background.

    Returns:
        A drawing with ``.svg`` and ``.save("x.svg")`` or ``.save("x.png")``.

    Raises:
        TypeError:
            If an argument is of the wrong kind.
        ValueError:
            If params do not fit, or the network cannot run on the example.
    """
    check_count("max_boxes", max_boxes)
    decisions = [
        params_of(params, "plot_difference", name)
        for params, name in ((params_a, "params_a"), (params_b, "params_b"))
    ]
    a, b = (
        computation_of(network, params, example, training=training, whole=())
        for params in decisions
    )
    remarks = _differences(*decisions)
    marked_b = marked(a, b)
    diagrams = fold(marked_b, "", max_boxes)
    title = title or f"{name_of(network)}: what changed"
    return draw(diagrams, marked_b, title, "change", before=a, remarks=remarks, dark=dark)


def marked(a: Computation, b: Computation) -> Computation:
    """The second computation, with what is not so in the first marked.

    Args:
        a:
            The first.
        b:
            The second.
    """
    keys_a, keys_b = _keys(a), _keys(b)
    before = dict(zip(keys_a, a.operations, strict=True))
    links = {(keys_a[i], key) for key, one in before.items() for i, _ in one.inputs}
    operations = []
    for key, one in zip(keys_b, b.operations, strict=True):
        changed = key not in before or _differs(before[key], one)
        rewired = tuple(
            value
            for value in one.inputs
            if not changed and keys_b[value[0]] in before and (keys_b[value[0]], key) not in links
        )
        operations.append(replace(one, changed=changed, rewired=rewired))
    return replace(b, operations=tuple(operations))


def _keys(computation: Computation) -> list[Key]:
    counts: Counter[tuple[str, bool]] = Counter()
    keys = []
    for one in computation.operations:
        place = (one.where, one.kind == "input")
        keys.append((*place, counts[place]))
        counts[place] += 1
    return keys


def _differs(a: Operation, b: Operation) -> bool:
    return (a.name, a.width, a.kind) != (b.name, b.width, b.kind)


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """What is said of the decisions that differ."""
    names = [name for name in {**a, **b} if a.get(name, ()) != b.get(name, ())]
    said = [f"{name}: {_value(a, name)} → {_value(b, name)}" for name in names]
    if not said:
        return ["The decisions are the same."]
    if len(said) > MOST_DECISIONS:
        said = [*said[:MOST_DECISIONS], f"and {len(said) - MOST_DECISIONS} more"]
    return said


def _value(params: Mapping[str, Any], name: str) -> str:
    return str(params[name]) if name in params else "not asked"
