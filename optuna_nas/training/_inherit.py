"""``Inherit``: a child takes what fits of its parent's weights, and needs fewer epochs for it.

Nothing is kept in memory: who has weights stands in the trials, the weights are artifacts. So it
works across workers and after a resume.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from typing import TypeAlias
from uuid import uuid4
import warnings

from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.trial import FrozenTrial
import torch
from torch import nn
from torch import Tensor

from optuna_nas.training._inherit_arguments import check_artifacts
from optuna_nas.training._inherit_arguments import check_epochs_of_heirs
from optuna_nas.training._inherit_arguments import check_share
from optuna_nas.training._inherit_arguments import to_bytes_of
from optuna_nas.training._inherit_file import from_bytes
from optuna_nas.training._inherit_file import to_bytes
from optuna_nas.training._inherit_folder import Folder
from optuna_nas.training._inherit_folder import Store
from optuna_nas.training._inherit_kept import best_then_youngest
from optuna_nas.training._inherit_kept import number_ended
from optuna_nas.training._inherit_kept import to_remove
from optuna_nas.training._inherit_kept import WEIGHTS
from optuna_nas.training._inherit_kept import with_weights
from optuna_nas.training._inherit_parent import closest
from optuna_nas.training._morphism import morphism
from optuna_nas.training._morphism_identity import undo_normalization


Parent: TypeAlias = Callable[[FrozenTrial, Sequence[FrozenTrial]], FrozenTrial | None]
"""From a trial and those with weights, the best first, to one of these or None."""

INHERITED = "inherited"
"""User attr: ``from``, and ``share``, ``identity`` and ``epochs_before``; or ``why`` nothing."""

DAMAGED = "weights of trial "
"""How a ``why`` begins if there should have been weights."""

ROWS = 256
"""How many rows tell the statistics that an inserted batch normalisation undoes."""


@dataclass(frozen=True)
class Inherit:
    """Where weights are kept, and what a trial that inherits some is spared.

    A trial takes the weights of the trial that it was mutated from, where a sampler of ours noted
    that; else, or if its parent has none, of the one whose architecture differs in the fewest
    decisions, at most a quarter; of several the best. What is wider or deeper computes the same as
    before, where that can be (Chen et al. 2016, https://arxiv.org/abs/1511.05641); of what became
    smaller it has a slice (Elsken et al. 2019, https://arxiv.org/abs/1804.09081); the rest is
    fresh. The optimizer starts anew. Pruned trials leave weights too, rejected ones none.

    The trial's user attr ``inherited`` has ``from`` (a trial's number), ``share`` (of the
    parameters, taken), ``identity`` (of the parameters, in new layers that begin as the identity)
    and ``epochs_before`` (that its ancestors were trained); or ``from`` None and ``why``.

    Example:

        .. code-block:: python

            train = Train(data, valid, epochs=20, inherit=Inherit("weights", epochs=5))

    Args:
        artifacts:
            A folder, or one of Optuna's artifact stores. All workers have to reach it.
        budget:
            How much there may be in it for a study: bytes, or ``"500 MB"``. When it is full,
            weights of failed trials go first, and of those that still run when a hundred others
            have ended since they were trained: their worker was killed. Then of pruned ones, then
            of the worst (with several objectives, of the oldest). Those of the best, or of the
            front, stay. Workers that write at the same moment may exceed it by what they write.
        epochs:
            How many a trial that inherits is trained, at most as many as :class:`Train` has: the
            last ones of its schedule, since high rates would undo what was inherited. None for as
            many, with all of the schedule.
        max_fresh:
            The largest share of parameters that are neither inherited nor in a layer that was
            added as the identity; beyond it, a trial is trained from scratch.
        parent:
            A function of (trial, candidates) that chooses the trial to inherit from, or None.

    Raises:
        TypeError:
            If ``artifacts`` or ``parent`` is something else.
        ValueError:
            If another argument is not what is said above, or the folder cannot be made; from a
            trial, if ``parent`` gives what is not among the candidates.
    """

    artifacts: str | Path | Store
    budget: int | str = "1 GB"
    epochs: int | None = None
    max_fresh: float = 0.1
    parent: Parent | None = None

    def __post_init__(self) -> None:
        check_artifacts(self.artifacts)
        to_bytes_of(self.budget)
        check_epochs_of_heirs(self.epochs)
        check_share(self.max_fresh)
        if self.parent is not None and not callable(self.parent):
            raise TypeError(
                "parent must be a function of (trial, candidates) or None, but is "
                f"{self.parent!r}."
            )

    def pass_on(
        self, module: nn.Module, trial: Any, generator: torch.Generator, inputs: Tensor | None
    ) -> bool:
        """Gives a module what fits of an earlier trial's weights; returns whether it did.

        Args:
            module:
                A candidate, on its device.
            trial:
                Its trial. One without a study has no parents.
            generator:
                On the CPU, for the shares of copies.
            inputs:
                Rows of X on the device, for statistics; None if they are not known.
        """
        parent = self._parent_of(trial)
        if parent is None:
            return self._from_scratch(trial, "no trial that is near enough has weights")
        try:
            layers, tensors = from_bytes(self._read(parent))
        except (ArtifactNotFound, OSError, ValueError) as error:
            self._warn_once(trial)
            return self._from_scratch(trial, f"{DAMAGED}{parent.number}: {error}")
        made = morphism(module, layers, tensors, generator)
        total = sum(parameter.numel() for parameter in module.parameters())
        # In the place of a layer that is lost, the identity is no more than a fresh start.
        fresh = total - made.inherited - (0 if made.lost else made.identities)
        if not made.inherited or fresh > self.max_fresh * total:
            share = made.inherited / max(1, total)
            return self._from_scratch(
                trial, f"of trial {parent.number} only {share:.0%} of the parameters fit"
            )
        module.load_state_dict(made.state, strict=False)
        if inputs is not None:
            undo_normalization(module, made.copying, inputs[:: -(-len(inputs) // ROWS)])
        note = {
            "from": parent.number,
            "share": made.inherited / total,
            "identity": made.identities / total,
            "epochs_before": _lineage(parent),
        }
        trial.set_user_attr(INHERITED, note)
        return True

    def keep(self, module: nn.Module, trial: Any) -> None:
        """Keeps a module's weights, once others have made room for them.

        Args:
            module:
                A candidate after training.
            trial:
                Its trial, which still runs. Nothing is kept of one without a study.
        """
        study = getattr(trial, "study", None)
        if study is None:
            return
        content, budget = to_bytes(module), to_bytes_of(self.budget)
        trials = study.get_trials(deepcopy=False)
        removed = to_remove(trials, study.directions, len(content), budget)
        if removed is None:
            trial.set_user_attr(
                WEIGHTS, {"why": f"no room for {len(content)} bytes in a budget of {budget}"}
            )
            return
        artifact = f"weights-{uuid4()}"
        note = {
            "artifact": artifact,
            "bytes": len(content),
            "sha256": sha256(content).hexdigest(),
            "removed": [other.number for other in removed],
            "ended": number_ended(trials),
        }
        # Before the file, so that no file is unknown, whenever this process is killed.
        trial.set_user_attr(WEIGHTS, note)
        for other in removed:
            self._remove(other.user_attrs[WEIGHTS]["artifact"])
        self._write(artifact, content)

    def _parent_of(self, trial: Any) -> FrozenTrial | None:
        study = getattr(trial, "study", None)
        if study is None:
            return None
        trials = study.get_trials(deepcopy=False)
        ended = [t for t in with_weights(trials) if t.state.name in ("COMPLETE", "PRUNED")]
        if not ended:
            return None
        candidates = best_then_youngest(ended, study.directions)
        if self.parent is None:
            return closest(trials[trial.number], candidates)
        chosen = self.parent(trials[trial.number], candidates)
        if chosen is not None and all(chosen is not candidate for candidate in candidates):
            raise ValueError(
                f"parent must return one of the candidates or None, but returned {chosen!r}."
            )
        return chosen

    def _warn_once(self, trial: Any) -> None:
        """In a study, that is, whoever works on it: trials remember it, and warnings do not."""
        for other in trial.study.get_trials(deepcopy=False):
            if str(other.user_attrs.get(INHERITED, {}).get("why")).startswith(DAMAGED):
                return
        warnings.warn(
            "the weights of an earlier trial are gone or damaged, so a trial was trained from "
            "scratch; its user attr 'inherited' says why. Silence this with "
            "warnings.filterwarnings('ignore', message='the weights of an earlier trial').",
            stacklevel=2,
        )

    def _from_scratch(self, trial: Any, why: str) -> bool:
        trial.set_user_attr(INHERITED, {"from": None, "why": why})
        return False

    @property
    def _store(self) -> Store:
        if isinstance(self.artifacts, str | Path):
            return Folder(self.artifacts)
        return self.artifacts

    def _read(self, parent: FrozenTrial) -> bytes:
        told = parent.user_attrs[WEIGHTS]
        with self._store.open_reader(told["artifact"]) as file:
            content = file.read()
        if sha256(content).hexdigest() != told["sha256"]:
            raise ValueError(f"{len(content)} bytes that are not the {told['bytes']} written")
        return content

    def _remove(self, artifact: str) -> None:
        # Another worker may have been faster, or read it just now.
        with suppress(ArtifactNotFound, OSError):
            self._store.remove(artifact)

    def _write(self, artifact: str, content: bytes) -> None:
        try:
            self._store.write(artifact, BytesIO(content))
        except OSError as error:
            warnings.warn(
                f"weights could not be written to artifacts={str(self.artifacts)!r}: "
                f"{error.strerror}. The search goes on. Silence this with "
                "warnings.filterwarnings('ignore', message='weights could not be written').",
                stacklevel=2,
            )


def _lineage(parent: FrozenTrial) -> int:
    """The epochs that a trial and its ancestors were trained."""
    earlier: int = parent.user_attrs.get(INHERITED, {}).get("epochs_before", 0)
    return earlier + int(parent.user_attrs.get("epochs", 0))


def check_inherit(inherit: Any, epochs: int | None, fidelities: Sequence[Any]) -> None:
    """Checks what :class:`Train` is given.

    Args:
        inherit:
            An :class:`Inherit` or None.
        epochs:
            Those of a training from scratch.
        fidelities:
            Cheaper trainings.

    Raises:
        TypeError:
            If ``inherit`` is something else.
        ValueError:
            If it has more epochs, or there are fidelities too.
    """
    if inherit is None:
        return
    if not isinstance(inherit, Inherit):
        raise TypeError(
            f"inherit must be training.Inherit(folder, ...) or None, but is {inherit!r}."
        )
    if fidelities:
        raise ValueError(
            "inherit and fidelities do not go together: at each fidelity training begins afresh. "
            "Give one of them."
        )
    if epochs is not None and inherit.epochs is not None and inherit.epochs > epochs:
        raise ValueError(
            f"Inherit has epochs={inherit.epochs}, but Train has only {epochs}: what inherits is "
            "trained for as many or fewer."
        )
