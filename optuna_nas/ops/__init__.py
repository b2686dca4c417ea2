"""Blocks worth choosing from. They know torch alone; a dict of factories is a choice."""

from optuna_nas.ops._attention import SelfAttention
from optuna_nas.ops._batch_ensemble import BatchEnsembleLinear
from optuna_nas.ops._batch_ensemble import EnsembleHeads
from optuna_nas.ops._batch_ensemble import EnsembleInputs
from optuna_nas.ops._categories import CategoryEmbedding
from optuna_nas.ops._categories import Columns
from optuna_nas.ops._categories import OneHot
from optuna_nas.ops._conv import conv_bn
from optuna_nas.ops._conv import inverted_bottleneck
from optuna_nas.ops._conv import separable_conv
from optuna_nas.ops._darts import darts_operations
from optuna_nas.ops._darts import FactorizedReduction
from optuna_nas.ops._drop_path import DropPath
from optuna_nas.ops._hierarchical import hierarchical_primitives
from optuna_nas.ops._mobile import depthwise_conv
from optuna_nas.ops._mobile import SqueezeExcite
from optuna_nas.ops._nasbench201 import nasbench201_operations
from optuna_nas.ops._nasbench201 import relu_conv_bn
from optuna_nas.ops._nasbench201 import residual_reduction
from optuna_nas.ops._nasbench201 import Zero
from optuna_nas.ops._numeric_embeddings import PeriodicEmbedding
from optuna_nas.ops._numeric_embeddings import PiecewiseLinearEmbedding
from optuna_nas.ops._partial import PartialChannels
from optuna_nas.ops._pointwise import activations
from optuna_nas.ops._pointwise import normalizations
from optuna_nas.ops._recurrent import Last
from optuna_nas.ops._recurrent import Mean
from optuna_nas.ops._recurrent import recurrent_layers
from optuna_nas.ops._residual import Residual
from optuna_nas.ops._tokens import Patches
from optuna_nas.ops._tokens import positional_encodings


__all__ = [
    "activations",
    "BatchEnsembleLinear",
    "CategoryEmbedding",
    "Columns",
    "conv_bn",
    "darts_operations",
    "depthwise_conv",
    "DropPath",
    "EnsembleHeads",
    "EnsembleInputs",
    "FactorizedReduction",
    "hierarchical_primitives",
    "inverted_bottleneck",
    "Last",
    "Mean",
    "nasbench201_operations",
    "normalizations",
    "OneHot",
    "PartialChannels",
    "Patches",
    "PeriodicEmbedding",
    "PiecewiseLinearEmbedding",
    "positional_encodings",
    "recurrent_layers",
    "relu_conv_bn",
    "Residual",
    "residual_reduction",
    "SelfAttention",
    "separable_conv",
    "SqueezeExcite",
    "Zero",
]
