"""Is it a search space? A question with a machine's answer: the laws, as a class to inherit."""

from __future__ import annotations

from collections.abc import Callable
import json
import pickle
import random
from typing import Any

from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from optuna.distributions import BaseDistribution
import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_nas.oneshot import Supernet
from optuna_nas.space import build
from optuna_nas.space import Network
from optuna_nas.space import survey
from optuna_nas.testing._params import params_of
from optuna_nas.testing._params import replay
from optuna_nas.testing._params import supernet_for


LONGEST_CHOICE = 32
META = torch.device("meta")


class SpaceTestCase:
    """The laws that hold for every search space, as property tests.

    Inherit from it and say which search space in the fixture ``network``; with the fixture
    ``example``, forward passes are tested too. Where hypothesis finds params that break a law, it
    shows the simplest.

    Example:

        .. code-block:: python

            class TestMySpace(SpaceTestCase):
                @pytest.fixture
                def network(self):
                    return MySpace()

                @pytest.fixture
                def example(self):
                    return torch.randn(2, 20)

    Attributes:
        device:
            Where networks are built when weights do not matter; set it to
            ``torch.device("cpu")`` for a network that reads tensors while it is made.
        max_examples:
            How many params are drawn for each law.
        max_supernets:
            How many are drawn for the laws of supernets, which take longer.
    """

    device = META
    max_examples = 20
    max_supernets = 10

    @pytest.fixture
    def network(self) -> Network:
        """The search space."""
        raise NotImplementedError

    @pytest.fixture
    def example(self) -> Tensor | None:
        """An input of two rows, or None to test no forward passes."""
        return None

    def test_building_from_params_asks_exactly_these(self, network: Network) -> None:
        def law(params: dict[str, Any]) -> None:
            with self.device:
                build(network, json.loads(json.dumps(params)))
                asked = list(replay(network, params)[1])
            assert asked == list(params), f"from {list(params)}, it asked {asked}"

        self._for_all_params(network, law)

    def test_one_decision_has_one_distribution(self, network: Network) -> None:
        search_space: dict[str, BaseDistribution] = {}

        def law(params: dict[str, Any]) -> None:
            with self.device:
                asked = replay(network, params)[1]
            for name, distribution in asked.items():
                before = search_space.setdefault(name, distribution)
                assert distribution == before, f"{name!r}: {distribution}, but before {before}"

        self._for_all_params(network, law)

    def test_what_is_built_depends_on_params_and_torchs_seed_only(self, network: Network) -> None:
        def law(params: dict[str, Any]) -> None:
            first = _seeded(lambda: build(network, params), python_seed=0)
            again = _seeded(lambda: replay(network, params)[0], python_seed=1)
            assert repr(first) == repr(again), f"{first} and then {again}"
            _assert_same_tensors(first, again)
            shared = _tensors(first) & _tensors(again)
            assert not shared, "two modules that were built from the same params share weights"

        self._for_all_params(network, law)

    def test_survey_knows_every_decision(self, network: Network) -> None:
        search_space = survey(network).search_space

        def law(params: dict[str, Any]) -> None:
            with self.device:
                asked = replay(network, params)[1]
            for name, distribution in asked.items():
                known = search_space.get(name)
                assert distribution == known, f"{name!r}: {distribution}, but survey says {known}"

        self._for_all_params(network, law)

    def test_building_leaves_the_space_as_it_was(self, network: Network) -> None:
        before = pickle.dumps(network)

        def law(params: dict[str, Any]) -> None:
            with self.device:
                build(network, params)
            assert pickle.dumps(network) == before, f"building changed {network!r}"

        self._for_all_params(network, law)

    def test_a_pickled_copy_builds_the_same(self, network: Network) -> None:
        copy: Network = pickle.loads(pickle.dumps(network))

        def law(params: dict[str, Any]) -> None:
            with self.device:
                module, asked = replay(network, params)
                copied, asked_by_copy = replay(copy, params)
            assert asked == asked_by_copy, f"{asked}, but the copy asked {asked_by_copy}"
            assert repr(module) == repr(copied), f"{module}, but the copy gives {copied}"

        self._for_all_params(network, law)

    def test_choices_are_short(self, network: Network) -> None:
        def law(params: dict[str, Any]) -> None:
            with self.device:
                asked = replay(network, params)[1]
            for name, distribution in asked.items():
                for choice in getattr(distribution, "choices", ()):
                    assert len(str(choice)) <= LONGEST_CHOICE, (
                        f"{name!r} has a choice of over {LONGEST_CHOICE} characters, {choice!r}; "
                        "choices are what people read in the dashboard"
                    )

        self._for_all_params(network, law)

    def test_every_architecture_runs(self, network: Network, example: Tensor | None) -> None:
        if example is None:
            pytest.skip("the fixture example gives no input")
        kept, shapes = example.clone(), set[torch.Size]()

        def law(params: dict[str, Any]) -> None:
            module = _seeded(lambda: build(network, params))
            for mode in (True, False):
                module.train(mode)
                out = _seeded(lambda: module(example))
                where = f"in {'train' if mode else 'eval'} mode"
                assert isinstance(out, Tensor), f"{where} it gives {type(out).__name__}"
                assert out.isfinite().all(), f"{where} it gives numbers that are not finite"
                assert len(out) == len(example), f"{where} it gives {len(out)} rows"
                shapes.add(out.shape)
                if mode and out.requires_grad:
                    torch.autograd.backward(out.sum())
            assert torch.equal(example, kept), "the forward pass changed its input"
            assert len(shapes) == 1, f"the shape of the output varies: {sorted(shapes)}"

        self._for_all_params(network, law)

    def test_what_a_supernet_proposes_can_be_built(self, network: Network) -> None:
        def law(supernet: Supernet, params: dict[str, Any]) -> None:
            samples = [supernet.sample() for _ in range(3)]
            for proposal in (*samples, *supernet.proposals(3)):
                with self.device:
                    build(network, json.loads(json.dumps(proposal)))
                    asked = list(replay(network, proposal)[1])
                assert asked == list(proposal), f"from {list(proposal)}, it asked {asked}"
                supernet.activate(json.loads(json.dumps(proposal)))

        self._for_all_supernets(network, law)

    def test_a_supernets_path_computes_what_is_derived(
        self, network: Network, example: Tensor | None
    ) -> None:
        def law(supernet: Supernet, params: dict[str, Any]) -> None:
            derived, keys = supernet.derive(params), build(network, params).state_dict().keys()
            assert derived.state_dict().keys() == keys, f"{[*derived.state_dict()]}, not {[*keys]}"
            supernet.activate(params)
            for mode in (True, False) if example is not None else ():
                supernet.train(mode), derived.train(mode)
                path, alone = _seeded(lambda: supernet(example)), _seeded(lambda: derived(example))
                where = f"in {'train' if mode else 'eval'} mode"
                assert _equal(path, alone), f"{where} {params} computes another thing alone"

        self._for_all_supernets(network, law)

    def _for_all_supernets(
        self, network: Network, law: Callable[[Supernet, dict[str, Any]], None]
    ) -> None:
        """Params decide on numbers and plain categoricals; the supernet leaves the rest open."""
        made = 0

        def with_supernet(params: dict[str, Any]) -> None:
            nonlocal made
            supernet = _seeded(lambda: supernet_for(network, params))
            if supernet is not None:
                made += 1
                _seeded(lambda: law(supernet, params))

        self._for_all_params(network, with_supernet, self.max_supernets)
        if made == 0:
            pytest.skip("the space asks for no module, repeat or inputs that a supernet could mix")

    def _for_all_params(
        self,
        network: Network,
        law: Callable[[dict[str, Any]], None],
        max_examples: int | None = None,
    ) -> None:
        @settings(
            max_examples=min(max_examples or self.max_examples, self.max_examples),
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],  # to draw params is to build networks
        )
        @given(params_of(network, self.device))
        def run(params: dict[str, Any]) -> None:
            law(params)

        run()


def _seeded(make: Callable[[], Any], python_seed: int = 0) -> Any:
    """Calls with torch's seed 0; Python's differs, for a space that uses it is not one."""
    random.seed(python_seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make()


def _assert_same_tensors(module: nn.Module, other: nn.Module) -> None:
    state, others = module.state_dict(), other.state_dict()
    assert list(state) == list(others), f"{list(state)} and then {list(others)}"
    for name, tensor in state.items():
        assert torch.equal(tensor, others[name]), f"{name} depends on more than torch's seed"


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    return len(one) == len(other) and all(map(_equal, one, other))


def _tensors(module: nn.Module) -> set[int]:
    return {tensor.data_ptr() for tensor in module.state_dict().values() if tensor.numel()}
