"""Makes dashboard.png: a search of digits, served, and a trial's page in a headless Chromium.

    python docs/pictures/dashboard.py

It needs chromium, chromedriver and selenium.
"""

from __future__ import annotations

from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from time import sleep

import optuna
from selenium import webdriver
from sklearn.datasets import load_digits
import torch

from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas._cli._dashboard_server import serving
from optuna_nas.visualization import Dashboard


PICTURE = Path(__file__).with_suffix(".png")
SIDE = 1400


def searched(journal: Path) -> optuna.Study:
    X, y = load_digits(return_X_y=True)
    images = torch.tensor(X / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    labels = torch.tensor(y)
    train = Train((images[:900], labels[:900]), (images[900:], labels[900:]), epochs=8)
    network = spaces.CNN(input_shape=(1, 8, 8), num_classes=10)
    limit = metrics.Flops(images[:2]) <= 4_000_000
    study = create_study(
        directions=["maximize", "minimize"], storage=journal, study_name="digits", seed=0
    )
    objective = Objective(network, train, metrics.Parameters(), constraints=[limit])
    study.optimize(objective, n_trials=16)
    return study


def shot(url: str) -> None:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", f"--window-size={SIDE},{SIDE + 450}"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options, webdriver.ChromeService(which("chromedriver")))
    browser.get(url)
    sleep(8)
    browser.save_screenshot(str(PICTURE))
    browser.quit()


def main() -> None:
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        study = searched(Path(folder) / "study.journal")
        Dashboard(Path(folder) / "artifacts").update(study)
        best = max(study.best_trials, key=lambda trial: trial.values[0])
        with serving(study._storage, Path(folder) / "artifacts", 0) as port:
            shot(f"http://127.0.0.1:{port}/dashboard/studies/0/trials?numbers={best.number}")


if __name__ == "__main__":
    main()
