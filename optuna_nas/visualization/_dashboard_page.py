"""``Dashboard``: what optuna-dashboard shows of a study beside what it knows itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any
import warnings

from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import torch

from optuna_nas.metrics import Parameters
from optuna_nas.space import build
from optuna_nas.space import Network
from optuna_nas.study._front import front
from optuna_nas.study._remembered_network import network_code
from optuna_nas.study._remembered_network import remembered_network
from optuna_nas.visualization._architecture import plot_architecture
from optuna_nas.visualization._card import card
from optuna_nas.visualization._card_notes import has_note
from optuna_nas.visualization._card_notes import save_card
from optuna_nas.visualization._dashboard import save_plots
from optuna_nas.visualization._dashboard_drawings import address
from optuna_nas.visualization._dashboard_drawings import artifact_store
from optuna_nas.visualization._dashboard_drawings import attach
from optuna_nas.visualization._dashboard_drawings import has_drawing
from optuna_nas.visualization._dashboard_drawings import needs_drawing


CARDS = 20
"""The most at a time: each is read and written with the study, and slows what does so."""

SHARE = 0.015
GROWTH = 1.25
"""How many times more trials there are when plots are saved again; a journal keeps each save."""

DRAWN = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Update:
    """What an update did, and what it could not do.

    Args:
        drawings:
            How many it drew.
        cards:
            How many it wrote, changed or took away.
        missing:
            Why trials have no drawing, by number; under None what holds for all.
    """

    drawings: int = 0
    cards: int = 0
    missing: dict[int | None, str] = field(default_factory=dict)


class Dashboard:
    """Puts drawings, cards and plots of a study where optuna-dashboard shows them.

    Each trial that was trained, to the end or not, has the drawing of its network as an artifact.
    The best trial, or those on the Pareto front (20 at most), have a card: a note with the
    drawing, scores, constraints, costs, curve, decisions, and the code to build it again. The
    study has plots. What is there already is not made again, so that workers may share a study.

    ``optuna-nas dashboard study.journal`` does this in a process of its own. As a callback it is
    for networks that only the searching process knows. It then draws no longer than ``share`` of
    the time that has passed; :meth:`update` makes the rest, during or after the search.

    Example:

        .. code-block:: python

            dashboard = Dashboard("studies/net/artifacts", Net)
            study.optimize(objective, n_trials=100, callbacks=[dashboard])
            dashboard.update(study)

    Args:
        artifacts:
            A folder, which is made, or one of Optuna's artifact stores.
        network:
            The search space; None for the one that the study remembers, if it is one of
            :mod:`optuna_nas.spaces`.
        example:
            A batch of its inputs, as for :func:`plot_architecture`; by default what the study
            remembers.
        share:
            Of the time, for a callback; between 0 and 1.

    Raises:
        ImportError:
            If plotly or optuna-dashboard is missing.
        TypeError:
            If ``artifacts`` is something else.
        ValueError:
            If the folder cannot be made, or the share is not between 0 and 1.
    """

    def __init__(
        self,
        artifacts: str | Path | Any,
        network: Network | None = None,
        *,
        example: Any = None,
        share: float = SHARE,
    ) -> None:
        if not 0 < share < 1:
            raise ValueError(f"share must be between 0 and 1, but is {share!r}.")
        self._artifacts = artifacts
        _check_installed()
        self._store = artifact_store(artifacts)
        self._network = network
        self._example = example
        self._share = share
        self._began: float | None = None
        self._spent = 0.0
        self._seen: set[int] = set()
        self._missing: dict[int | None, str] = {}
        self._carded: set[int] | None = None
        self._pictured: set[int] | None = None
        self._plotted = 0

    def __call__(self, study: Study, trial: FrozenTrial) -> None:
        """As a callback: works while the share lasts. A disk that is full ends no search."""
        now = perf_counter()
        if self._began is None:
            self._began = now - (trial.duration.total_seconds() if trial.duration else 0.0)
        left = self._share * (now - self._began) - self._spent
        try:
            pieces = self._pieces(study) if left > 0 else iter(())
            for _ in pieces:
                if perf_counter() - now > left:
                    break
        except OSError as error:
            warnings.warn(
                f"Dashboard could not write ({error}), and stops; the search goes on. Silence "
                "this with warnings.filterwarnings('ignore', message='Dashboard could not').",
                stacklevel=2,
            )
            self._share = 0.0
        self._spent += perf_counter() - now

    def update(self, study: Study) -> Update:
        """Makes all that is missing.

        Args:
            study:
                In a storage that optuna-dashboard opens; a search may be running.

        Raises:
            ValueError:
                If the folder of the artifacts is gone and cannot be made again.
        """
        made = [*self._pieces(study), *self._last_plots(study)]
        return Update(made.count("drawing"), made.count("card"), dict(self._missing))

    def _pieces(self, study: Study) -> Iterator[str]:
        """Does one thing after the other, and says which."""
        if isinstance(self._artifacts, str | Path) and not Path(self._artifacts).exists():
            artifact_store(self._artifacts)
            self._seen.clear()
        network, example = self._known(study)
        trials = study.get_trials(deepcopy=False, states=DRAWN)
        if network is not None:
            for trial in trials:
                if trial.number not in self._seen:
                    yield self._draw(study, trial, network, example)
        if trials:
            yield from self._cards(study, trials, network)
        if len(trials) > GROWTH * self._plotted:
            yield self._plot(study, len(trials))

    def _last_plots(self, study: Study) -> Iterator[str]:
        """Plots of all there is, once no trial is running."""
        trials = study.get_trials(deepcopy=False)
        count = sum(trial.state in DRAWN for trial in trials)
        if count != self._plotted and all(trial.state != TrialState.RUNNING for trial in trials):
            yield self._plot(study, count)

    def _plot(self, study: Study, count: int) -> str:
        save_plots(study)
        self._plotted = count
        return "plots"

    def _known(self, study: Study) -> tuple[Network | None, Any]:
        network, example = remembered_network(study)
        network = network if self._network is None else self._network
        self._missing.pop(None, None)
        if network is None:
            self._missing[None] = (
                "the study does not say what its network is, so nothing can be drawn"
            )
        return network, example if self._example is None else self._example

    def _draw(self, study: Study, trial: FrozenTrial, network: Network, example: Any) -> str:
        self._seen.add(trial.number)
        attrs = study._storage.get_study_system_attrs(study._study_id)
        if not needs_drawing(study, trial, attrs, self._store):
            return "seen"
        title = f"{study.study_name}, trial {trial.number}"
        try:
            svg = plot_architecture(network, trial, example=example, title=title).svg
        except Exception as error:  # a network of the user's can fail in any way
            if "rejected" not in trial.user_attrs:
                self._missing[trial.number] = f"{type(error).__name__}: {error}"
            return "missing"
        attach(study, trial, svg, self._store)
        return "drawing"

    def _cards(
        self, study: Study, trials: list[FrozenTrial], network: Network | None
    ) -> Iterator[str]:
        attrs = study._storage.get_study_system_attrs(study._study_id)
        if self._carded is None:
            self._carded = {trial.number for trial in trials if has_note(trial, attrs)}
        best = {trial.number: trial for trial in _best(study)}
        drawn = {number for number in best if has_drawing(study, best[number], attrs)}
        if self._carded == set(best) and self._pictured == drawn:
            return
        for trial in trials:
            stale = trial.number in self._carded and trial.number not in best
            if stale and save_card(study, trial, ""):
                yield "card"
        for trial in best.values():
            text = card(
                study,
                trial,
                picture=address(study, trial) if trial.number in drawn else None,
                costs=_costs(network, trial),
                network=network_code(network),
            )
            if save_card(study, trial, text):
                yield "card"
        self._carded, self._pictured = set(best), drawn


def _check_installed() -> None:
    try:
        for package in ("optuna_dashboard", "plotly"):
            import_module(package)
    except ImportError as error:
        raise ImportError(
            f'Dashboard needs {error.name}: pip install "optuna-nas[dashboard,plot]".'
        ) from error


def _best(study: Study) -> list[FrozenTrial]:
    try:
        return front(study)[:CARDS] if len(study.directions) > 1 else front(study)[:1]
    except ValueError:  # no trial is complete and feasible
        return []


def _costs(network: Network | None, trial: FrozenTrial) -> dict[str, float]:
    """The parameters, if they can be counted."""
    if network is None:
        return {}
    try:
        with torch.device("meta"):
            return {"parameters": Parameters().measure(build(network, trial))}
    except Exception:  # a network of the user's can fail in any way
        return {}
