"""Ours, and what scikit-learn's users would take instead."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import optuna
from problems import Split
from sklearn.compose import make_column_selector
from sklearn.compose import make_column_transformer
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.preprocessing import OneHotEncoder
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.svm import SVR

from optuna_nas import NASClassifier
from optuna_nas import NASRegressor


def ours(data: Split, seed: int, seconds: float, **arguments: Any) -> float:
    make = NASClassifier if data.is_classification else NASRegressor
    model = make(n_trials=None, timeout=seconds, random_state=seed, **arguments)
    return float(model.fit(data.train_x, data.train_y).score(data.test_x, data.test_y))


def prepared(data: Split, model: Any) -> Any:
    """Behind an imputer, a scaler and one-hot columns; numbers to predict are standardized."""
    if not data.is_classification:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    if not hasattr(data.train_x, "columns"):
        return make_pipeline(StandardScaler(), model)
    days = FunctionTransformer(_day_and_weekday)
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include=["number", "bool"])),
        (one_hot, make_column_selector(dtype_include=["object", "str", "category"])),
        (make_pipeline(days, one_hot), make_column_selector(dtype_include="datetime")),
    )
    return make_pipeline(columns, model)


def _day_and_weekday(times: Any) -> Any:
    return times.apply(lambda column: column.dt.weekday)


def alone(data: Split, seed: int, seconds: float, classifier: Any, regressor: Any) -> float:
    model = prepared(data, (classifier if data.is_classification else regressor)(seed))
    return float(model.fit(data.train_x, data.train_y).score(data.test_x, data.test_y))


def boosting(data: Split, seed: int, seconds: float) -> float:
    classes = data.is_classification
    make = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    x, test_x = data.train_x, data.test_x
    if hasattr(x, "columns"):
        x, test_x = _for_boosting(x), _for_boosting(test_x)
    model = make(random_state=seed, categorical_features="from_dtype")
    return float(model.fit(x, data.train_y).score(test_x, data.test_y))


def _for_boosting(table: Any) -> Any:
    """Texts become categories, and days their weekday, which is what matters here."""
    texts = {name: table[name].astype("category") for name in ("town", "plan")}
    return table.assign(**texts, day=table["day"].dt.weekday)


def tuned_mlp(data: Split, seed: int, seconds: float) -> float:
    """scikit-learn's perceptron, tuned by Optuna's TPE; time is left to fit the best again."""
    started, longest = perf_counter(), 0.0
    classes = data.train_y if data.is_classification else None
    parts = train_test_split(
        data.train_x, data.train_y, test_size=0.2, random_state=seed, stratify=classes
    )
    inner = Split(*parts)

    def objective(trial: optuna.Trial) -> float:
        return alone(inner, seed, 0.0, *_asked(trial))

    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed)
    )
    study.enqueue_trial(DEFAULT_MLP)
    while perf_counter() - started + 2 * longest < seconds:
        before = perf_counter()
        study.optimize(objective, n_trials=1)
        longest = max(longest, perf_counter() - before)
    return alone(data, seed, 0.0, *_asked(study.best_trial))


DEFAULT_MLP = {
    "width": 100,
    "depth": 1,
    "alpha": 1e-4,
    "learning_rate_init": 1e-3,
    "activation": "relu",
    "early_stopping": False,
}
"""What scikit-learn has, as the first trial."""


def _asked(trial: Any) -> tuple[Callable[[int], Any], Callable[[int], Any]]:
    width = trial.suggest_int("width", 16, 512, log=True)
    depth = trial.suggest_int("depth", 1, 3)
    arguments = {
        "hidden_layer_sizes": (width,) * depth,
        "alpha": trial.suggest_float("alpha", 1e-6, 1.0, log=True),
        "learning_rate_init": trial.suggest_float("learning_rate_init", 1e-4, 3e-2, log=True),
        "activation": trial.suggest_categorical("activation", ["relu", "tanh", "logistic"]),
        "early_stopping": trial.suggest_categorical("early_stopping", [False, True]),
    }
    return (
        lambda seed: MLPClassifier(**arguments, random_state=seed),
        lambda seed: MLPRegressor(**arguments, random_state=seed),
    )


METHODS: dict[str, Callable[[Split, int, float], float]] = {
    "ours": ours,
    "ours, ensemble": partial(ours, ensemble=8),
    "ours, random": partial(ours, sampler="random"),
    "MLP, tuned": tuned_mlp,
    "MLP": partial(
        alone,
        classifier=lambda seed: MLPClassifier(random_state=seed),
        regressor=lambda seed: MLPRegressor(random_state=seed),
    ),
    "boosting": boosting,
    "SVM": partial(alone, classifier=lambda seed: SVC(), regressor=lambda seed: SVR()),
}
