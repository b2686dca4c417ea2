"""scikit-learn's quantile transform to a normal distribution, of operations that any runtime has.

As ``sklearn.preprocessing.QuantileTransformer(output_distribution="normal")``, in float64.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


BOUND = 1e-7
"""scikit-learn's: nearer to the lowest or highest quantile than this is beyond it."""

EPSILON = 2.220446049250313e-16

# Wichura 1988, "Algorithm AS241: The Percentage Points of the Normal Distribution", Applied
# Statistics 37(3), PPND16: around the middle, and towards the tails until exp(-25).
MIDDLE = (
    (
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ),
)
TAIL = (
    (
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258e0,
        3.64784832476320460504e0,
        5.76949722146069140550e0,
        4.63033784615654529590e0,
        1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.5198666563616457197e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.6763848301838038494e0,
        2.05319162663775882187e0,
        1.0,
    ),
)


def to_normal(values: Tensor, quantiles: Tensor, references: Tensor) -> Tensor:
    """Numbers as if each column were normally distributed.

    Args:
        values:
            ``[n, columns]``, float64, none of them NaN.
        quantiles:
            ``[columns, q]``, ascending.
        references:
            ``[q]``, the share of the distribution below each quantile.
    """
    above = _count_below(values, quantiles, equal=True) - 1
    below = _count_below(values, quantiles, equal=False)
    rising = _interpolated(values, quantiles, references, above, above + 1)
    falling = _interpolated(values, quantiles, references, below - 1, below)
    shares = 0.5 * (rising + falling)
    shares = torch.where(values + BOUND > quantiles[:, -1], 1.0, shares)
    shares = torch.where(values - BOUND < quantiles[:, 0], 0.0, shares)
    # As tensors, since ONNX's exporter would write numbers down in float32, and 1 - 1e-7 has not
    # enough digits there.
    low, high = torch.tensor([BOUND - EPSILON, 1 - (BOUND - EPSILON)], dtype=torch.float64)
    return _normal_quantile(shares.clamp(low, high))


def _count_below(values: Tensor, quantiles: Tensor, *, equal: bool) -> Tensor:
    """How many quantiles of its column are below each value, or equal: by bisection."""
    columns, count = quantiles.shape
    flat, offsets = quantiles.flatten(), torch.arange(columns) * count
    found = torch.zeros_like(values, dtype=torch.int64)
    for bit in reversed(range(count.bit_length())):
        more = found + (1 << bit)
        quantile = flat[more.clamp(max=count) - 1 + offsets]
        is_below = quantile <= values if equal else quantile < values
        found = torch.where(is_below & (more <= count), more, found)
    return found


def _interpolated(
    values: Tensor, quantiles: Tensor, references: Tensor, left: Tensor, right: Tensor
) -> Tensor:
    """Between two neighbouring quantiles, or the outermost reference; as ``numpy.interp``."""
    columns, count = quantiles.shape
    flat, offsets = quantiles.flatten(), torch.arange(columns) * count
    left, right = left.clamp(0, count - 1), right.clamp(0, count - 1)
    low, high = flat[left + offsets], flat[right + offsets]
    size = torch.where(high > low, high - low, 1.0)
    rise = references[right] - references[left]
    return references[left] + rise / size * (values - low)


def _normal_quantile(shares: Tensor) -> Tensor:
    """The standard normal's, of shares from 1e-7 to 1 - 1e-7."""
    q = shares - 0.5
    inner = 0.180625 - q * q
    middle = q * _polynomial(MIDDLE[0], inner) / _polynomial(MIDDLE[1], inner)
    outer = (-torch.where(q < 0, shares, 1 - shares).log()).sqrt() - 1.6
    tail = _polynomial(TAIL[0], outer) / _polynomial(TAIL[1], outer)
    return torch.where(q.abs() <= 0.425, middle, torch.where(q < 0, -tail, tail))


def _polynomial(coefficients: Sequence[float], x: Tensor) -> Tensor:
    first, *rest = torch.tensor(coefficients, dtype=torch.float64)
    total: Tensor = first.expand_as(x)
    for coefficient in rest:
        total = total * x + coefficient
    return total
