"""``Rejected``: a candidate that cannot be trained. To Optuna it is pruned; we keep the reason."""

from __future__ import annotations

from optuna.exceptions import TrialPruned
import torch


class Rejected(TrialPruned):
    """A candidate that cannot be trained: a loss that is not a number, no memory for it, ...

    It is a :class:`optuna.TrialPruned`, so the study goes on.

    Args:
        reason:
            What is wrong with the candidate, in words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"rejected: {self.reason}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whichever device.

    Args:
        error:
            Any exception.
    """
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    # On the CPU torch has no class for it: its allocator raises a bare RuntimeError, which only
    # the allocator's name in the message tells from a bug in the network.
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
