from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_nas import build
from optuna_nas import spaces
from optuna_nas.training._morphism import Morphism
from optuna_nas.training._morphism import morphism
from optuna_nas.training._morphism_identity import undo_normalization
from optuna_nas.training._morphism_layers import layers_of


def used(module: nn.Module, x: Tensor, steps: int = 3) -> nn.Module:
    """Trained a little, so that no statistic is 0 or 1 and no bias is 0."""
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    for _ in range(steps):
        loss = module.train()(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module.eval()


def passed_on(old: nn.Module, new: nn.Module) -> Morphism:
    tensors = {name: x.clone() for name, x in old.state_dict().items()}
    made = morphism(new, layers_of(old), tensors, torch.Generator().manual_seed(0))
    new.load_state_dict(made.state, strict=False)
    new.eval()
    return made


def difference(old: nn.Module, new: nn.Module, x: Tensor) -> float:
    with torch.no_grad():
        return float((old.eval()(x) - new.eval()(x)).abs().max())


def size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def mlp(*widths: int, act: Any = nn.ReLU, norm: Any = None) -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in zip((6, *widths), widths, strict=False):
        layers += [nn.Linear(before, after), *([norm(after)] if norm else []), act()]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(widths[-1], 3))


def cnn(*widths: int, kernel: int = 3, norm: bool = True, flat: bool = False) -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in zip((1, *widths), widths, strict=False):
        layers.append(nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=not norm))
        layers += [nn.BatchNorm2d(after)] if norm else []
        layers.append(nn.ReLU())
    pixels = 64 if flat else 1
    pool = nn.Identity() if flat else nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(*layers, pool, nn.Flatten(), nn.Linear(pixels * widths[-1], 3))


ROWS, IMAGES = torch.randn(32, 6), torch.randn(32, 1, 8, 8)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (mlp(8, 8), mlp(20, 8)),
        (mlp(8, 8, act=nn.GELU), mlp(13, 31, act=nn.GELU)),
        (mlp(8, act=nn.Tanh, norm=nn.BatchNorm1d), mlp(9, act=nn.Tanh, norm=nn.BatchNorm1d)),
        (mlp(8, 8, norm=nn.LayerNorm), mlp(16, 24, norm=nn.LayerNorm)),
        (cnn(4, 6, norm=False), cnn(7, 20, norm=False)),
        (cnn(4, 6), cnn(7, 20)),
        (cnn(4, 6, flat=True), cnn(7, 8, flat=True)),
        (cnn(4, 6), cnn(4, 6, kernel=5)),
        (cnn(4, 6, norm=False), cnn(6, 9, kernel=7, norm=False)),
    ],
    ids=str,
)  # fmt: skip
def test_a_wider_chain_computes_the_same(old: nn.Module, new: nn.Module) -> None:
    x = ROWS if isinstance(old[0], nn.Flatten) else IMAGES  # type: ignore[index]
    old = used(old, x)
    before = difference(old, new, x)
    made = passed_on(old, new)
    assert difference(old, new, x) < 1e-5 < before
    assert not made.copying
    assert made.inherited <= size(new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (mlp(8), mlp(8, 8, 8)),
        (mlp(8, norm=nn.BatchNorm1d), mlp(8, 8, norm=nn.BatchNorm1d)),
        (mlp(8, 4), mlp(8, 20, 20, 4)),
        (mlp(8, 8), mlp(12, 12, 16)),
        (cnn(4, norm=False), cnn(4, 4, norm=False)),
        (cnn(4, 6), cnn(4, 6, 6)),
        (cnn(4, 6), cnn(9, 9, 11, kernel=5)),
        (cnn(4, 6, flat=True), cnn(5, 9, 9, flat=True)),
    ],
    ids=str,
)
def test_a_deeper_chain_with_relu_computes_the_same(old: nn.Module, new: nn.Module) -> None:
    x = ROWS if isinstance(old[0], nn.Flatten) else IMAGES  # type: ignore[index]
    old = used(old, x)
    before = difference(old, new, x)
    made = passed_on(old, new)
    assert difference(old, new, x) < 1e-5 < before
    assert made.copying
    assert made.inherited + made.identities <= size(new)


