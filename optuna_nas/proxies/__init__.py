"""What an untrained network promises, ``(module, batch) -> float``; more is better."""

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._fisher import fisher
from optuna_nas.proxies._grad_norm import grad_norm
from optuna_nas.proxies._grasp import grasp
from optuna_nas.proxies._jacob_cov import jacob_cov
from optuna_nas.proxies._l2_norm import l2_norm
from optuna_nas.proxies._naswot import naswot
from optuna_nas.proxies._proxy import Proxy
from optuna_nas.proxies._scored import Unscored
from optuna_nas.proxies._snip import snip
from optuna_nas.proxies._synflow import synflow
from optuna_nas.proxies._vote import vote
from optuna_nas.proxies._zen import zen
from optuna_nas.proxies._zico import zico


__all__ = [
    "Batch",
    "fisher",
    "grad_norm",
    "grasp",
    "jacob_cov",
    "l2_norm",
    "naswot",
    "Proxy",
    "snip",
    "synflow",
    "Unscored",
    "vote",
    "zen",
    "zico",
]
