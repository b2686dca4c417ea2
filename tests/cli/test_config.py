from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path

import pytest

from optuna_nas._cli import _search
from optuna_nas._cli._config import CONFIG
from optuna_nas._cli._config import has_password
from optuna_nas._cli._config import read_config
from optuna_nas._cli._config import read_options
from optuna_nas._cli._config import to_toml
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._options import Options
from tests.cli.conftest import Ran


Run = Callable[..., Ran]


def saved(options: Options) -> Path:
    """Its file, where a search puts it."""
    options.folder.mkdir(parents=True)
    path = options.folder / CONFIG
    path.write_text(to_toml(options), encoding="utf-8")
    return path


def test_options_are_the_same_when_they_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = Options(
        'my "data".csv',
        target="größe",
        test="tests/rows.csv",
        drop=("a", "b\tc"),
        timeout="10m",
        limit=("parameters=1e4",),
        control=True,
        out=Path("x/y"),
        storage="sqlite:///x/study.db",
        trials=7,
    )
    assert read_options(saved(options)) == options


def test_paths_are_relative_to_the_file_and_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = saved(Options("d/train.csv", out=Path("s/a"), test="/t.csv", storage="sqlite:///b.db"))
    text = path.read_text()
    for line in (
        'data = "../../d/train.csv"',
        'test = "/t.csv"',
        'out = "."',
        'storage = "sqlite:///../../b.db"',
    ):
        assert f"\n{line}\n" in text
    monkeypatch.chdir(tmp_path / "s")
    found = read_options(Path("a") / CONFIG)
    assert (found.data, found.out, found.storage) == (
        "../d/train.csv",
        Path("a"),
        "sqlite:///../b.db",
    )
    digits = read_options(saved(Options("digits", storage="sqlite:///:memory:")))
    assert (digits.data, digits.storage) == ("digits", "sqlite:///:memory:")


def test_a_password_is_not_written() -> None:
    text = to_toml(Options("digits", storage="postgresql://me:secret@host/db"))
    assert "secret" not in text
    assert "Give --storage." in text
    assert not has_password("sqlite:///a@b:c.db")


def test_where_a_space_of_ones_own_is_looked_for_is_told() -> None:
    assert "# space: its module is looked for where" in to_toml(
        Options("digits", space="nets:Net")
    )
    assert "# space:" not in to_toml(Options("digits", space="cnn"))


