"""Each law refuses a space that breaks it, and accepts one that keeps it."""

from dataclasses import dataclass
from dataclasses import field
import itertools
import pickle
import random

from hypothesis import find
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
import pytest
import torch
from torch import nn

from optuna_nas.space import survey
from optuna_nas.testing import _space
from optuna_nas.testing import SpaceTestCase
from optuna_nas.testing._params import params_of
from optuna_nas.testing._params import values


def kept(trial):
    """Keeps every law, with every kind of question and a condition."""
    width = trial.suggest_int("width", 8, 32, log=True)
    layers = [nn.Linear(4, width), nn.Dropout(trial.suggest_float("dropout", 0.0, 0.5, step=0.1))]
    if trial.suggest_categorical("bent", [True, False]):
        layers.append(nn.LeakyReLU(trial.suggest_float("slope", 0.01, 0.3)))
    layers.append(trial.suggest_repeat("depth", 0, 2, lambda i: nn.Linear(width, width)))
    layers.append(trial.suggest_module("act", {"relu": nn.ReLU, "gelu": nn.GELU}))
    return nn.Sequential(*layers, nn.Linear(width, 3))


class TestAFunction(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return kept

    @pytest.fixture
    def example(self):
        return torch.randn(2, 4)


@pytest.mark.filterwarnings("ignore:network cannot be built on the meta device")
class TestOneThatReadsTensors(SpaceTestCase):
    device = torch.device("cpu")

    @pytest.fixture
    def network(self):
        return reads_a_tensor


class Module(nn.Module):
    def __init__(self, trial):
        super().__init__()
        self.layer = nn.Linear(4, trial.suggest_int("width", 1, 3))
        self.head = nn.Linear(self.layer.out_features, 2)

    def forward(self, x):
        return self.head(self.layer(x))


class TestAModuleClass(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return Module

    @pytest.fixture
    def example(self):
        return torch.randn(2, 4)


def reads_a_tensor(trial):
    slopes = torch.linspace(0.1, 0.9, trial.suggest_int("n", 1, 3))
    return nn.LeakyReLU(slopes.sum().item())


@dataclass(frozen=True)
class AsksAnotherNameEachTime:
    calls: itertools.count = field(default_factory=itertools.count)

    def __call__(self, trial):
        trial.suggest_int(f"n{next(self.calls)}", 0, 1)
        return nn.Identity()


def range_follows_another_answer(trial):
    trial.suggest_int("k", 1, trial.suggest_int("n", 1, 3))
    return nn.Identity()


def depends_on_pythons_random(trial):
    return nn.Linear(2, 2 + trial.suggest_int("n", 0, 1) + random.randrange(100))


SHARED = nn.Linear(2, 2)


def gives_the_same_module_again(trial):
    trial.suggest_int("n", 0, 1)
    return SHARED


@dataclass(frozen=True)
class Remembers:
    seen: list = field(default_factory=list)

    def __call__(self, trial):
        self.seen.append(trial.suggest_int("n", 0, 1))
        return nn.Identity()


def has_a_long_choice(trial):
    trial.suggest_categorical("op", ["short", "a" * 33])
    return nn.Identity()


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


class TimesInPlace(Times):
    def forward(self, x):
        return x.mul_(self.factor)


class FlatInEval(nn.Module):
    def forward(self, x):
        return x if self.training else x.flatten()


def has_nothing_to_mix(trial):
    return nn.Linear(4, trial.suggest_int("n", 1, 2))


def counts_its_options(trial):
    """What an option asks depends on how many were made before it."""
    calls = itertools.count()

    def option():
        return nn.LeakyReLU(trial.suggest_float(f"slope{next(calls)}", 0.1, 0.3, step=0.1))

    return trial.suggest_module("act", {"first": option, "second": option})


class Noisy(nn.Module):
    """Its noise is neither a parameter nor a buffer, so nothing can inherit it."""

    def __init__(self):
        super().__init__()
        self.noise = torch.randn(4)

    def forward(self, x):
        return x + self.noise


class NoisyInTraining(Noisy):
    def forward(self, x):
        return super().forward(x) if self.training else x


def has_hidden_noise(trial):
    return trial.suggest_module("op", {"noisy": Noisy, "again": Noisy})


def has_hidden_noise_in_training(trial):
    return trial.suggest_module("op", {"noisy": NoisyInTraining, "again": NoisyInTraining})


def gives_two(trial):
    return trial.suggest_module("op", {"lstm": lambda: nn.LSTM(4, 3), "gru": lambda: Gru(4, 3)})


class Gru(nn.GRU):
    def forward(self, x):
        out, state = super().forward(x)
        return out, (state, state)


def gives_numbers_that_are_not_finite(trial):
    return Times(float("inf") if trial.suggest_categorical("wild", [False, True]) else 1.0)


def works_in_place(trial):
    return TimesInPlace(trial.suggest_categorical("factor", [1.0, 2.0]))


def has_shapes_that_vary(trial):
    return nn.Linear(4, trial.suggest_int("n", 1, 2))


def loses_rows_in_eval_mode(trial):
    return FlatInEval()


def gives_a_tuple(trial):
    return nn.LSTM(4, trial.suggest_int("n", 1, 2))


def test_an_architecture_that_asks_other_names_the_next_time_is_refused():
    case = SpaceTestCase()
    with pytest.raises(ValueError, match="params do not fit the network: missing 'n"):
        case.test_building_from_params_asks_exactly_these(AsksAnotherNameEachTime())


def test_a_range_that_follows_another_answer_is_refused():
    case = SpaceTestCase()
    with pytest.raises(AssertionError, match=r"'k': IntDistribution\(high=.*but before IntDist"):
        case.test_one_decision_has_one_distribution(range_follows_another_answer)


@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
def test_a_space_that_uses_another_random_state_is_refused():
    case = SpaceTestCase()
    with pytest.raises(AssertionError, match=r"Linear\(.* and then Linear"):
        case.test_what_is_built_depends_on_params_and_torchs_seed_only(depends_on_pythons_random)


def test_a_space_that_gives_a_module_twice_is_refused():
    case = SpaceTestCase()
    with pytest.raises(AssertionError, match=r"two modules .* share weights"):
        case.test_what_is_built_depends_on_params_and_torchs_seed_only(gives_the_same_module_again)


def test_a_decision_that_survey_missed_is_refused(monkeypatch):
    monkeypatch.setattr(_space, "survey", lambda network: survey(works_in_place))
    with pytest.raises(AssertionError, match=r"'n': IntDistribution.*but survey says None"):
        SpaceTestCase().test_survey_knows_every_decision(has_shapes_that_vary)


def test_a_space_that_remembers_is_refused():
    case = SpaceTestCase()
    with pytest.raises(AssertionError, match=r"building changed Remembers\(seen="):
        case.test_building_leaves_the_space_as_it_was(Remembers())


def test_a_space_that_cannot_be_pickled_is_refused():
    case = SpaceTestCase()
    with pytest.raises((pickle.PicklingError, AttributeError), match=r"[Pp]ickle"):
        case.test_a_pickled_copy_builds_the_same(lambda trial: nn.Identity())


def test_long_choices_are_refused():
    with pytest.raises(AssertionError, match=r"'op' has a choice of over 32 char.*'aaa"):
        SpaceTestCase().test_choices_are_short(has_a_long_choice)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (gives_numbers_that_are_not_finite, "in train mode it gives numbers that are not finite"),
        (works_in_place, "the forward pass changed its input"),
        (has_shapes_that_vary, "the shape of the output varies"),
        (loses_rows_in_eval_mode, "in eval mode it gives 8 rows"),
        (gives_a_tuple, "in train mode it gives tuple"),
    ],
)
def test_architectures_that_do_not_run_well_are_refused(network, message):
    with pytest.raises(AssertionError, match=message):
        SpaceTestCase().test_every_architecture_runs(network, torch.ones(2, 4))


