"""``plot_architecture``: what a network computes, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from typing import Literal

import torch
from torch import nn

from optuna_nas.metrics._counts import check_count
from optuna_nas.metrics._lazy import check_initialized
from optuna_nas.space import build
from optuna_nas.space import Network
from optuna_nas.visualization._block_latency import conditions
from optuna_nas.visualization._block_latency import with_latency
from optuna_nas.visualization._drawing import Drawing
from optuna_nas.visualization._fold import fold
from optuna_nas.visualization._graph import Computation
from optuna_nas.visualization._graph import Diagram
from optuna_nas.visualization._inputs import rows_for
from optuna_nas.visualization._page import page
from optuna_nas.visualization._style import all_boxes
from optuna_nas.visualization._style import amount
from optuna_nas.visualization._style import Colouring
from optuna_nas.visualization._style import COLOURINGS
from optuna_nas.visualization._style import style_of
from optuna_nas.visualization._tidy import tidied
from optuna_nas.visualization._trace import CannotRun
from optuna_nas.visualization._trace import trace


MOST = 24


def plot_architecture(
    network: Network | nn.Module,
    params: Any = None,
    *,
    example: Any = None,
    color: Literal["operation", "parameters", "flops", "latency"] = "operation",
    title: str | None = None,
    training: bool = False,
    max_boxes: int = MOST,
    whole: Sequence[type[nn.Module]] = (),
    dark: bool = False,
) -> Drawing:
    """Draws what a network computes, from its inputs at the top to its outputs at the bottom.

    A copy of the network runs once, on the meta device if it can; what is drawn is what ran.
    A box is a chain of operations, such as a convolution with its normalization and activation.
    Below it stand the shape of one row of its output, its parameters, and its share of the FLOPs.
    Equal blocks in a row are one, "×3". In a large network, modules of a kind that comes again
    are drawn apart, once; widths are there those of the first. A dashed box is computed, but the
    output does not depend on it.

    Example:

        .. code-block:: python

            drawing = plot_architecture(spaces.DARTS(), study.best_trial)
            drawing.save("best.svg")

    Args:
        network:
            A search space; or a module, which stays as it was.
        params:
            Of a search space: the decisions, a dict, or a trial.
        example:
            A batch of inputs, ``[rows, ...]``, of which only shape and kind matter; a tuple for
            a ``forward`` of several. What has an attribute ``input_shape`` and our own spaces need
            none; images are of 32x32 and sequences of 16 steps where a space takes any.
        color:
            What colours the boxes: what they do, or how many of the parameters or of the FLOPs
            (those of matrix products and convolutions) they have; or how long they take, measured
            for one row on one thread of the CPU. Then below a box is its share of that, too.
        title:
            What stands above; by default the name of the network.
        training:
            Whether to draw what runs in training, such as an auxiliary head.
        max_boxes:
            How many boxes a diagram should have at most; it has more if no module comes again.
        whole:
            Classes of modules that are one box, although they call others.
        dark:
            Whether to draw on a dark background.

    Returns:
        A drawing with ``.svg`` and ``.save("x.svg")`` or ``.save("x.png")``.

    Raises:
        TypeError:
            If ``network``, ``params`` or ``example`` is something else.
        ValueError:
            If params do not fit, there is no example where one is needed, the network cannot
            run on it, or the latency of training is asked for.
    """
    _check(color, whole, training)
    check_count("max_boxes", max_boxes)
    computation = computation_of(network, params, example, training=training, whole=tuple(whole))
    remarks = []
    if color == "latency":
        module = network if isinstance(network, nn.Module) else _built(network, params)
        computation = with_latency(computation, module, rows_for(network, example))
        remarks.append(f"{amount(computation.milliseconds)} ms in its modules: {conditions()}")
    diagrams = fold(computation, "", max_boxes)
    name = title or name_of(network)
    return draw(diagrams, computation, name, color, remarks=remarks, dark=dark)


def computation_of(
    network: Any, params: Any, example: Any, *, training: bool, whole: tuple[type[nn.Module], ...]
) -> Computation:
    """What a network computes, in few steps.

    Args:
        network:
            A search space or a module.
        params:
            As for :func:`plot_architecture`.
        example:
            Likewise.
        training:
            Likewise.
        whole:
            Likewise.
    """
    _check_network(network, params)
    run = partial(trace, batch=rows_for(network, example), training=training, whole=whole)
    if isinstance(network, nn.Module):
        check_initialized(network, "plot_architecture")
        return tidied(run(network))
    try:
        with torch.device("meta"):
            return tidied(run(build(network, params)))
    except (RuntimeError, CannotRun):  # it may read values, which meta tensors lack
        return tidied(run(_built(network, params)))


def draw(
    diagrams: Sequence[Diagram],
    computation: Computation,
    title: str,
    colouring: Colouring,
    *,
    before: Computation | None = None,
    remarks: Sequence[str] = (),
    dark: bool,
) -> Drawing:
    """Diagrams with what is to be said of the network.

    Args:
        diagrams:
            Of what it computes.
        computation:
            What it computes.
        title:
            What stands above.
        colouring:
            What colours the boxes.
        before:
            What another network computes, whose costs are told as well.
        remarks:
            What stands below the title.
        dark:
            Whether the background is.
    """
    of_time = colouring == "latency"
    whole = computation.milliseconds if of_time else computation.flops
    style = style_of(diagrams, whole, colouring, dark=dark)
    facts = [amount(one.parameters) for one in (before, computation) if one]
    costs = [amount(one.flops) for one in (before, computation) if one]
    said = f"{' → '.join(facts)} parameters"
    said += f" · {' → '.join(costs)} FLOPs a row" if computation.flops else ""
    if computation.idle:
        said += f" · {amount(computation.idle)} of the parameters did not run"
    cost = "milliseconds" if of_time else "FLOPs"
    below = f"below a box: shape of one row, parameters, share of the {cost}"
    dashed = any(not box.used for box in all_boxes(diagrams))
    asides = [
        below,
        *(["not measured: what is done between modules"] if of_time else []),
        *(["dashed: the output does not need it"] if dashed else []),
    ]
    legend = [
        *style.legend(all_boxes(diagrams)),
        *((style.background, style.background, aside) for aside in asides),
    ]
    return page(diagrams, style, title=title, remarks=[said, *remarks], legend=legend)


def name_of(network: Any) -> str:
    """What a network is called.

    Args:
        network:
            A search space or a module.
    """
    return str(getattr(network, "__name__", type(network).__name__))


def _built(network: Network, params: Any) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        return build(network, params)


def _check_network(network: Any, params: Any) -> None:
    if isinstance(network, nn.Module):
        if params is not None:
            raise TypeError(
                f"params belong to a search space, but network is a module, {name_of(network)}."
            )
    elif not callable(network):
        raise TypeError(
            "network must be a search space (a function of a trial) or an nn.Module, but is "
            f"{network!r} ({type(network).__name__})."
        )
    elif params is None:
        raise TypeError(
            f"{name_of(network)} is a search space: give params, a dict from decision to value, "
            "or a trial, such as study.best_trial."
        )


def _check(color: Any, whole: Any, training: bool) -> None:
    if color not in COLOURINGS:
        raise ValueError(f"color must be one of {', '.join(COLOURINGS)}, but is {color!r}.")
    if color == "latency" and training:
        raise ValueError("color='latency' is of inference: it goes with training=False only.")
    if not all(isinstance(one, type) and issubclass(one, nn.Module) for one in whole):
        raise TypeError(f"whole must hold classes of modules, but is {whole!r}.")
