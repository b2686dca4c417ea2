from __future__ import annotations

from typing import Any

import optuna
import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import SampledTrial
from optuna_nas import spaces
from optuna_nas.metrics._device import CPU
from optuna_nas.metrics._device import device_name
from optuna_nas.visualization import _block_latency
from optuna_nas.visualization import plot_architecture
from optuna_nas.visualization._inputs import rows_for
from optuna_nas.visualization._style import amount
from tests.visualization.architectures import Residual
from tests.visualization.architectures import sampled
from tests.visualization.architectures import SPACES
from tests.visualization.architectures import texts
from tests.visualization.architectures import traced


class Pairs(nn.Module):
    """Takes two rows and no other number."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear(x.reshape(2, 4))
        return out


class Waver(Pairs):
    """Calls its layer twice for two rows."""

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(len(x)):
            x = self.linear(x)
        return x


class Bare(nn.Module):
    """A weight, and no module."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("training", [False, True])
def test_every_shipped_space_is_drawn_with_all_its_parameters_and_flops(
    name: str, training: bool
) -> None:
    network = SPACES[name]
    params = sampled(network, seed=3)
    with torch.device("meta"):
        module = build(network, params)
    rows = rows_for(network, None)
    computation = traced(module, *rows, training=training)
    parameters = metrics.Parameters().measure(module)
    assert computation.parameters == parameters
    assert sum(one.parameters for one in computation.operations) + computation.idle == parameters
    if not training:
        assert computation.flops == metrics.Flops(rows).measure(module)
    said = texts(plot_architecture(network, params, training=training))
    assert said.count("output") >= 1
    assert any(text.startswith(f"{amount(parameters)} parameters") for text in said)


def test_an_auxiliary_head_is_there_in_training_only() -> None:
    network = SPACES["DARTS"]
    params = sampled(network, seed=0)
    assert "output 2" in texts(plot_architecture(network, params, training=True))
    said = texts(plot_architecture(network, params))
    assert "output 2" not in said
    assert any("of the parameters did not run" in text for text in said)


def test_a_module_stays_as_it_was() -> None:
    module = nn.Sequential(
        nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.ReLU(inplace=True)
    )
    module[1].eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    modes = [part.training for part in module.modules()]
    state = torch.get_rng_state()
    example = torch.ones(3, 4)
    plot_architecture(module, example=example, training=True)
    assert torch.equal(example, torch.ones(3, 4))
    assert [part.training for part in module.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_a_trial_is_drawn_as_its_params_are() -> None:
    network = spaces.MLP(in_features=5, out_features=3)
    study = create_study(seed=0)
    trial = study.ask()
    sampling = SampledTrial(trial)
    network(sampling)
    trial.suggest_float("lr", 0.0, 1.0)
    study.tell(trial, 1.0)
    drawn = plot_architecture(network, study.best_trial)
    params = {name: trial.params[name] for name in sampling.asked}
    assert drawn.svg == plot_architecture(network, params).svg


class Picky(nn.Module):
    """Reads values where it is built, and where it runs."""

    def __init__(self, trial: Any) -> None:
        super().__init__()
        width = int(torch.tensor(trial.suggest_int("width", 1, 4)).item())
        self.layer = nn.Linear(3, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) if x.sum().item() > 100 else self.layer(x).tanh()


def test_a_network_that_reads_values_is_run_on_the_cpu() -> None:
    state = torch.get_rng_state()
    said = texts(plot_architecture(Picky, {"width": 3}, example=torch.zeros(2, 3)))
    assert "linear 3, tanh" in said
    assert torch.equal(torch.get_rng_state(), state)


def test_colours_can_stand_for_parameters_and_flops_and_backgrounds_be_dark() -> None:
    network = nn.Sequential(nn.Linear(4, 100), nn.ReLU(), Residual(100), nn.Linear(100, 2))
    example = torch.zeros(1, 4)
    plain = plot_architecture(network, example=example)
    by_parameters = plot_architecture(network, example=example, color="parameters")
    by_flops = plot_architecture(network, example=example, color="flops")
    dark = plot_architecture(network, example=example, dark=True)
    assert len({one.svg for one in (plain, by_parameters, by_flops, dark)}) == 4
    assert {"0 parameters", "10.1k parameters"} <= set(texts(by_parameters))
    assert {"0 FLOPs", "20k FLOPs"} <= set(texts(by_flops))
    assert dark.scene.background != plain.scene.background


@pytest.mark.parametrize("name", SPACES)
def test_every_shipped_space_is_drawn_with_the_latency_of_its_modules(name: str) -> None:
    network = SPACES[name]
    said = texts(plot_architecture(network, sampled(network, seed=3), color="latency"))
    (told,) = [text for text in said if " ms in its modules: " in text]
    assert told.endswith(f"1 thread of the CPU ({device_name(CPU)}), torch {torch.__version__}")
    assert float(told.split()[0]) > 0
    assert any(text.endswith(" %") for text in said)


def test_each_box_has_the_milliseconds_of_its_own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_block_latency, "call_times", lambda *_: [1.0, 2.0, 4.0, 8.0, 1.0])
    shared = nn.Linear(4, 4)
    network = nn.Sequential(shared, nn.Identity(), Residual(4), nn.Flatten(), shared)
    example = torch.zeros(3, 4)
    computation = traced(network, example)
    timed = _block_latency.with_latency(computation, network, [example])
    assert [one.milliseconds for one in timed.operations] == [0.0, 1.0, 4.0, 0.0, 0.0, 1.0]
    said = texts(plot_architecture(network, example=example, color="latency"))
    assert {"4 · 20 · 17 %", "4 · 20 · 67 %", "0 ms", "2 ms", "4 ms"} <= set(said)
    assert any(text.startswith("6 ms in its modules: ") for text in said)