def test_a_space_whose_supernet_proposes_what_it_does_not_ask_is_refused():
    case = SpaceTestCase()
    with pytest.raises(ValueError, match=r"^params do not fit the network: missing 'slope0'"):
        case.test_what_a_supernet_proposes_can_be_built(counts_its_options)


@pytest.mark.parametrize(
    ("network", "mode"), [(has_hidden_noise, "train"), (has_hidden_noise_in_training, "train")]
)
def test_a_space_whose_paths_compute_another_thing_alone_is_refused(network, mode):
    case = SpaceTestCase()
    with pytest.raises(
        AssertionError, match=rf"^in {mode} mode {{'op': 'noisy'}} computes another thing alone"
    ):
        case.test_a_supernets_path_computes_what_is_derived(network, torch.ones(2, 4))


def test_keys_that_are_not_those_of_build_are_refused(monkeypatch):
    monkeypatch.setattr(_space, "build", lambda network, params: nn.Identity())
    with pytest.raises(AssertionError, match=r"^\['0\.weight', .*\], not \[\]"):
        SpaceTestCase().test_a_supernets_path_computes_what_is_derived(kept, None)


def test_paths_that_give_tuples_are_compared_as_well():
    case = SpaceTestCase()
    case.test_a_supernets_path_computes_what_is_derived(gives_two, torch.ones(2, 1, 4))


@pytest.mark.parametrize(
    "law", ["what_a_supernet_proposes_can_be_built", "a_supernets_path_computes_what_is_derived"]
)
def test_a_space_with_nothing_to_mix_has_no_supernet_to_test(law):
    test = getattr(SpaceTestCase(), f"test_{law}")
    with pytest.raises(pytest.skip.Exception, match="the space asks for no module, repeat or inp"):
        test(*[has_nothing_to_mix, None][: 1 if "proposes" in law else 2])


def test_without_an_example_no_forward_pass_is_tested():
    with pytest.raises(pytest.skip.Exception, match="the fixture example gives no input"):
        SpaceTestCase().test_every_architecture_runs(gives_a_tuple, None)


DISTRIBUTIONS = [
    CategoricalDistribution(["a", None, 1.5, True]),
    IntDistribution(-3, 9, step=4),
    IntDistribution(1, 100, log=True),
    FloatDistribution(-0.5, 0.5, step=0.25),
    FloatDistribution(1e-5, 1e-1, log=True),
    FloatDistribution(2.0, 2.0),
]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=repr)
def test_values_are_drawn_from_the_distribution(distribution):
    @given(values(distribution))
    def law(value):
        assert distribution._contains(distribution.to_internal_repr(value))

    law()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS[:2], ids=repr)
def test_every_value_can_be_drawn(distribution):
    every = distribution.choices if hasattr(distribution, "choices") else range(-3, 10, 4)
    for value in every:
        assert find(values(distribution), lambda v, value=value: v is value or v == value) == value


def test_params_shrink_to_the_simplest_architecture():
    simplest = find(params_of(kept, torch.device("meta")), lambda params: params["depth"] > 0)
    assert (simplest["width"], simplest["depth"], simplest["act"]) == (8, 1, "relu")


@given(st.data())
def test_params_are_all_that_a_trial_is_asked(data):
    params = data.draw(params_of(kept, torch.device("meta")))
    assert ("slope" in params) == params["bent"]