def test_with_tanh_a_deeper_chain_is_another_function() -> None:
    old = used(mlp(8, act=nn.Tanh), ROWS)
    new = mlp(8, 8, act=nn.Tanh)
    passed_on(old, new)
    assert difference(old, new, ROWS) > 1e-3


CHILDREN: list[tuple[str, Mapping[str, Any]]] = [
    ("mlp", {"width": 64}),
    ("mlp", {"width": 64, "residual": True}),
    ("mlp", {"depth": 4}),
    ("cnn", {"stage0/width": 24}),
    ("cnn", {"stage1/width": 64}),
    ("cnn", {"stage0/kernel": 5, "stage1/kernel": 5}),
    ("cnn", {"stage0/blocks": 2, "stage1/width": 64}),
    ("cnn", {"stage0/op": "separable", "stage0/width": 32}),
    ("cnn", {"stage1/op": "inverted", "stage1/expansion": 3}),
    ("cnn", {"stage0/skip": True, "stage0/width": 32}),
    ("cnn", {"stage0/skip": True, "stage0/blocks": 2, "stage0/width": 24}),
    ("cnn", {"stage1/skip": True, "stage1/op": "inverted", "stage1/blocks": 2}),
    ("cnn", {"pool": "avg", "stages": 3}),
]
PARENTS: Mapping[str, Mapping[str, Any]] = {
    "mlp": {
        "width": 32, "depth": 3, "activation": "relu", "norm": "batch", "dropout": 0.1,
        "residual": False,
    },
    "cnn": {
        "stages": 2, "pool": "max",
        **{f"stage{i}/{name}": value for i in range(3) for name, value in {
            "width": 16 << i, "op": "conv", "kernel": 3, "expansion": 2, "skip": False,
            "blocks": 1,
        }.items()},
    },
}  # fmt: skip


def candidate(space: str, params: Mapping[str, Any]) -> nn.Module:
    if space == "mlp":
        return build(spaces.MLP(in_features=6, out_features=3), dict(params))
    stages = int(params["stages"])
    asked = {
        name: value
        for name, value in params.items()
        if not (name.startswith("stage") and "/" in name and int(name[5]) >= stages)
        and not (name.endswith("expansion") and params[f"{name[:6]}/op"] != "inverted")
    }
    return build(spaces.CNN(input_shape=(1, 8, 8), num_classes=3), asked)


@pytest.mark.parametrize(("space", "changed"), CHILDREN, ids=str)
def test_what_evolution_grows_in_our_spaces_computes_the_same(
    space: str, changed: Mapping[str, Any]
) -> None:
    """From a parent that shares what is not a width, a kernel or a depth with the child."""
    grown = ("width", "kernel", "expansion", "depth", "blocks", "stages")
    shared = {n: v for n, v in changed.items() if not n.endswith(grown)}
    if "stage1/expansion" in changed:
        shared = dict(changed, **{"stage1/expansion": 2})
    parent = {**PARENTS[space], **shared}
    x = ROWS if space == "mlp" else IMAGES
    torch.manual_seed(0)
    old, new = used(candidate(space, parent), x), candidate(space, {**parent, **changed})
    passed_on(old, new)
    assert difference(old, new, x) < 1e-5


def test_a_new_residual_block_adds_nothing_in_training_too() -> None:
    params = {**PARENTS["cnn"], "stage0/skip": True}
    old = used(candidate("cnn", params), IMAGES)
    new = candidate("cnn", {**params, "stage0/blocks": 2})
    made = passed_on(old, new)
    assert made.identities > 0
    assert not made.copying
    torch.testing.assert_close(new.train()(IMAGES), old.train()(IMAGES), atol=1e-5, rtol=0)


