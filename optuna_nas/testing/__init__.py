"""Behaviour as inheritable test classes, as Optuna ships them; needs pytest and hypothesis."""

from optuna_nas.testing._space import SpaceTestCase


__all__ = ["SpaceTestCase"]
