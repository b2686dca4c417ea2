"""``load`` and ``load_program``: what comes back, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
import pickle
import shutil
from zipfile import ZIP_DEFLATED
from zipfile import ZipFile

import numpy as np
import pytest
from safetensors.torch import load_file
from safetensors.torch import save_file
import torch
from torch import nn

import optuna_nas
from optuna_nas import spaces
from optuna_nas._export import Fitted
from optuna_nas._export import load
from optuna_nas._export import load_program
from optuna_nas._export._draft import write


EXAMPLE = torch.randn(5, 4)
PARAMS = {
    "depth": 1,
    "width": 32,
    "activation": "relu",
    "norm": "none",
    "dropout": 0.0,
    "residual": False,
    "lr": 0.1,
}
MLP = spaces.MLP(4, 2)


class Own(nn.Module):
    """A network of one's own."""

    def __init__(self, trial) -> None:
        super().__init__()
        self.linear = nn.Linear(4, trial.suggest_int("width", 1, 8))

    def forward(self, x):
        return self.linear(x)


def mlp() -> nn.Module:
    architecture = {name: value for name, value in PARAMS.items() if name != "lr"}
    return optuna_nas.build(MLP, architecture).eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write(Fitted(mlp(), network=MLP, params=PARAMS, example=EXAMPLE), folder, onnx=False)
    return folder


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(exported, tmp_path / "model"))


def change(folder: Path, **what: object) -> None:
    model = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**model, **what}))


def test_a_module_comes_back_to_go_on_training(folder: Path) -> None:
    loaded = load(folder)
    assert loaded.params == PARAMS
    assert loaded.network == MLP
    assert loaded.classes is None
    assert loaded.prepare(EXAMPLE.numpy()).equal(EXAMPLE)
    assert np.allclose(load_program(folder).predict(EXAMPLE), loaded.module(EXAMPLE).detach())
    loaded.module(EXAMPLE).sum().backward()
    assert all(parameter.grad is not None for parameter in loaded.module.parameters())


def test_a_network_of_ones_own_is_asked_for_and_never_imported(tmp_path: Path) -> None:
    params = {"width": 3}
    module = optuna_nas.build(Own, params)
    write(Fitted(module, network=Own, params=params, example=EXAMPLE), tmp_path, onnx=False)
    with pytest.raises(ValueError, match=r"of a search space of one's own \('Own'\), .* network="):
        load(tmp_path)
    weights = load(tmp_path, network=Own).module.state_dict()
    assert all(value.equal(weights[name]) for name, value in module.state_dict().items())
    with pytest.raises(ValueError, match=r"params do not fit the network: missing"):
        load(tmp_path, network=MLP)


@pytest.mark.parametrize("name", ["os.system", "from_dict", "__builtins__", "_mlp", None])
def test_nothing_but_shipped_spaces_is_taken_from_a_file(name, folder: Path) -> None:
    change(folder, network={"space": name, "fields": {"command": "false"}})
    with pytest.raises(ValueError, match=r"which only you have: give it as network="):
        load(folder)


def test_fields_that_a_space_does_not_have_are_told(folder: Path) -> None:
    change(folder, network={"space": "MLP", "fields": {"features": 3}})
    with pytest.raises(ValueError, match=r"model.json has no legal MLP: .*'features'"):
        load(folder)


def test_without_params_the_remedy_is_told(tmp_path: Path) -> None:
    write(Fitted(nn.Linear(4, 2), example=EXAMPLE), tmp_path, onnx=False)
    with pytest.raises(ValueError, match=r"exported without network and params.*load_file"):
        load(tmp_path)
    assert load_file(tmp_path / "weights.safetensors").keys() == {"network.weight", "network.bias"}


def test_weights_that_do_not_fit_are_told(folder: Path) -> None:
    path = folder / "weights.safetensors"
    weights = load_file(path)
    first, second, *_ = weights
    changed = {**weights, first: torch.zeros(1, 1), "network.more": torch.zeros(1)}
    del changed[second]
    save_file(changed, path)
    told = rf"{second.removeprefix('network.')} is missing, more is unknown, .* has shape \(1, 1\)"
    with pytest.raises(ValueError, match=told):
        load(folder)
    path.write_bytes(pickle.dumps({"weight": 1}))
    with pytest.raises(ValueError, match=r"weights.safetensors' holds no weights"):
        load(folder)


