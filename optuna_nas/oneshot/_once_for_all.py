"""``OnceForAll``: a network of which every architecture is a slice, the largest one.

Nothing is mixed. The sub-network of params p is ``build(network, p)`` without memory, on the meta
device, which is called with slices of the largest network's tensors. So everything that changes
sizes is elastic: numbers of blocks, widths, expansions, kernels, any number or plain categorical.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import cast

from optuna.distributions import BaseDistribution
import torch
from torch import nn
from torch import Tensor
from torch.func import functional_call

from optuna_nas.oneshot._channels import free_groups
from optuna_nas.oneshot._channels import Group
from optuna_nas.oneshot._channels import groups_of
from optuna_nas.oneshot._channels import shrinking
from optuna_nas.oneshot._channels import sort_group
from optuna_nas.oneshot._derive import recalibrate as recalibrate_norms
from optuna_nas.oneshot._drawn import draw
from optuna_nas.oneshot._drawn import matches
from optuna_nas.oneshot._kernels import Kernel
from optuna_nas.oneshot._kernels import kernels_of
from optuna_nas.oneshot._largest import find_largest
from optuna_nas.oneshot._largest import met
from optuna_nas.oneshot._largest import Sketches
from optuna_nas.oneshot._nesting import check_registered
from optuna_nas.oneshot._nesting import check_slices
from optuna_nas.oneshot._same_space import check_same_space
from optuna_nas.oneshot._skeletons import Skeletons
from optuna_nas.oneshot._slices import centre
from optuna_nas.oneshot._slices import constants_of
from optuna_nas.oneshot._slices import convolutions_of
from optuna_nas.oneshot._slices import cut
from optuna_nas.oneshot._slices import tensors_of
from optuna_nas.space import build
from optuna_nas.space import describe
from optuna_nas.space import Network
from optuna_nas.space._walk import most
from optuna_nas.training import generator_for


class OnceForAll(nn.Module):
    """The largest network of a search space, of which all others are slices.

    From it, sub-networks are cut for any latency without training them again (Cai et al. 2020,
    https://arxiv.org/abs/1908.09791). A sub-network's tensor is that of the same name in the
    largest network, and of that the leading entries in each dimension; of a larger kernel the
    centre, times a matrix that is learned (sec. 3.3). So smaller choices must have the names of a
    larger one's tensors, and shapes that fit in theirs, as in :class:`spaces.MobileNet`. Buffers
    that are not saved are no one's slice: each architecture has its own.

    Example:

        .. code-block:: python

            supernet = OnceForAll(spaces.MobileNet(num_classes=10))
            for epoch in train_once_for_all(supernet, train, epochs=20):
                print(epoch)
            module = supernet.derive(supernet.sample(), recalibrate=[X_train])

    Args:
        network:
            The search space.
        values:
            Decisions to fix, those whose choices are no slices of a largest among them.

    Raises:
        TypeError:
            If ``values`` is no dict.
        ValueError:
            If a choice is no slice of the largest network, with all decisions of which that is
            so; or values are illegal or unknown. Every choice is tried with the others at their
            largest, of a number of many values a few; any two together only once they are
            activated.

    Attributes:
        network:
            The search space.
        values:
            The decisions that are fixed, by name.
        decisions:
            The distribution of each that is open, by name, as far as it was met.
        largest:
            The params of the largest network: of each decision the choice with most parameters.
        module:
            The largest network.
        kernels:
            The matrices that make smaller kernels, one module a convolution.
    """

    def __init__(self, network: Network, values: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        if values is not None and not isinstance(values, Mapping):
            raise TypeError(
                "values must be a dict from decision to value, but got "
                f"{values!r} ({type(values).__name__})."
            )
        self.network = network
        self.values = dict(values or {})
        sketches = Sketches(network, self.values)
        found, changes = find_largest(sketches)
        sketches.check_values()
        check_slices(found, changes)
        if sketches.device == "meta":
            check_registered(found.module)
        self.largest = dict(found.params)
        self.values = {name: found.params.get(name, value) for name, value in self.values.items()}
        self.decisions = met(self.values, found, changes)
        self.module = build(network, self.largest)
        self.kernels = nn.ModuleList(kernels_of(found, changes, dict(tensors_of(self.module))))
        self._convolutions = convolutions_of(self.module)
        self._shrinking = shrinking(found, changes)
        self._path: dict[str, Any] | None = None
        self._skeletons = Skeletons(network, self.values, self.module, sketches.device)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Takes and returns what the network does, on the active path."""
        if self._path is None or self._path == self.largest:
            return self.module(*inputs, **named)
        skeleton = self._skeletons[self._path]
        modes = {name: part.training for name, part in self.module.named_modules()}
        for name, part in skeleton.named_modules():
            part.training = modes.get(name, self.module.training)
        return functional_call(skeleton, self._slices(skeleton), inputs, named)

    def weights(self) -> list[nn.Parameter]:
        """Returns the parameters of the largest network and the matrices for smaller kernels."""
        return list(self.parameters())

    @property
    def path(self) -> dict[str, Any] | None:
        """The architecture that is active, or None for the largest."""
        return None if self._path is None else dict(self._path)

    def activate(self, params: Mapping[str, Any] | None) -> None:
        """Sets the architecture that forward passes compute.

        Args:
            params:
                Exactly the names that are active, those of ``values`` included, as
                :meth:`sample` and a ``SampledTrial`` give them; None for the largest.

        Raises:
            ValueError:
                If params do not fit, or the architecture is no slice of the largest.
        """
        if params is not None:
            self._skeletons[params]
        self._path = None if params is None else dict(params)

    def sample(
        self, generator: torch.Generator | None = None, *, drawn: Sequence[str] = ("*",)
    ) -> dict[str, Any]:
        """Draws an architecture, uniformly in each decision.

        Args:
            generator:
                On the CPU; by default torch's own.
            drawn:
                Patterns of the decisions to draw, ``"*/kernel"``. The others are as in the
                largest network.

        Returns:
            Params, exactly the names that are active.

        Raises:
            ValueError:
                If what is drawn can never be built.
        """
        source = generator_for(None) if generator is None else generator

        def answer(name: str, distribution: BaseDistribution) -> Any:
            if name in self.values:
                return self.values[name]
            if matches(name, drawn):
                return draw(distribution, source)
            return self.largest.get(name, most(name, distribution))

        return self._skeletons.drawn(answer)

    def derive(
        self, params: Mapping[str, Any], *, recalibrate: Iterable[Any] | None = None
    ) -> nn.Module:
        """Builds an architecture on its own, with a copy of its slices.

        Args:
            params:
                As for :meth:`activate`.
            recalibrate:
                Batches of inputs (or tuples that begin with them, as a ``DataLoader`` gives them)
                from which the running statistics of batch normalizations are computed anew. Those
                in here are shared by all sub-networks, and fit none.

        Returns:
            What ``build(network, params)`` gives, but for the weights; in train or eval mode as
            the supernet is.
        """
        slices = self._slices(self._skeletons[params])
        with torch.random.fork_rng(devices=[]):
            module = build(self.network, params)
        for name, tensor in tensors_of(module):
            tensor.data = slices[name].detach().clone()
        for part in module.modules():
            if isinstance(part, nn.RNNBase):
                part.flatten_parameters()  # on a GPU, they want their weights in one piece
        if recalibrate is not None:
            recalibrate_norms(module, recalibrate)
        return module.train(self.module.training)

    def sort_channels(self, *example: Any, fixed: Sequence[str] = ()) -> list[str]:
        """Puts the most important channels first, so that smaller widths keep these.

        What the largest network computes stays the same. Importance is the sum of the absolute
        weights of a channel (Cai et al. 2020, sec. 3.3, elastic width). Call it before widths
        shrink in training, and make optimizers after it, whose moments would not follow.

        Args:
            *example:
                Inputs of a forward pass, two rows, with which it is tried out that a new order
                does not change what is computed.
            fixed:
                Patterns of decisions whose smaller choices were trained already: channels that
                shrink with one of these keep their places.

        Returns:
            The tensors with channels that shrink, but must keep their places, since another order
            would change what the largest network computes.

        Raises:
            TypeError:
                If there is no example, or channels shrink in a network that gives no tensor.
        """
        if not example:
            raise TypeError(
                "sort_channels needs an example, the inputs of a forward pass of two rows: "
                "sort_channels(x[:2])."
            )
        groups, free = self._sortable(example, fixed)
        for group in free:
            sort_group(self.module, group)
        return sorted({name for group in groups if group not in free for name, _ in group})

    def get_extra_state(self) -> dict[str, Any]:
        """What a state must agree in to be loaded."""
        decisions = {name: describe(d) for name, d in self.decisions.items()}
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

    def _sortable(
        self, example: Sequence[Any], fixed: Sequence[str]
    ) -> tuple[list[Group], list[Group]]:
        """The groups of channels that may have other places, and those that do not mind."""
        groups = [
            group
            for names, group in groups_of(self.module, self._shrinking)
            if not any(matches(name, fixed) for name in names)
        ]
        return groups, free_groups(self.module, groups, example)

    def _slices(self, skeleton: nn.Module) -> dict[str, Tensor]:
        """Of each of the largest network's tensors what the architecture takes."""
        whole = dict(tensors_of(self.module))
        kernels = cast("Iterable[Kernel]", self.kernels)
        # As functions: hooks of the FLOP counter on modules take no parameters without gradients.
        shrinks = {kernel.name: kernel.forward for kernel in kernels}
        shrink = {name: shrinks.get(name, centre) for name in self._convolutions}
        constants = constants_of(skeleton)
        return {
            name: like.to(whole.get(name, like))
            if name in constants
            else cut(whole[name], like, shrink.get(name))
            for name, like in tensors_of(skeleton)
        }