def test_a_module_that_is_measured_stays_as_it_was() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    plot_architecture(network, example=torch.ones(2, 4), color="latency")
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_a_large_network_of_equal_cells_is_a_few_boxes() -> None:
    network = spaces.DARTS(channels=4, layers=20)
    said = texts(plot_architecture(network, sampled(network, seed=0)))
    assert "Cell A, 16 times (sizes of the first)" in said
    assert {"×6", "×5", "each takes the 2 before"} <= set(said)
    assert said.count("Cell A") == 3


def test_the_same_network_gives_the_same_drawing() -> None:
    network = SPACES["Hierarchical"]
    params = sampled(network, seed=1)
    assert plot_architecture(network, params).svg == plot_architecture(network, params).svg


def test_a_title_a_limit_and_whole_modules_can_be_chosen() -> None:
    network = nn.Sequential(Residual(4), Residual(4), nn.Linear(4, 3), Residual(3))
    example = torch.zeros(1, 4)
    said = texts(plot_architecture(network, example=example, title="mine"))
    assert "mine" in said
    few = texts(plot_architecture(network, example=example, max_boxes=3))
    assert few.count("Residual A") == 2
    whole = texts(plot_architecture(network, example=example, whole=[Residual]))
    assert {"2 × Residual", "Residual"} <= set(whole)
    assert "+" not in whole


@pytest.mark.parametrize(
    ("network", "params", "arguments", "error", "match"),
    [
        (3, None, {}, TypeError, r"network must be a search space .* or an nn\.Module, but is 3"),
        (
            nn.Linear(1, 1),
            {"a": 1},
            {},
            TypeError,
            r"params belong to a search space",
        ),
        (SPACES["MLP"], None, {}, TypeError, r"MLP is a search space: give params, a dict"),
        (SPACES["MLP"], [1], {}, TypeError, r"build takes params"),
        (SPACES["MLP"], {"width": 32}, {}, ValueError, r"params do not fit .*missing 'depth'"),
        (nn.Linear(1, 1), None, {}, ValueError, r"does not know what Linear takes: give example="),
        (
            nn.Linear(3, 1),
            None,
            {"example": torch.zeros(2, 4)},
            ValueError,
            r"cannot run on the example, of shape \[2, 4\]: .*\(RuntimeError\)\. Give example=",
        ),
        (
            nn.Linear(3, 1, device="meta"),
            None,
            {"example": torch.zeros(2, 4)},
            ValueError,
            r"cannot run on the example, of shape \[2, 4\]",
        ),
        (
            nn.Linear(3, 1),
            None,
            {"example": "x"},
            TypeError,
            r"example must be a tensor",
        ),
        (nn.Linear(3, 1), None, {"example": torch.zeros(0, 3)}, ValueError, r"at least one row"),
        (nn.LazyLinear(3), None, {"example": torch.zeros(1, 3)}, ValueError, r"lazy layers"),
        (SPACES["MLP"], {}, {"color": "energy"}, ValueError, r"color must be one of operation, "),
        (
            SPACES["MLP"],
            {},
            {"color": "latency", "training": True},
            ValueError,
            r"color='latency' is of inference: it goes with training=False",
        ),
        (
            Pairs(),
            None,
            {"color": "latency", "example": torch.zeros(2, 4)},
            ValueError,
            r"on one row on the CPU, but it cannot run that, of shape \[1, 4\]: .*\(Runtime",
        ),
        (
            Waver(),
            None,
            {"color": "latency", "example": torch.zeros(2, 4)},
            ValueError,
            r"does the same for each batch, but it called 2 modules when .* and 1 when measured",
        ),
        (
            Bare(),
            None,
            {"color": "latency", "example": torch.zeros(2, 4)},
            ValueError,
            r"measures the modules that a network calls, but Bare calls none",
        ),
        (SPACES["MLP"], {}, {"max_boxes": 0}, ValueError, r"max_boxes must be at least 1"),
        (SPACES["MLP"], {}, {"whole": [3]}, TypeError, r"whole must hold classes of modules"),
    ],
)
def test_bad_input_is_told_with_what_is_legal(
    network: Any, params: Any, arguments: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        plot_architecture(network, params, **arguments)


def test_a_space_that_nobody_knows_needs_an_example_or_says_its_shape() -> None:
    def network(trial: Any) -> nn.Module:
        return nn.Linear(trial.suggest_int("width", 7, 7), 2)

    with pytest.raises(ValueError, match=r"does not know what network takes: give example="):
        plot_architecture(network, {"width": 7})
    network.input_shape = (7,)  # type: ignore[attr-defined]
    assert "linear 2" in texts(plot_architecture(network, {"width": 7}))


def test_an_optuna_fixed_trial_will_do() -> None:
    network = spaces.MLP(in_features=5, out_features=3)
    params = sampled(network, seed=2)
    drawing = plot_architecture(network, optuna.trial.FixedTrial(params))
    assert drawing.svg == plot_architecture(network, params).svg
