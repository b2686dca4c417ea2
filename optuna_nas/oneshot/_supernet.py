"""``Supernet``: all architectures of a search space in one module, with shared weights."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from itertools import islice
import math
from typing import Any
from typing import cast

import torch
from torch import nn

from optuna_nas.oneshot._derive import inherit
from optuna_nas.oneshot._derive import recalibrate as recalibrate_norms
from optuna_nas.oneshot._gate import Gate
from optuna_nas.oneshot._gate import Relaxation
from optuna_nas.oneshot._gate import softmax
from optuna_nas.oneshot._mixed_network import mixed_network
from optuna_nas.oneshot._proposals import nearest
from optuna_nas.oneshot._proposals import Ranking
from optuna_nas.oneshot._replay import checked
from optuna_nas.oneshot._replay import replay
from optuna_nas.oneshot._same_space import check_same_space
from optuna_nas.space import build
from optuna_nas.space import Network


class Supernet(nn.Module):
    """A network in which every decision about structure is still open.

    Its forward pass is the network's. As a mixture, each decision gives the sum of what all of its
    options give, weighed by the relaxation of its gate (DARTS: Liu et al. 2019,
    https://arxiv.org/abs/1806.09055, eq. 2). With a path set by :meth:`activate`, it computes one
    architecture and touches nothing else, in time and in memory.

    Example:

        .. code-block:: python

            supernet = optuna_nas.Supernet(Net, values={"width": 32})
            weights = torch.optim.SGD(supernet.weights(), lr=0.1)
            gates = torch.optim.Adam(supernet.architecture_parameters(), lr=3e-4)
            ...  # train both
            module = supernet.derive(supernet.params())

    Args:
        network:
            The search space. What one decision chooses from takes and gives the same shapes, and
            does not work in place.
        values:
            What numbers and plain categoricals are, which cannot be mixed: a dict, or a trial (so
            that Optuna picks widths while gradients pick operations). In a dict, a value for a
            module, a repeat or a node fixes it.

    Raises:
        ValueError:
            If values are missing, illegal or unknown, or the network asks for no module, repeat
            or inputs at all.

    Attributes:
        network:
            The search space.
        values:
            The decisions that are not open, by name.
        module:
            The network with its mixtures.
        gates:
            One for each open decision; see :attr:`decisions`.
        relaxation:
            From the logits of a gate to the weights of its mixture; by default ``softmax``. It is
            called once a forward pass for each decision. What has weight 0 is not computed.
    """

    def __init__(self, network: Network, values: Mapping[str, Any] | Any | None = None) -> None:
        super().__init__()
        self.module, trial = mixed_network(network, values)
        self.network = network
        self.values = trial.values
        self.gates = nn.ModuleList(trial.gates.values())
        self.relaxation: Relaxation = softmax
        self._asks = trial.asks
        self._path: dict[str, Any] | None = None

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Takes and returns what the network does."""
        if self._path is not None:
            return self.module(*inputs, **named)
        with self._weighed():
            return self.module(*inputs, **named)

    @property
    def decisions(self) -> dict[str, Gate]:
        """The gate of each open decision, by name, in the order first asked."""
        return {gate.name: gate for gate in cast("Iterable[Gate]", self.gates)}

    def architecture_parameters(self) -> list[nn.Parameter]:
        """Returns the gates' logits, one parameter for each open decision."""
        return [gate.logits for gate in self.decisions.values()]

    def weights(self) -> list[nn.Parameter]:
        """Returns the parameters of all options and of what is around them."""
        return list(self.module.parameters())

    @property
    def path(self) -> dict[str, Any] | None:
        """The architecture that is active, or None for the mixture."""
        return None if self._path is None else dict(self._path)

    def activate(self, params: Mapping[str, Any] | None) -> None:
        """Sets the architecture that forward passes compute.

        Args:
            params:
                Exactly the names that are active, those of ``values`` included, as
                :meth:`params`, :meth:`sample` and a ``SampledTrial`` give them; None for the
                mixture of all.

        Raises:
            ValueError:
                If params do not fit, with all that is wrong.
        """
        taken = {} if params is None else self._checked(params)
        for name, gate in self.decisions.items():
            gate.taken = taken.get(name)
        self._path = None if params is None else dict(params)

    def params(self) -> dict[str, Any]:
        """Returns the derived architecture: of each decision the strongest, of inputs the k."""
        return self._replay({name: ranking[0][0] for name, ranking in self._rankings().items()})

    def sample(self, generator: torch.Generator | None = None) -> dict[str, Any]:
        """Draws an architecture from the gates.

        Args:
            generator:
                On the CPU; by default torch's own.

        Returns:
            Params, exactly the names that are active.
        """
        drawn = {}
        for name, gate in self.decisions.items():
            logs = gate.log_probabilities()
            p = torch.tensor([math.exp(log) for log in logs.values()], device="cpu")
            i = int(torch.multinomial(p, 1, generator=generator))
            drawn[name] = list(logs)[i]
        return self._replay(drawn)

    def probabilities(self) -> dict[str, dict[Any, float]]:
        """Returns, for each open decision, the probability of each choice that was not dropped.

        It is the softmax of the logits, whatever the relaxation. The choices of inputs are
        combinations, ``"0+2"``.
        """
        return {
            name: {choice: math.exp(log) for choice, log in gate.log_probabilities().items()}
            for name, gate in self.decisions.items()
        }

    def proposals(self, n: int) -> list[dict[str, Any]]:
        """Returns the derived architecture and the most probable ones near it.

        Args:
            n:
                How many at the most.

        Returns:
            Params that differ, exactly the active names of each; :meth:`params` first, the others
            by their probability. Fewer than n if the space has fewer.
        """
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ValueError(f"n must be an int of at least 1, but got {n!r}.")
        leading = {name for _, context in self._asks for name, _ in context}
        (_, derived), *others = islice(nearest(self._rankings(), leading, self._replay), n)
        others.sort(key=lambda proposal: -proposal[0])
        return [derived, *(params for _, params in others)]

    def derive(
        self, params: Mapping[str, Any], *, recalibrate: Iterable[Any] | None = None
    ) -> nn.Module:
        """Builds an architecture on its own, with a copy of the weights that it has in here.

        Args:
            params:
                As for :meth:`activate`.
            recalibrate:
                Batches of inputs (or tuples that begin with them, as a ``DataLoader`` gives them)
                from which the running statistics of batch normalizations are computed anew. After
                training with many paths they fit no single one (Guo et al. 2020,
                https://arxiv.org/abs/1904.00420, sec. 3.4).

        Returns:
            What ``build(network, params)`` gives, but for the weights; in train or eval mode as
            the supernet is.
        """
        taken = self._checked(params)
        with torch.random.fork_rng(devices=[]):
            module = build(self.network, params)
        inherit(module, self.module, taken)
        if recalibrate is not None:
            recalibrate_norms(module, recalibrate)
        return module.train(self.module.training)

    def drop(self, name: str, *labels: Any) -> None:
        """Takes options out of the search: out of the mixture, and out of what is proposed.

        Args:
            name:
                The decision.
            *labels:
                Options of a module, numbers of blocks of a repeat, or inputs (ints).

        Raises:
            ValueError:
                If the decision is not open, has no such option, or too few would be left.
        """
        gates = self.decisions
        if name not in gates:
            raise ValueError(
                f"{name!r} is no open decision of this supernet, which has "
                f"{', '.join(map(repr, gates))}."
            )
        gates[name].drop(labels)

    def get_extra_state(self) -> dict[str, Any]:
        """What a state must agree in to be loaded."""
        decisions = {name: list(gate.choices) for name, gate in self.decisions.items()}
        return {"decisions": decisions, "values": dict(self.values)}

    def set_extra_state(self, state: Mapping[str, Any]) -> None:
        """Checks that a state is of this search space.

        Args:
            state:
                From :meth:`get_extra_state`.

        Raises:
            ValueError:
                If it is not, with all that differs.
        """
        check_same_space(state, self.get_extra_state())

    def _checked(self, params: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        return checked(self._asks, self.decisions, self.values, params)

    def _replay(self, choices: Mapping[str, Any]) -> dict[str, Any]:
        answers = {**self.values, **choices}
        return replay(self._asks, self.decisions, answers.__getitem__)[0]

    def _rankings(self) -> dict[str, Ranking]:
        return {
            name: sorted(gate.log_probabilities().items(), key=lambda item: -item[1])
            for name, gate in self.decisions.items()
        }

    @contextmanager
    def _weighed(self) -> Iterator[None]:
        """Weighs each decision once, for all cells that share it, and for one forward pass."""
        gates = list(self.decisions.values())
        try:
            weights = [gate.relaxed(self.relaxation) for gate in gates]
            if any(weight.is_meta for weight in weights):
                raise ValueError(
                    "A mixture computes what its gates say, which have no values on the meta "
                    "device, where FLOPs are counted. Ask of one architecture: of "
                    "supernet.derive(params), or after supernet.activate(params)."
                )
            numbers = iter(torch.cat(weights).tolist())  # one transfer from a GPU, not many
            for gate, weight in zip(gates, weights, strict=True):
                gate.weigh(weight, list(islice(numbers, len(weight))))
            yield
        finally:
            for gate in gates:
                gate.weights = None


def check_supernet(supernet: Any) -> None:
    """Raises unless it is a :class:`Supernet`: a mixture with gates, trained as a whole.

    Args:
        supernet:
            What was given as one.
    """
    if not isinstance(supernet, Supernet):
        raise TypeError(
            f"supernet must be a Supernet, Supernet(network, values), but got {supernet!r} "
            f"({type(supernet).__name__}). Of a FewShot take each of its supernets; a OnceForAll "
            "has a training of its own, train_once_for_all."
        )
