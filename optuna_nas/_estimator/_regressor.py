"""``NASRegressor``: a search for a network that predicts numbers, for scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from sklearn.base import RegressorMixin

from optuna_nas._estimator._arguments import check_arguments
from optuna_nas._estimator._columns import Array
from optuna_nas._estimator._nas_estimator import NASEstimator
from optuna_nas._estimator._targets import numbers_of
from optuna_nas._estimator._validation import read_numbers
from optuna_nas._estimator._validation import read_x
from optuna_nas._estimator._validation import weigh
from optuna_nas.space import Network


class NASRegressor(RegressorMixin, NASEstimator):  # type: ignore[misc]
    """Searches for a network that predicts numbers, trains it, and predicts with it.

    The first trial is a network made by hand, so the search is never worse than that on the rows
    held out. Tables may be arrays or DataFrames with numbers, bools, texts, categories, times and
    missing cells; what prepares them is part of the estimator. Arrays ``[n, height, width(,
    channels)]`` are images, ``[n, time, features]`` sequences: three dimensions are images if they
    are uint8 or as high as wide, unless ``space`` says which.

    Example:

        .. code-block:: python

            regressor = NASRegressor(timeout=60, random_state=0).fit(X_train, y_train)
            regressor.score(X_test, y_test)

    Args:
        space:
            ``"auto"`` (``"tabular"`` for tables, ``"cnn"`` for images, ``"rnn"`` for sequences),
            ``"mlp"``, ``"transformer"``, or a function of a trial that gives an ``nn.Module``. Its
            attribute ``default_params`` is tried first. The module takes ``[n, features]`` with
            categories one-hot, ``[n, channels, height, width]`` or ``[n, time, features]``, all
            standardized.
        sampler:
            As for :func:`optuna_nas.create_study`.
        pruner:
            As for :func:`optuna_nas.create_study`; with several folds nothing is pruned.
        n_trials:
            How many networks to train; None for as many as ``timeout`` allows, or 20 without one.
        timeout:
            Seconds that ``fit`` may take, the last training included; or None.
        epochs:
            How many to train a network, at most. The best epoch counts.
        objectives:
            ``"score"`` first, and then any of ``"latency"``, ``"parameters"`` and ``"flops"``. The
            network with the best score predicts; the others are in ``pareto_front_``.
        cv:
            What share of the rows to hold out, up to 10,000 rows; or a number of folds or a
            splitter, with which a score is the mean over the folds. What prepares X (scales,
            medians, codes), and the scale of a regression's y, are learned on all rows of
            ``fit``, those held out too.
        scoring:
            A name or a scorer of scikit-learn's; by default r2, by the rows' weights.
        ensemble:
            With k > 1, a weighted mean of some of the k best networks (Caruana et al. 2004).
        refit:
            Whether to train again on all rows. If time does not suffice, the network that was
            scored predicts; without, too, and with folds the mean of theirs.
        warm_start:
            Whether another ``fit`` goes on with the study. Otherwise it begins a new one.
        storage:
            As for :func:`optuna_nas.create_study`; each ``fit`` is a study of a new name.
        n_jobs:
            How many networks to train at once, each in a process of joblib's; None is 1, -1 as
            many as there are cores. With several, a fit cannot be repeated exactly.
        device:
            ``"auto"`` (the first CUDA device, else the CPU), or a device of torch's.
        random_state:
            All randomness follows from an int, on the CPU with as many threads; but for a
            ``timeout``, which depends on the clock.
        verbose:
            With 1, a progress bar on stderr, and which space was chosen.

    Attributes:
        best_model_:
            The ``nn.Module`` that predicts, on the CPU, in eval mode; standardized numbers.
        best_params_:
            The architecture and how it was trained, of the trial with the best score.
        best_score_:
            Its score on the rows held out.
        study_:
            The ``optuna.Study``.
        pareto_front_:
            The trials that no other beats in all objectives, best score first.
        history_:
            A dict for each trial: number, state, score, seconds, epochs, params, ...
        ensemble_weights_:
            With ``ensemble``, the weight of each trial by its number.
        ensemble_gain_:
            With ``ensemble``, what it gained over the best network on held-out rows other than
            those that it was selected on.
        n_features_in_:
            How many columns a table has.
        feature_names_in_:
            Their names, if it was a DataFrame with names that are strings.
    """

    def __init__(
        self,
        *,
        space: str | Network = "auto",
        sampler: BaseSampler | str = "tpe",
        pruner: BasePruner | str | None = "successive_halving",
        n_trials: int | None = None,
        timeout: float | None = None,
        epochs: int = 60,
        objectives: tuple[str, ...] = ("score",),
        cv: Any = 0.2,
        scoring: Any = None,
        ensemble: int = 1,
        refit: bool = True,
        warm_start: bool = False,
        storage: BaseStorage | str | Path | None = None,
        n_jobs: int | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.space = space
        self.sampler = sampler
        self.pruner = pruner
        self.n_trials = n_trials
        self.timeout = timeout
        self.epochs = epochs
        self.objectives = objectives
        self.cv = cv
        self.scoring = scoring
        self.ensemble = ensemble
        self.refit = refit
        self.warm_start = warm_start
        self.storage = storage
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NASRegressor:
        """Searches for a network and trains it.

        Args:
            X:
                A DataFrame or an array, rows first.
            y:
                A number for each row, or several: ``[n]`` or ``[n, outputs]``.
            sample_weight:
                Of each row, not negative; in the loss and the default score.

        Raises:
            ValueError:
                If an argument or the data are not as said above.
            TypeError:
                If X is sparse or holds something else than numbers, texts and times.
        """
        check_arguments(self)
        x = read_x(self, X, reset=True)
        numbers = read_numbers(y, x)
        x, numbers, weights, kept = weigh(x, numbers, sample_weight)
        targets = numbers_of(numbers)
        self._search(x, numbers, weights, targets, kept)
        self._targets = targets
        return self

    def predict(self, X: Any) -> Array:
        """Numbers, of the shape of ``y`` in ``fit``.

        Args:
            X:
                With the columns of ``fit``.
        """
        outputs = self._outputs(X)
        numbers: Array = self._targets.predict(outputs)
        return numbers

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
