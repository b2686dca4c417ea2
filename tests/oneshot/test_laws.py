"""Laws 3 and 4 of the design: for the shipped spaces they are tested in tests/spaces."""

import pytest
import torch

from optuna_nas.testing import SpaceTestCase
from tests.oneshot.networks import chain
from tests.oneshot.networks import choice
from tests.oneshot.networks import Sketch
from tests.oneshot.networks import Sum
from tests.space.networks import Net


class TestEveryKindOfDecision(SpaceTestCase):
    max_supernets = 20

    @pytest.fixture
    def network(self):
        return Sketch

    @pytest.fixture
    def example(self):
        return torch.randn(3, 4)


class TestTheReadmesExample(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return Net

    @pytest.fixture
    def example(self):
        return torch.randn(2, 20)


class TestANetworkThatIsADecision(SpaceTestCase):
    @pytest.fixture(params=[choice, chain, Sum])
    def network(self, request):
        return request.param

    @pytest.fixture
    def example(self):
        return torch.randn(2, 4)
