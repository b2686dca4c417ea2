"""Whether the largest network holds all others as slices, and what to do where it does not."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from torch import Tensor

from optuna_nas.oneshot._largest import Change
from optuna_nas.oneshot._largest import Skeleton
from optuna_nas.oneshot._slices import constants_of
from optuna_nas.oneshot._slices import convolutions_of
from optuna_nas.oneshot._slices import fits
from optuna_nas.oneshot._slices import tensors_of


def check_slices(largest: Skeleton, changes: Sequence[Change]) -> None:
    """Raises unless the largest architecture holds those with one other choice.

    Args:
        largest:
            The architecture.
        changes:
            What one other choice makes of it.

    Raises:
        ValueError:
            With all decisions that have a choice which is no slice, and the remedy.
    """
    wrong: dict[str, str] = {}
    for change in changes:
        problem = misfit(change.skeleton.module, largest.module)
        if problem and change.name not in wrong:
            wrong[change.name] = f"decision {change.name!r}: with {change.choice!r}, {problem}"
    if wrong:
        values = {name: largest.params[name] for name in wrong}
        raise ValueError(
            "The largest network does not hold all others as slices: "
            f"{'; '.join(wrong.values())}. Fix what stays as it is, values={values}, or take the "
            "other choices out of the search space."
        )


def misfit(small: nn.Module, largest: nn.Module) -> str | None:
    """Returns the first tensor that is no slice, and why; None if all are.

    Args:
        small:
            A network.
        largest:
            The one that should hold it.
    """
    whole = dict(tensors_of(largest))
    kernels = convolutions_of(largest)
    constants = constants_of(small)
    for name, tensor in tensors_of(small):
        shape = tuple(tensor.shape)
        if name in constants:
            continue
        if name not in whole:
            return f"tensor {name!r} {shape} is not in the largest network"
        if not fits(shape, whole[name].shape, name in kernels):
            return f"tensor {name!r} {shape} does not fit in {tuple(whole[name].shape)}"
    return None


def check_registered(module: nn.Module) -> None:
    """Raises if a module keeps a tensor that is neither parameter nor buffer.

    Nobody could give it the largest network's.

    Args:
        module:
            A network on the meta device.
    """
    for name, part in module.named_modules():
        for attribute, value in vars(part).items():
            if isinstance(value, Tensor):
                raise ValueError(
                    f"{type(part).__name__} ({name or 'the network'}) keeps a tensor in "
                    f"{attribute!r} that is neither a parameter nor a buffer, so it cannot be "
                    f"shared. Write self.register_buffer({attribute!r}, ..., persistent=False)."
                )