def test_a_new_batch_normalization_undoes_itself_in_training_too() -> None:
    old = used(cnn(4, 6), IMAGES)
    new = cnn(4, 6, 6)
    made = passed_on(old, new)
    undo_normalization(new, made.copying, IMAGES)
    assert difference(old, new, IMAGES) < 1e-5
    norm = new.get_submodule("7")
    norm.train()
    with torch.no_grad():
        torch.testing.assert_close(new(IMAGES), old(IMAGES), atol=1e-5, rtol=0)


def test_copies_of_a_unit_do_not_remain_copies() -> None:
    old, new = used(mlp(8), ROWS), mlp(16)
    passed_on(old, new)
    first = new.get_submodule("1")
    assert isinstance(first, nn.Linear)
    assert torch.equal(first.weight[:8], first.weight[8:])
    used(new, ROWS, steps=1)
    live = first.weight.grad[:8].abs().sum(dim=1) > 0  # type: ignore[index]
    apart = (first.weight[:8] - first.weight[8:]).abs().sum(dim=1) > 0
    assert live.any()
    assert torch.equal(apart, live)


@pytest.mark.parametrize(("old", "new"), [(mlp(16, 16), mlp(8, 4)), (cnn(9, 9), cnn(4, 6))])
def test_what_became_smaller_has_the_leading_units(old: nn.Module, new: nn.Module) -> None:
    made = passed_on(old, new)
    assert made.inherited == size(new)
    for name, x in new.state_dict().items():
        theirs = old.state_dict()[name]
        assert torch.equal(x, theirs[tuple(map(slice, x.shape))])


def test_a_smaller_kernel_is_the_centre() -> None:
    old, new = cnn(4, 6, kernel=5), cnn(4, 6)
    passed_on(old, new)
    theirs = old.state_dict()["3.weight"][:, :, 1:4, 1:4]
    assert torch.equal(new.state_dict()["3.weight"], theirs)


class Own(nn.Module):
    """Parameters of its own, which nothing is known of."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(*shape))


@pytest.mark.parametrize(
    ("old", "new", "inherited"),
    [
        (Own(4, 6), Own(5, 3), 12),
        (nn.Embedding(9, 4), nn.Embedding(9, 6), 36),
        (nn.LSTM(3, 4), nn.LSTM(3, 6), 4 * (4 * 3 + 4 * 4 + 4 + 4)),
        (nn.Conv2d(4, 8, 3, groups=2), nn.Conv2d(4, 16, 3, groups=2), 0),
        (nn.Conv2d(4, 8, 3, groups=2), nn.Conv2d(4, 8, 3, groups=2), 4 * 8 // 2 * 9 + 8),
        (nn.Linear(4, 8, bias=False), nn.Linear(4, 8), 32),
        (nn.Linear(4, 8), nn.Conv1d(4, 8, 3), 0),
        (nn.Conv2d(4, 8, 1), nn.Conv2d(4, 8, 3), 0),
    ],
    ids=str,
)
def test_other_layers_give_a_slice_and_keep_the_rest_fresh(
    old: nn.Module, new: nn.Module, inherited: int
) -> None:
    fresh = {name: x.clone() for name, x in new.state_dict().items()}
    made = passed_on(old, new)
    assert made.inherited == inherited
    moved = sum(int((x != fresh[name]).sum()) for name, x in new.state_dict().items())
    assert moved == inherited


def test_gates_that_lie_one_under_the_other_are_not_mixed() -> None:
    old, new = nn.LSTM(3, 4), nn.LSTM(3, 6)
    passed_on(old, new)
    for ours, theirs in zip(new.weight_hh_l0.chunk(4), old.weight_hh_l0.chunk(4), strict=True):
        assert torch.equal(ours[:4, :4], theirs)


def test_behind_a_new_layer_with_a_path_of_its_own_nothing_is_the_identity() -> None:
    class Sum(nn.Module):
        def __init__(self, *branches: nn.Module) -> None:
            super().__init__()
            self.branches = nn.ModuleList(branches)

    old, new = Sum(nn.Linear(4, 4)), Sum(nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4)))
    made = passed_on(old, new)
    assert made.identities == 0
    assert set(made.state) == {"branches.0.weight", "branches.0.bias"}
