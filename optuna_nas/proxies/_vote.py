"""``vote``: several proxies at once, none of which needs to know the scale of the others."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def vote(*scores: Sequence[float]) -> list[float]:
    """The share of the other networks that each network beats by a majority of proxies.

    A tie among the proxies counts half.

    Source: Abdelfattah et al. 2021, https://arxiv.org/abs/2101.08134, sec. 3.3, who let synflow,
    jacob_cov and snip vote on pairs.

    Example:

        .. code-block:: python

            vote([1.0, 2.0, 3.0], [5.0, 6.0, 4.0], [0.0, 0.1, 0.2])  # [0.0, 0.5, 1.0]

    Args:
        *scores:
            For each proxy, the scores of the same n networks; more is better.

    Returns:
        n shares, in 0..1.

    Raises:
        ValueError:
            If there are no scores, not as many of each proxy, or NaN.
    """
    sizes = sorted({len(column) for column in scores})
    if len(sizes) != 1 or sizes == [0]:
        raise ValueError(
            "vote takes for each proxy the scores of the same networks, but got lists of "
            f"{sizes} scores."
        )
    columns = torch.tensor([list(map(float, column)) for column in scores], dtype=torch.double)
    if columns.isnan().any():
        raise ValueError("vote: scores must be numbers, but some are NaN.")
    higher = (columns[:, :, None] > columns[:, None, :]).sum(0)
    wins = (higher > higher.T).double() + (higher == higher.T).double() / 2
    wins.fill_diagonal_(0)
    shares: list[float] = (wins.sum(1) / max(sizes[0] - 1, 1)).tolist()
    return shares