@pytest.mark.parametrize("read", [load, load_program])
def test_a_folder_that_is_no_export_is_told(read, folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no folder '.*nowhere'"):
        read(folder / "nowhere")
    change(folder, version=2)
    with pytest.raises(ValueError, match=r"has version 2 of the format, but this library reads 1"):
        read(folder)
    change(folder, format="another")
    with pytest.raises(ValueError, match=r"is no export: model.json is not ours"):
        read(folder)
    (folder / "model.json").write_text("{")
    with pytest.raises(ValueError, match=r"is no export: model.json cannot be read: Expecting"):
        read(folder)
    (folder / "model.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"no complete export: model.json is missing\.$"):
        read(folder)
    (folder / "model").mkdir()
    (folder / "model" / "model.json").touch()
    with pytest.raises(FileNotFoundError, match=r"is missing\. Did you mean '.*/model'\?$"):
        read(folder)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("classes", 3, r"is no export: classes of model.json is 3\.$"),
        ("inputs", [], r"is no export: inputs of model.json is \[\]\.$"),
        ("inputs", {"kind": "../x"}, r"model.json has inputs of no kind we know"),
        ("params", "x", r"is no export: params of model.json is 'x'\.$"),
        ("params", {}, r"model.json has no legal params: \{\}\.$"),
        ("params", {"members": [3]}, r"model.json has no legal params: 3\.$"),
    ],
)
def test_a_model_json_that_was_edited_is_told(name: str, value, told: str, folder: Path) -> None:
    change(folder, **{name: value})
    with pytest.raises(ValueError, match=told):
        load(folder)


def test_a_model_json_that_is_nested_without_end_is_told(folder: Path) -> None:
    (folder / "model.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"model.json cannot be read: maximum recursion depth"):
        load(folder)


def test_no_memory_is_given_for_sizes_that_the_weights_do_not_have(folder: Path) -> None:
    change(folder, network={"space": "MLP", "fields": {"in_features": 10**12, "out_features": 2}})
    told = r"weights do not fit the network: .* has shape \(32, 4\) in place of \(32, 10{12}\)"
    with pytest.raises(ValueError, match=told):
        load(folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_program_is_refused_that_hides_a_file_or_grows_when_unpacked(
    folder: Path, exported: Path
) -> None:
    path = folder / "program.pt2"
    with ZipFile(path, "a", ZIP_DEFLATED) as archive:
        archive.writestr("archive/zeros", bytes(10**6))
    with pytest.raises(ValueError, match=r"unpacked it has .* bytes, more than largest=1,000,000"):
        load_program(folder, largest=10**6)
    shutil.copy(exported / path.name, path)
    with ZipFile(path, "a") as archive:
        archive.writestr(archive.namelist()[0], b"")
    with pytest.raises(ValueError, match=r"is refused: two files in it have one name"):
        load_program(folder)


@pytest.mark.parametrize(
    ("read", "name"), [(load, "weights.safetensors"), (load_program, "program.pt2")]
)
def test_files_too_large_missing_or_elsewhere_are_refused(
    read, name: str, folder: Path, exported: Path
) -> None:
    with pytest.raises(ValueError, match=r"bytes, more than largest=10"):
        read(folder, largest=10)
    size = (folder / "model.json").stat().st_size
    with pytest.raises(ValueError, match=rf"{name} of '.*' has .* bytes, more than largest="):
        read(folder, largest=size)
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"no complete export: {name} is missing"):
        read(folder)
    (folder / name).symlink_to(exported / name)
    with pytest.raises(ValueError, match=rf"{name} of '.*' leads out of the folder"):
        read(folder)


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("evil"),)


@pytest.mark.parametrize("where", ["sample inputs", "weights", "objects", "no archive"])
def test_a_program_with_a_pickle_is_refused_before_it_is_read(
    where: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = folder / "program.pt2"
    with ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    (inputs,) = [name for name in files if name.endswith("model.pt")]
    (weights,) = [name for name in files if name.endswith("weights_config.json")]
    if where == "sample inputs":
        torch.save(Evil(), tmp_path / "inputs")
        files[inputs] = (tmp_path / "inputs").read_bytes()
    else:
        payload = {"path_name": "weight_0", "use_pickle": True}
        if where == "objects":
            payload = {"path_name": "custom_obj_0", "use_pickle": False}
        files[weights] = json.dumps({"config": {"w": payload}}).encode()
    with ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    if where == "no archive":
        path.write_bytes(pickle.dumps(Evil()))
    told = r"is no program of torch.export" if where == "no archive" else r"is refused: .* in it"
    with pytest.raises(ValueError, match=told):
        load_program(folder)
    assert not Path("evil").exists()


def test_a_runtime_that_there_is_not_is_told(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"runtime must be None, 'torch' or 'onnx', but is 'tf'"):
        load_program(folder, runtime="tf")
    with pytest.raises(ValueError, match=r"there is no model.onnx in .*: onnx=False was given"):
        load_program(folder, runtime="onnx")


def test_a_program_without_classes_has_no_probabilities_and_needs_rows(folder: Path) -> None:
    program = load_program(folder)
    with pytest.raises(ValueError, match=r"this model has no classes"):
        program.predict_proba(EXAMPLE)
    with pytest.raises(ValueError, match=r"there are no rows to predict"):
        program.predict(EXAMPLE[:0])
    assert program.predict(EXAMPLE[:1]).shape == (1, 2)
    assert program.predict(EXAMPLE.repeat(500, 1)).shape == (2500, 2)
