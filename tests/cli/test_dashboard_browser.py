"""The pages as people see them, in a headless Chromium; skipped where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import shutil
from typing import Any

import optuna
import pytest
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas._cli._dashboard_server import serving
from optuna_nas.visualization import Dashboard
from tests.cli.conftest import PATIENCE


waiting = pytest.importorskip("selenium.webdriver.support.wait")

MARKUP = '<img src=x onerror="window.injected=1"><script>window.injected=1</script>[a](/x) `b` |'


class Page:
    """A page of the dashboard, once it shows a text."""

    def __init__(self, browser: Any, url: str, text: str) -> None:
        self._browser = browser
        browser.get(url)
        self.wait(lambda: text in self.text)

    def wait(self, until: Callable[[], Any]) -> None:
        wait = waiting.WebDriverWait(self._browser, PATIENCE)
        wait.until(lambda _: until())

    def js(self, expression: str) -> Any:
        return self._browser.execute_script(f"return {expression}")

    @property
    def text(self) -> str:
        return str(self.js("document.body?.innerText ?? document.documentElement.textContent"))

    def images(self) -> dict[str, int]:
        """The width of each image, 0 of a broken one, once all are loaded or broken."""
        self.wait(lambda: self.js("[...document.images].every(i => i.complete)"))
        pairs = self.js("[...document.images].map(i => [new URL(i.src).pathname, i.naturalWidth])")
        return dict(pairs)

    def is_clean(self) -> bool:
        """Whether no markup of a name became part of the page."""
        injected = self.js("window.injected")
        elements = self.js('document.querySelectorAll(\'img[src="x"], a[href="/x"]\').length')
        return injected is None and elements == 0


def curve(module: nn.Module, trial: Any) -> float:
    for step in range(1, 4):
        trial.report(0.2 * step, step)
    return 0.6 + 0.01 * trial.number


class Odd(metrics.Parameters):
    """A metric whose name is markup."""

    name = MARKUP


def odd(trial: Any) -> nn.Module:
    width = trial.suggest_int("width", 1, 3)
    trial.suggest_categorical(MARKUP, [MARKUP])
    trial.set_user_attr(MARKUP, MARKUP)
    return nn.Linear(4, width)


def searched(path: Path, name: str, network: Any, *evaluators: Any) -> optuna.Study:
    study = create_study(
        directions=["maximize", "minimize"],
        storage=path / "study.journal",
        study_name=name,
        seed=0,
        pruner=None,
    )
    objective = Objective(network, *evaluators, example=torch.zeros(2, 4))
    study.optimize(objective, n_trials=4)
    assert not Dashboard(path / "artifacts", network).update(study).missing
    return study


def best(study: optuna.Study) -> int:
    return int(study.best_trials[0].number)


def test_study_trial_and_drawing_are_shown_and_a_broken_image_is_found(
    browser: Any, tmp_path: Path
) -> None:
    network = spaces.MLP(in_features=4, out_features=2)
    study = searched(tmp_path, "flowers", network, curve, metrics.Parameters())
    with serving(study._storage, tmp_path / "artifacts", 0) as port:
        home = f"http://127.0.0.1:{port}"
        page = Page(browser, f"{home}/dashboard", "flowers")
        browser.save_screenshot(str(tmp_path / "home.png"))

        page = Page(browser, f"{home}/dashboard/studies/0", "curve")  # the objective's name
        page.wait(lambda: page.js("document.querySelectorAll('.js-plotly-plot').length") > 2)
        page.wait(lambda: "Curves, and where they ended" in page.js("document.body.textContent"))
        browser.save_screenshot(str(tmp_path / "study.png"))

        url = f"{home}/dashboard/studies/0/trials?numbers={best(study)}"
        page = Page(browser, url, "on the Pareto front")
        page.wait(lambda: len(page.js("[...document.images]")) >= 2)  # in the card and below
        browser.save_screenshot(str(tmp_path / "trial.png"))
        (drawing,) = images = page.images()
        assert images[drawing] > 100
        for part in ("Decisions", "optuna_nas.build(network, params)", "in 3 reports"):
            assert part in page.text

        page = Page(browser, f"{home}{drawing}", "flowers, trial")
        page.wait(lambda: page.js("document.documentElement.tagName") == "svg")
        browser.save_screenshot(str(tmp_path / "drawing.png"))

        shutil.rmtree(tmp_path / "artifacts")
        broken = Page(browser, url, "on the Pareto front")
        broken.wait(lambda: len(broken.js("[...document.images]")) >= 2)
        assert broken.images()[drawing] == 0


def test_markup_in_names_choices_and_attrs_is_text_on_every_page(
    browser: Any, tmp_path: Path
) -> None:
    study = searched(tmp_path, MARKUP, odd, curve, Odd())
    with serving(study._storage, tmp_path / "artifacts", 0) as port:
        home = f"http://127.0.0.1:{port}/dashboard"
        assert Page(browser, home, MARKUP).is_clean()

        page = Page(browser, f"{home}/studies/0", MARKUP)
        page.wait(lambda: "Curves, and where they ended" in page.js("document.body.textContent"))
        assert page.is_clean()

        url = f"{home}/studies/0/trials?numbers={best(study)}"
        page = Page(browser, url, "on the Pareto front")
        page.wait(lambda: len(page.js("[...document.images]")) >= 2)
        browser.save_screenshot(str(tmp_path / "markup.png"))
        assert page.is_clean()
        assert all(page.images().values())
        note = page.js("document.querySelector('h3').closest('div').innerText")
        assert note.count(MARKUP) >= 2

        (drawing,) = page.images()
        page = Page(browser, home.removesuffix("/dashboard") + drawing, MARKUP)
        assert page.is_clean()
        assert page.js("document.querySelectorAll('script, img, foreignObject').length") == 0
