from __future__ import annotations

import numpy as np
import pytest

from optuna_nas.metrics import LatencyTable
from optuna_nas.metrics._latency_file import Conditions
from optuna_nas.metrics._latency_fit import fit
from optuna_nas.metrics._latency_fit import Whole
from optuna_nas.visualization import plot_latency


def table(networks: int, name: str = "latency_ms") -> LatencyTable:
    rng = np.random.default_rng(0)
    wholes = [
        Whole(blocks, total, 0.3 + 1.1 * total * rng.uniform(0.9, 1.1))
        for blocks, total in zip(
            rng.integers(5, 20, networks).tolist(), rng.uniform(1, 9, networks), strict=True
        )
    ]
    inputs = (("float32", (1, 3, 32, 32)),)
    return LatencyTable(
        {}, wholes, Conditions("cpu", "<b>chip</b>", 1, inputs, "torch"), name=name
    )


def test_each_network_is_predicted_from_the_others() -> None:
    whole = table(12).networks
    dots = plot_latency(table(12)).data[1]
    assert list(dots.y) == [network.measured_ms for network in whole]
    first = fit(whole[1:]).at(whole[0].blocks, whole[0].sum_ms)
    assert dots.x[0] == pytest.approx(first)


def test_the_title_has_the_error_of_the_table() -> None:
    one = table(12)
    assert one.error is not None
    assert f"Spearman {one.error.spearman:.3f}" in plot_latency(one).layout.title.text


def test_axes_have_units_and_names_are_text() -> None:
    figure = plot_latency(table(12, name="<i>ms</i>"))
    assert figure.layout.xaxis.title.text == "Predicted (ms)"
    assert figure.layout.yaxis.title.text == "Measured (ms)"
    assert "&lt;i&gt;ms&lt;/i&gt; of &lt;b&gt;chip" in figure.layout.title.text


@pytest.mark.parametrize("networks", [0, 1, 7])
def test_a_table_with_too_few_networks_says_so(networks: int) -> None:
    figure = plot_latency(table(networks))
    expected = f"The table has {networks} whole networks to compare with; it takes 8."
    assert figure.layout.annotations[0].text == expected


def test_something_else_than_a_table_is_refused() -> None:
    with pytest.raises(TypeError, match=r"table must be a LatencyTable, but is 'a.json' \(str\)"):
        plot_latency("a.json")  # type: ignore[arg-type]
