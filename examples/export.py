"""Export: a classifier of wines as a folder that predicts without this library."""

from __future__ import annotations

from pathlib import Path
import subprocess
import sys
from tempfile import TemporaryDirectory

from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

from optuna_nas import export
from optuna_nas import load
from optuna_nas import NASClassifier


def main() -> None:
    x, y = load_wine(return_X_y=True, as_frame=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0, stratify=y)
    classifier = NASClassifier(n_trials=5, epochs=20, random_state=0).fit(x_train, y_train)
    print(f"accuracy on the test part: {classifier.score(x_test, y_test):.3f}")

    with TemporaryDirectory() as folder:
        exported = export(classifier, Path(folder, "wines"), example=x_test)
        print(
            f"checked with {exported.rows} rows: they differ by {exported.difference:.1g} at most"
        )
        for path in sorted(exported.path.iterdir()):
            print(f"  {path.name:20} {path.stat().st_size:9,} bytes")

        x_test.head(3).to_csv(Path(folder, "rows.csv"), index=False)
        command = [sys.executable, "-I", exported.path / "predict.py", Path(folder, "rows.csv")]
        print(subprocess.run(command, capture_output=True, text=True, check=True).stdout, end="")

        loaded = load(exported.path)
        parameters = sum(parameter.numel() for parameter in loaded.module.parameters())
        print(f"to go on training: {type(loaded.network).__name__}, {parameters:,} parameters")


if __name__ == "__main__":
    main()