def test_a_search_writes_all_that_repeats_it_from_any_folder_and_options_given_win(
    run: Run, flowers_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = run("search", "flowers.csv", "--target", "kind", "--space", "mlp", "--trials", "1",
               "--epochs", "1", "--limit", "parameters=1e6", "--test", "flowers.csv")  # fmt: skip
    assert once.status == 0
    first = Path("studies/flowers/search.toml").read_text()
    for settled in ('sampler = "regularized_evolution"', 'pruner = "successive_halving"',
                    "seed = 0", "threads = 1", 'device = "auto"', "control = false"):  # fmt: skip
        assert f"\n{settled}\n" in first
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    config = "../studies/flowers/search.toml"
    again = run("search", "--config", config, "--out", "again")
    assert again.status == 0
    assert Path("again/search.toml").read_text() == first
    folders = Path("../studies/flowers"), Path("again")
    results = [json.loads((folder / "result.json").read_text()) for folder in folders]
    assert results[0]["test"] == results[1]["test"]
    run("search", "--config", config, "--trials", "2")
    found = json.loads((folders[0] / "result.json").read_text())["study"]["trials"]
    assert found["complete"] + found["pruned"] == 2


def test_a_config_by_hand_may_have_dashes_and_plain_numbers(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('data = "digits"\nimage-size = 8\n')
    assert read_config(path, ["data", "image_size"]) == {"data": "digits", "image_size": 8}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trails = 3", r": 'trails' is no option of search\. Did you mean 'trials'\?$"),
        ("trials = ", r" cannot be read as TOML: "),
        ("[trials]\na = 3", r": trials must be a value, not a table\.$"),
        ('data = ["a.csv"]', r": data must be a text, not \['a\.csv'\]\.$"),
        ("data = 3", r": data must be a text, not 3\.$"),
        (None, r"^--config .* is not there\.$"),
    ],
)
def test_a_config_that_is_none_is_told(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "c.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput, match=message):
        read_config(path, ["data", "trials"])


def test_a_config_without_data_is_none_of_a_search_that_was_run(tmp_path: Path) -> None:
    path = tmp_path / CONFIG
    path.write_text("trials = 3\n")
    with pytest.raises(
        BadInput, match=r"toml does not say what to learn from, as in data = \"tra"
    ):
        read_options(path)


def test_a_config_with_a_value_of_another_kind_is_told(run: Run) -> None:
    Path("c.toml").write_text('data = "digits"\ntrials = "many"\n')
    ran = run("search", "--config", "c.toml")
    assert ran.status == 2
    assert "Invalid value for '--trials'" in ran.err


def test_each_path_of_sqlite_is_one_and_a_tilde_is_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    options = Options("~/t.csv", out=Path("s/a"), storage="sqlite+pysqlite:///b.db")
    assert '\nstorage = "sqlite+pysqlite:///../../b.db"\n' in to_toml(options)
    Path("c.toml").write_text('data = "~/t.csv"\nstorage = "sqlite+pysqlite:///b.db"\n')
    assert read_config(Path("c.toml"), ["data", "storage"]) == {
        "data": str(tmp_path / "home" / "t.csv"),
        "storage": "sqlite+pysqlite:///b.db",
    }


def test_where_no_way_leads_from_drive_to_drive_a_path_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def relpath(path: str, start: str) -> str:
        raise ValueError("path is on mount 'C:', start on mount 'D:'")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.path.relpath", relpath)
    data = json.dumps(str(tmp_path / "t.csv"))
    assert f"\ndata = {data}\n" in to_toml(Options("s/../t.csv", out=Path("s")))


def test_of_data_that_a_file_names_and_that_are_not_there_it_is_told_what_they_are_relative_to(
    run: Run, flowers_csv: Path
) -> None:
    Path("s").mkdir()
    Path("s", CONFIG).write_text('data = "flowers.csv"\ntest = "rows.csv"\ntarget = "kind"\n')
    config = Path("s") / CONFIG
    for command in (["search", "--config", config], ["export", "s", "--to", "out"]):
        ran = run(*command)
        assert (ran.err, ran.status) == (
            f"error: {Path('s') / 'flowers.csv'} is not there. {config} names it as its data; "
            "paths in that file are relative to its folder.",
            2,
        )
    ran = run("search", "flowers.csv", "--config", config)
    assert f"{Path('s') / 'rows.csv'} is not there. {config} names it as its test;" in ran.err
    assert run("search", "none.csv", "--config", config).err.startswith(
        "error: none.csv is not there. DATA is a table"
    )


def test_a_timeout_on_the_command_line_ends_a_search_alone_unless_the_file_has_both(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Options] = []
    monkeypatch.setattr(_search, "search", lambda options, *_, **__: asked.append(options))
    Path("c.toml").write_text('data = "digits"\ntrials = 20\n')
    run("search", "--config", "c.toml", "--timeout", "10m")
    run("search", "--config", "c.toml", "--timeout", "10m", "--trials", "30")
    run("search", "--config", "c.toml")
    Path("c.toml").write_text('data = "digits"\ntrials = 20\ntimeout = "1h"\n')
    run("search", "--config", "c.toml", "--timeout", "10m")
    assert [(options.trials, options.timeout) for options in asked] == [
        (None, "10m"),
        (30, "10m"),
        (20, None),
        (20, "10m"),
    ]


def test_a_search_whose_folder_was_moved_goes_on(run: Run, flowers_csv: Path) -> None:
    run("search", "flowers.csv", "--target", "kind", "--space", "mlp", "--trials", "1",
        "--epochs", "1")  # fmt: skip
    Path("studies/flowers").rename("studies/moved")
    assert run("search", "--config", "studies/moved/search.toml", "--trials", "2").status == 0
    study = json.loads(Path("studies/moved/result.json").read_text())["study"]
    assert (study["name"], study["trials"]["complete"] + study["trials"]["pruned"]) == (
        "flowers",
        2,
    )
    assert "flowers: maximize accuracy" in run("show", "studies/moved").out
