from __future__ import annotations

from itertools import product
import math
from typing import Any

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import pytest
import torch
from torch import nn

from optuna_nas.space import decisions
from optuna_nas.space import describe
from optuna_nas.space import SearchSpaceError
from optuna_nas.space import survey
from optuna_nas.space import SurveyTrial
from optuna_nas.space import Trial
from optuna_nas.space._count import estimated_size
from tests.space.networks import article
from tests.space.networks import cell
from tests.space.networks import Net
from tests.space.networks import Program


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Up to seven decisions, each asked always or by the answers of one or two earlier ones."""
    found: list[tuple[int, tuple[int, ...], set[tuple[int, ...]]]] = []
    for i in range(draw(st.integers(1, 7))):
        options = draw(st.integers(1, 4))
        count = draw(st.integers(0, min(i, 2)))
        parents = tuple(
            sorted(draw(st.sets(st.integers(0, i - 1), min_size=count, max_size=count)))
            if i
            else ()
        )
        answers = list(product(*(range(found[parent][0]) for parent in parents)))
        asked_for = draw(st.sets(st.sampled_from(answers), min_size=1)) if parents else set()
        found.append((options, parents, asked_for))
    return Program(found)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(programs())
def test_the_size_is_that_of_brute_force_if_conditions_look_at_two_decisions(p: Program) -> None:
    result = survey(p)
    architectures = list(p.architectures())
    assert (result.size, result.how in ("walked", "factored")) == (len(architectures), True)
    assert set(result.search_space) == {f"d{i}" for a in architectures for i in a}


@settings(deadline=None, max_examples=50, derandomize=True)
@given(programs())
def test_the_conditions_say_of_every_architecture_what_it_asks(p: Program) -> None:
    conditions = survey(p).conditions
    for architecture in p.architectures():
        params = {f"d{i}": answer for i, answer in architecture.items()}
        for name, condition in conditions.items():
            assert condition.holds(params) is (name in params)


@pytest.mark.parametrize(("network", "size"), [(article, 3_600), (cell, 5_625_000_000)])
def test_flat_spaces_come_out_exact_in_150_runs(network: Any, size: int) -> None:
    runs = 0

    def counted(trial: Trial) -> nn.Module:
        nonlocal runs
        runs += 1
        return network(trial)

    result = survey(counted)
    assert (result.size, result.how, result.standard_error) == (size, "factored", 0.0)
    assert result.conditions == {}
    assert result.runs == runs <= 150


def test_a_repeat_conditions_what_its_blocks_ask() -> None:
    result = survey(Net)
    assert list(result.search_space)[:3] == ["width", "depth", "block0/act"]
    assert result.conditions["block2/act"].parents == ("depth",)
    assert str(result.conditions["block1/dropout"]) == "depth in 2, 3"
    assert "block0/act" not in result.conditions
    assert (result.size, result.how) == (math.inf, "infinite")


def test_decisions_of_an_option_are_conditional_on_it() -> None:
    def network(trial: Trial) -> nn.Module:
        conv = lambda: nn.Conv2d(3, 3, trial.suggest_categorical("kernel", [1, 3, 5]))  # noqa: E731
        return trial.suggest_module("op", {"conv": conv, "skip": nn.Identity})

    result = survey(network)
    assert (result.size, result.how) == (4, "walked")
    assert str(result.conditions["kernel"]) == "op in conv"


def test_a_decision_behind_two_answers_is_found_in_a_space_of_thousands() -> None:
    def network(trial: Trial) -> nn.Module:
        a, b, _ = (trial.suggest_categorical(name, list("abcdefghijklm")) for name in "abc")
        if a == "m" and b == "e":
            trial.suggest_int("hidden", 1, 5)
        return nn.Identity()

    result = survey(network)
    assert result.conditions["hidden"].parents == ("a", "b")
    assert (result.size, result.how) == (13**3 + 13 * 4, "factored")


def test_the_choices_of_a_wide_cell_are_counted_by_dynamic_programming() -> None:
    def network(trial: Trial) -> nn.Module:
        for s in range(4):
            at = trial.scope(f"stage{s}")

            def block(i: int, at: Any = at) -> nn.Module:
                inside = at.scope(f"block{i}")
                bottleneck = lambda: inside.suggest_categorical("k", [3, 5, 7]) and nn.Identity()  # noqa: E731
                return inside.suggest_module("op", {"mb": bottleneck, "skip": nn.Identity})

            at.suggest_repeat("depth", 0, 4, block)
        return nn.Identity()

    assert survey(network).size == sum((3 + 1) ** depth for depth in range(5)) ** 4


def test_inputs_of_a_node_are_the_subsets_and_condition_what_their_edges_ask() -> None:
    def network(trial: Trial) -> nn.Module:
        def edge(i: int) -> nn.Module:
            return trial.suggest_module(f"{i}>3", {"conv": nn.Identity, "skip": nn.Identity})

        return trial.suggest_inputs("node", 3, 2, edge)

    result = survey(network)
    assert result.search_space["node"].choices == ("0+1", "0+2", "1+2")
    assert str(result.conditions["2>3"]) == "node in 0+2, 1+2"
    assert (result.size, result.how) == (3 * 2 * 2, "walked")


def test_a_space_whose_architectures_cannot_all_be_built_is_estimated_with_its_error() -> None:
    def network(trial: Trial) -> nn.Module:
        if trial.suggest_int("a", 1, 10) > 6:
            raise ValueError("too many")
        trial.suggest_int("b", 1, 100)
        return nn.Identity()

    result = survey(network)
    assert result.how == "estimated"
    assert abs(result.size - 600) < 4 * result.standard_error
    assert "+-" in str(result)


def test_an_unbuildable_small_space_is_walked() -> None:
    def network(trial: Trial) -> nn.Module:
        if trial.suggest_int("a", 1, 3) == 2:
            raise ValueError("never two")
        return nn.Identity()

    assert (survey(network).size, survey(network).how) == (2, "walked")


def test_a_network_that_can_never_be_built_is_an_error_with_the_reason() -> None:
    def network(trial: Trial) -> nn.Module:
        trial.suggest_int("a", 1, 3)
        raise ValueError("no such luck")

    with pytest.raises(ValueError, match=r"could not be built in any of \d+ runs: no such luck"):
        survey(network)


def test_a_network_that_reads_its_tensors_is_surveyed_on_the_cpu_and_says_so() -> None:
    def network(trial: Trial) -> nn.Module:
        return nn.Linear(int(torch.tensor(3.0).item()), trial.suggest_int("width", 1, 4))

    with pytest.warns(UserWarning, match=r"cannot be built on the meta device .*filterwarnings"):
        result = survey(network)
    assert (result.device, result.size) == ("cpu", 4)


def test_surveying_leaves_torchs_random_numbers_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    survey(Net)
    assert torch.equal(torch.rand(3), expected)


def test_a_survey_is_a_function_of_its_seed() -> None:
    assert str(survey(Net, seed=3)) == str(survey(Net, seed=3))


def test_a_range_that_another_decision_moves_is_an_error_that_shows_both() -> None:
    def network(trial: Trial) -> nn.Module:
        trial.suggest_int("b", 1, trial.suggest_int("a", 2, 4))
        return nn.Identity()

    with pytest.raises(SearchSpaceError, match=r"'b'.*int 1\.\.4, and now int 1\.\.2"):
        survey(network)


def test_decisions_lists_what_survey_lists() -> None:
    assert decisions(Net) == (dict(survey(Net).search_space), "meta")


def test_a_survey_trial_meets_every_option_at_once() -> None:
    trial = SurveyTrial()
    Net(trial)
    assert trial.params["depth"] == 3
    assert trial.params["width"] == 64
    assert len(trial.distributions) == 2 + 3 * 2


def test_a_survey_reads_like_a_table() -> None:
    lines = str(survey(article)).splitlines()
    assert lines[0] == "6 decisions, 3,600 architectures (factored)"
    assert lines[1] == "  num_hidden_layers: int 1..5"
    assert lines[3] == "  activation_function: one of 'ReLU', 'LeakyReLU', 'Tanh'"


def test_distributions_read_as_words() -> None:
    space = survey(Net).search_space
    assert describe(space["width"]) == "int 16..64 in steps of 16"
    assert describe(space["block0/dropout"]) == "float 0.0..0.5"


def test_a_network_that_reads_its_tensors_behind_an_if_is_surveyed_on_the_cpu_from_there() -> None:
    def network(trial: Trial) -> nn.Module:
        rate = trial.suggest_categorical("drop_path", [0.0, 0.1])
        if rate:
            assert len([x.item() for x in torch.linspace(0, rate, 3)]) == 3
        return nn.Identity()

    with pytest.warns(UserWarning, match="cannot be built on the meta device"):
        result = survey(network)
    assert (result.size, result.how, result.device) == (2, "walked", "cpu")


@pytest.mark.parametrize(
    ("low", "high", "size"), [(0, 10**7, 10**7 + 1), (0, 10**9, 10**9 + 1), (1, 2**63, 2**63)]
)
def test_large_numbers_are_counted_without_listing_them(low: int, high: int, size: int) -> None:
    def network(trial: Trial) -> nn.Module:
        trial.suggest_int("n", low, high)
        trial.suggest_float("x", 0, 1, step=1e-6)
        return nn.Identity()

    assert survey(network).size == size * 1_000_001


def test_a_network_without_decisions_is_one_architecture() -> None:
    result = survey(lambda trial: nn.Linear(1, 1))
    assert (result.size, result.how, result.conditions) == (1, "walked", {})


def test_a_small_space_with_a_condition_on_three_decisions_is_walked() -> None:
    def network(trial: Trial) -> nn.Module:
        if [trial.suggest_categorical(name, [0, 1]) for name in "abc"] == [1, 1, 1]:
            trial.suggest_categorical("d", [False, True])
        return nn.Identity()

    result = survey(network)
    assert (result.size, result.how) == (9, "walked")


def test_a_space_that_takes_many_runs_is_counted_exactly() -> None:
    def network(trial: Trial) -> nn.Module:
        for i in range(60):
            trial.suggest_categorical(f"d{i}", list(range(12)))
        return nn.Identity()

    result = survey(network)
    assert (result.size, result.how, result.runs > 600) == (12**60, "factored", True)


def test_a_condition_on_a_long_number_is_said_to_be_unknown_and_the_size_estimated() -> None:
    def network(trial: Trial) -> nn.Module:
        if trial.suggest_int("d", 1, 200) > 100:
            trial.suggest_int("x", 1, 3)
        return nn.Identity()

    result = survey(network)
    assert result.conditions is None
    assert result.how == "estimated"
    assert abs(result.size - 400) < 4 * result.standard_error
    assert str(result).endswith("(under which conditions these are asked could not be told)")


def test_an_estimate_beyond_all_floats_is_still_one() -> None:
    sizes = {f"d{i}": 10 for i in range(330)}
    run = dict.fromkeys(sizes, 0)
    mean, error = estimated_size([run, {**run, "d330": 1}], {**sizes, "d330": 3})
    assert (mean, error) == (2 * 10**330, 10**330)
