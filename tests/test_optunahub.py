"""Our samplers, as packages in OptunaHub's layout."""

from __future__ import annotations

from pathlib import Path
import re
from typing import Any

import optuna
import optunahub
import pytest
import yaml

import optuna_nas.samplers


ROOT = Path(__file__).parents[1]
REGISTRY = ROOT / "examples" / "optunahub" / "package"
PACKAGES = {
    "nas_local_search": "LocalSearchSampler",
    "nas_predictor": "PredictorSampler",
    "nas_regularized_evolution": "RegularizedEvolutionSampler",
    "nas_reinforce": "ReinforceSampler",
}

each_package = pytest.mark.parametrize("package", PACKAGES)


def objective(trial: optuna.Trial) -> float:
    return trial.suggest_float("x", 0, 1) + len(trial.suggest_categorical("y", ["a", "bc"]))


def readme(package: str) -> str:
    return (REGISTRY / "samplers" / package / "README.md").read_text()


def front_matter(package: str) -> dict[str, Any]:
    _, head, _ = readme(package).split("---\n", 2)
    kept: dict[str, Any] = yaml.safe_load(head)
    return kept


def test_the_registry_holds_these_packages_and_no_others() -> None:
    found = {path.name for path in (REGISTRY / "samplers").iterdir()}
    assert found == set(PACKAGES)


@each_package
def test_optunahub_loads_a_package_and_its_sampler_proposes_trials(package: str) -> None:
    module = optunahub.load_local_module(f"samplers/{package}", registry_root=str(REGISTRY))
    assert module.__all__ == [PACKAGES[package]]
    sampler = getattr(module, PACKAGES[package])
    assert sampler is getattr(optuna_nas.samplers, PACKAGES[package])
    study = optuna.create_study(sampler=sampler(seed=0))
    study.optimize(objective, n_trials=3)
    assert len(study.trials) == 3


@each_package
def test_a_readme_begins_with_what_the_hub_lists(package: str) -> None:
    head = front_matter(package)
    assert list(head) == ["author", "title", "description", "tags", "optuna_versions", "license"]
    assert head["author"] == "The optuna_nas developers"
    assert head["license"] == "MIT License"
    assert "sampler" in head["tags"]
    assert all(isinstance(text, str) for text in [*head["tags"], *head["optuna_versions"]])
    assert head["title"]
    assert head["description"]


@each_package
def test_a_readme_has_the_sections_of_the_hubs_template(package: str) -> None:
    sections = re.findall(r"^## (.*)$", readme(package), re.MULTILINE)
    assert sections == ["Abstract", "APIs", "Installation", "Example", "Others"]


@each_package
def test_the_example_of_a_readme_runs(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (example,) = re.findall(r"^```python\n(.*?)^```", readme(package), re.DOTALL | re.MULTILINE)
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, f"{package}/README.md", "exec"), namespace)
    assert len(namespace["study"].trials) == 20


@each_package
def test_a_package_carries_the_licence(package: str) -> None:
    licence = (REGISTRY / "samplers" / package / "LICENSE").read_text()
    assert licence == (ROOT / "LICENSE").read_text()


@each_package
def test_a_readme_names_every_argument_with_its_default(package: str) -> None:
    sampler = getattr(optuna_nas.samplers, PACKAGES[package])
    (told,) = re.findall(rf"^`{PACKAGES[package]}\(\*, (.*)\)`$", readme(package), re.MULTILINE)
    defaults = {
        name: repr(parameter) for name, parameter in sampler.__init__.__kwdefaults__.items()
    }
    assert dict(re.findall(r"(\w+): [^=]*? = ([^,\]]+)", told)) == defaults
    assert re.findall(r"^- `(\w+)`: ", readme(package), re.MULTILINE) == list(defaults)
