"""What scikit-learn does with its default parameters, on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping

from problems import Table
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.svm import SVR


def mlp(train: Table, test: Table, seed: int) -> float:
    if train.is_classification:
        return scaled(MLPClassifier(random_state=seed), train, test)
    return scaled(MLPRegressor(random_state=seed), train, test)


def svm(train: Table, test: Table, seed: int) -> float:
    return scaled(SVC() if train.is_classification else SVR(), train, test)


def boosting(train: Table, test: Table, seed: int) -> float:
    make = HistGradientBoostingClassifier
    if not train.is_classification:
        make = HistGradientBoostingRegressor
    categorical = range(train.numeric, train.x.shape[1])
    model = make(categorical_features=list(categorical), random_state=seed)
    return float(model.fit(train.x, train.y).score(test.x, test.y))


def scaled(model: BaseEstimator, train: Table, test: Table) -> float:
    """Numbers and the target standardized, categories one-hot."""
    if not train.is_classification:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    numeric, columns = train.numeric, train.x.shape[1]
    inputs = make_column_transformer(
        (StandardScaler(), list(range(numeric))),
        (OneHotEncoder(handle_unknown="ignore"), list(range(numeric, columns))),
    )
    return float(make_pipeline(inputs, model).fit(train.x, train.y).score(test.x, test.y))


METHODS: Mapping[str, Callable[[Table, Table, int], float]] = {
    "MLP": mlp,
    "SVM": svm,
    "boosting": boosting,
}
