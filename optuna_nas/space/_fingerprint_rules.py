"""What is known of operations: which are sums, which do nothing, which leave zero zero."""

from __future__ import annotations

import torch
from torch import Tensor

from optuna_nas.space._fingerprint_calls import Call
from optuna_nas.space._fingerprint_graph import Graph
from optuna_nas.space._fingerprint_graph import total
from optuna_nas.space._fingerprint_graph import Value
from optuna_nas.space._fingerprint_graph import ZERO


def _names(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


ZEROS = _names("zeros zeros_like new_zeros zero")
COPIES = _names("contiguous clone alias requires_grad positive")
CASTS = _names("to float double half bfloat16 type type_as int long short bool char byte")
RESHAPES = _names("reshape view flatten unflatten squeeze unsqueeze view_as reshape_as ravel")
SHIFTED_DROPOUTS = _names("alpha_dropout feature_alpha_dropout")
DROPOUTS = _names("dropout dropout1d dropout2d dropout3d feature_dropout") | SHIFTED_DROPOUTS
NOISE = DROPOUTS | _names(
    "rand randn randint randperm rand_like randn_like randint_like bernoulli multinomial normal",
    "poisson uniform exponential log_normal cauchy geometric random gumbel_softmax",
)
COMMUTES = _names("mul maximum minimum eq ne logical_and logical_or logical_xor")

ACTIVATIONS = _names(
    "relu relu6 leaky_relu prelu rrelu elu celu selu gelu silu mish tanh tanhshrink hardswish",
    "hardshrink softshrink softsign glu abs sin tan asin atan sinh asinh erf expm1 log1p sqrt",
    "square sign round floor ceil trunc",
)
POOLS = _names(
    "avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d lp_pool1d lp_pool2d",
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d",
    "adaptive_max_pool2d adaptive_max_pool3d mean sum amax amin cumsum interpolate",
)
MOVES = _names(
    "permute transpose t T mT swapaxes movedim chunk split tensor_split unbind select narrow",
    "__getitem__ expand expand_as repeat repeat_interleave tile roll flip unfold fold",
    "pixel_shuffle pixel_unshuffle channel_shuffle detach data",
)
NORMS = _names(
    "batch_norm layer_norm group_norm instance_norm rms_norm normalize local_response_norm"
)
"""Their shift is zero as they are initialized."""

LEAVE_ZERO = ACTIVATIONS | POOLS | MOVES | NORMS | (DROPOUTS - SHIFTED_DROPOUTS)
LEAVE_ZERO_WITHOUT_BIAS = _names(
    "linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"
)
ZERO_IF_ANY_IS = _names("mul matmul mm bmm mv dot einsum outer")
ZERO_IF_ALL_ARE = _names("cat stack hstack vstack maximum minimum")


def values_of(call: Call, graph: Graph) -> list[Value]:
    """Returns what a call gave.

    Args:
        call:
            What was called on what.
        graph:
            Where to put operations that are new.

    Returns:
        The value of each of its outputs.
    """
    if _is_zero(call):
        return [ZERO] * len(call.outputs)
    if len(call.outputs) == 1:
        value = _simple(call, graph)
        if value is not None:
            return [value]
    inputs = [_shown(v, x, graph) for v, x in zip(call.values, call.inputs, strict=True)]
    if call.name in NOISE:
        inputs.append(graph.leaf("noise"))
    commutes = call.name in COMMUTES and len(inputs) == 2
    if len(call.outputs) == 1:
        return [graph.operation(call.label, inputs, commutes=commutes)]
    return [graph.operation(f"{call.label}[{i}]", inputs) for i in range(len(call.outputs))]


def _is_zero(call: Call) -> bool:
    zero = [value == ZERO for value in call.values]
    if call.name in ZEROS:
        return True
    if not any(zero):
        return False
    if call.name in LEAVE_ZERO:
        return zero[0]
    if call.name in LEAVE_ZERO_WITHOUT_BIAS:
        return zero[0] and len(zero) == 2
    if call.name == "pad":
        return all(zero) and call.label.endswith(("'constant', None)", "'constant', 0)"))
    return call.name in ZERO_IF_ANY_IS or (call.name in ZERO_IF_ALL_ARE and all(zero))


def _simple(call: Call, graph: Graph) -> Value | None:
    """What is no operation: a sum, a copy, another shape; None for all others."""
    if call.name in ("add", "sub", "rsub", "neg", "mul", "div"):
        return _linear(call, graph)
    if not call.values:
        return None
    value, before, after = call.values[0], call.inputs[0], call.outputs[0]
    if call.name in COPIES or (call.name in DROPOUTS and _rate(call) == 0):
        return value
    if call.name in CASTS:
        return _cast(value, before, after, graph)
    if call.name in RESHAPES and before.dtype == after.dtype:
        return _reshaped(value, before, after, graph)
    return None


def _linear(call: Call, graph: Graph) -> Value | None:
    after = call.outputs[0]
    alpha = call.kwargs.get("alpha", 1)
    operands = [*call.args, call.kwargs["other"]] if "other" in call.kwargs else list(call.args)
    numbers = [x for x in operands if isinstance(x, int | float)]
    if after.dtype == torch.bool or isinstance(alpha, Tensor) or "rounding_mode" in call.kwargs:
        return None
    if len(call.inputs) + len(numbers) != len(operands):
        return None  # a complex number
    if call.name in ("mul", "div"):
        scaled = isinstance(operands[0], Tensor) or call.name == "mul"
        if len(numbers) != 1 or not scaled or (call.name == "div" and numbers[0] == 0):
            return None
        factor = numbers[0] if call.name == "mul" else 1 / numbers[0]
        return total((_fitted(call.values[0], call.inputs[0], after, graph), factor))
    tensors = iter(zip(call.values, call.inputs, strict=True))
    terms = [
        _fitted(*next(tensors), after, graph)
        if isinstance(x, Tensor)
        else total((graph.operation("one"), x))
        for x in operands
    ]
    factors = {"add": (1, alpha), "sub": (1, -alpha), "rsub": (-alpha, 1), "neg": (-1,)}
    return total(*zip(terms, factors[call.name], strict=True))


def _rate(call: Call) -> float:
    rate = call.kwargs.get("p", call.args[1] if len(call.args) > 1 else 0.5)
    return float(rate)


def _fitted(value: Value, before: Tensor, after: Tensor, graph: Graph) -> Value:
    """A term of a sum, of the sum's kind and shape."""
    value = _cast(value, before, after, graph)
    if value == ZERO or before.shape == after.shape:
        return value
    return graph.operation(f"broadcast {list(before.shape)} > {list(after.shape)}", [value])


def _cast(value: Value, before: Tensor, after: Tensor, graph: Graph) -> Value:
    if value == ZERO or before.dtype == after.dtype:
        return value
    return graph.operation(f"to {after.dtype}", [value])


def _reshaped(value: Value, before: Tensor, after: Tensor, graph: Graph) -> Value:
    """Another shape of the same numbers; of several in a row, the last counts."""
    if value == ZERO:
        return value
    first, last = str(list(before.shape)), str(list(after.shape))
    node = graph.only_node(value)
    if node is not None and node.label.startswith("reshape "):
        first = node.label.removeprefix("reshape ").split(" > ")[0]
        value = node.inputs[0]
    return value if first == last else graph.operation(f"reshape {first} > {last}", [value])


def _shown(value: Value, tensor: Tensor, graph: Graph) -> Value:
    """A value as an operation's input, for which even zeros have a shape."""
    return value if value != ZERO else graph.operation(f"zeros {list(tensor.shape)}")
