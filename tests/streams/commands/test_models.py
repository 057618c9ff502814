import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from safetensors.numpy import save_file

from earmark.streams.cli import main
from earmark.streams.commands.models import models_table


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home with one card of its own, `tiny`, whose weights lie beside it."""
    published = tmp_path / "published.safetensors"
    save_file({"weight": np.arange(4, dtype=np.float32)}, published)
    cards = tmp_path / "models" / "cards"
    cards.mkdir(parents=True)
    (cards / "tiny.toml").write_text(
        f"""
        name = "tiny"
        version = "1"
        task = "nothing"
        licence = "CC0-1.0"
        [[files]]
        name = "model.safetensors"
        sha256 = "{hashlib.sha256(published.read_bytes()).hexdigest()}"
        size_bytes = {published.stat().st_size}
        sources = ["{published.as_uri()}"]
        """
    )
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["models", *arguments])
    printed = capsys.readouterr()
    return int(str(ended.value.code)), printed.out, printed.err


def state_of(capsys, name: str) -> str:
    _, out, _ = run(capsys, "list", "--json")
    rows = {row["name"]: row for row in map(json.loads, out.splitlines())}
    return str(rows[name]["state"])


def test_list_shows_shipped_and_own_cards_with_licence(home, capsys):
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert "silero-vad *" in out
    assert "CC0-1.0" in out


def test_pull_fetches_shows_the_licence_and_then_finds_it_present(home, capsys):
    assert state_of(capsys, "tiny") == "missing"
    code, out, _ = run(capsys, "pull", "tiny")
    assert code == 0
    assert "CC0-1.0" in out
    assert state_of(capsys, "tiny") == "present"


def test_path_prints_where_the_verified_file_lies(home, capsys):
    run(capsys, "pull", "tiny", "--json")
    code, out, _ = run(capsys, "path", "tiny")
    assert code == 0
    assert out.strip() == str(home / "models" / "tiny" / "1" / "model.safetensors")


def test_path_of_missing_weights_names_the_command_in_one_line(home, capsys):
    code, out, err = run(capsys, "path", "tiny")
    assert (code, out) == (1, "")
    assert "earmark models pull tiny" in err
    assert len(err.splitlines()) == 1


def test_verify_notices_a_changed_file(home, capsys):
    run(capsys, "pull", "tiny")
    assert run(capsys, "verify", "tiny")[0] == 0
    (home / "models" / "tiny" / "1" / "model.safetensors").write_bytes(b"changed")
    code, out, err = run(capsys, "verify", "tiny")
    assert code == 1
    assert "tiny: damaged" in out
    assert "earmark models pull tiny" in err


def test_an_unknown_name_was_asked_wrongly(home, capsys):
    code, _, err = run(capsys, "pull", "nix")
    assert code == 2
    assert "known: " in err


def test_offline_is_said_when_a_network_would_be_needed(home, capsys, monkeypatch):
    monkeypatch.setenv("EARMARK_OFFLINE", "1")
    code, _, err = run(capsys, "pull", "whisper-base")
    assert code == 1
    assert "`offline` is on" in err


def test_on_80_columns_a_model_has_its_name_version_and_licence_whole():
    row = {
        "name": "deberta-v3-base-zeroshot-v2.0",
        "version": "10-10-0.4593",
        "task": "what a text is about, of labels that are given with it",
        "licence": "Apache-2.0",
        "size_bytes": 369_000_000,
        "state": "missing",
        "pinned": False,
        "default": True,
    }
    console = Console(width=80)
    with console.capture() as captured:
        console.print(models_table([row]))
    _, named, below = captured.get().splitlines()
    assert named.split() == [row["name"], "*", row["version"], "369.0", "missing,", "unpinned"]
    assert below.strip() == f"{row['task']}; {row['licence']}"


def test_show_says_what_was_measured_and_what_that_does_not_show(home, capsys):
    card = home / "models" / "cards" / "tiny.toml"
    card.write_text(
        f"""{card.read_text()}
        [[evaluation]]
        signal = "text.made"
        data = "lines"
        n = 40
        limits = "Short lines only."
        [evaluation.metrics]
        accuracy = {{ value = 0.9, low = 0.8, high = 0.95 }}
        """
    )
    code, out, _ = run(capsys, "show", "tiny")
    assert code == 0
    assert "text.made on lines, 40 rows" in out
    assert "0.8 to 0.95" in out
    assert "Short lines only." in out
    _, out, _ = run(capsys, "show", "tiny", "--json")
    assert json.loads(out)["evaluation"][0]["metrics"]["accuracy"]["value"] == 0.9
