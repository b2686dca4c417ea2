"""Blocks worth choosing from. They know torch alone; a dict of factories is a choice."""

from optuna_nas.ops._conv import conv_bn
from optuna_nas.ops._conv import inverted_bottleneck
from optuna_nas.ops._conv import separable_conv
from optuna_nas.ops._nasbench201 import nasbench201_operations
from optuna_nas.ops._nasbench201 import relu_conv_bn
from optuna_nas.ops._nasbench201 import residual_reduction
from optuna_nas.ops._nasbench201 import Zero
from optuna_nas.ops._pointwise import activations
from optuna_nas.ops._pointwise import normalizations
from optuna_nas.ops._residual import Residual


__all__ = [
    "activations",
    "conv_bn",
    "inverted_bottleneck",
    "nasbench201_operations",
    "normalizations",
    "relu_conv_bn",
    "Residual",
    "residual_reduction",
    "separable_conv",
    "Zero",
]
