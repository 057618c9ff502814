"""`earmark match`: what it finds, adds, reports and refuses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from earmark.models.error import ConfigurationError
from earmark.streams.commands.match import match
from earmark.streams.synthesiser import RATE_HZ, tune


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two recordings, an excerpt of the first, and silence."""
    monkeypatch.setenv("EARMARK_STATE", str(tmp_path / "state"))
    files = tmp_path / "files"
    files.mkdir()
    first, second = (tune(seed=seed, seconds=10) for seed in (1, 2))
    excerpt = first[:, 3 * RATE_HZ : 9 * RATE_HZ] * 0.3
    silence = np.zeros((1, 5 * RATE_HZ))
    for name, samples in zip("abcd", (first, second, excerpt, silence), strict=True):
        soundfile.write(files / f"{name}.flac", samples.T, RATE_HZ)
    return files


def run(*arguments: object) -> Result:
    words = [str(word) for word in arguments]
    return CliRunner().invoke(match, words, catch_exceptions=False)


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_added_files_are_found_by_an_excerpt(folder: Path) -> None:
    added = run("--add", folder / "a.flac", folder / "b.flac", "--json")
    assert [it["matches"] for it in objects(added)] == [[], []]
    (found,) = objects(run(folder / "c.flac", "--json"))
    (hit,) = found["matches"]
    assert (found["content_id"], hit["content_id"]) == ("c", "a")
    assert hit["offset_ms"] == pytest.approx(3_000, abs=40)
    assert not hit["same_pcm"]
    shown = run(folder / "c.flac").stdout
    assert "c: 1 match" in shown
    assert "3.0 s" in shown


def test_pairs_within_the_index_are_told_once(folder: Path) -> None:
    run("--add", folder)
    (pair,) = objects(run("--pairs", "--json"))
    assert (pair["content_id"], pair["match"]["content_id"]) == ("a", "c")
    shown = run("--pairs")
    assert shown.stdout.startswith("a  c  ")
    assert "1 pair among 3 items" in shown.stderr


def test_a_removed_item_is_not_found_any_more(folder: Path) -> None:
    run("--add", folder / "a.flac")
    assert "1 of 1 items removed" in run("--remove", "a").stderr
    assert objects(run(folder / "a.flac", "--json"))[0]["matches"] == []


def test_the_same_samples_are_told(folder: Path) -> None:
    run("--add", folder / "a.flac")
    assert "same samples" in run(folder / "a.flac").stdout


def test_what_has_no_fingerprint_is_said_and_ends_with_1(folder: Path) -> None:
    run("--add", folder / "a.flac")
    done = run(folder / "d.flac")
    assert (done.exit_code, done.stdout) == (1, "d: ABSTAINED: SILENT\n")


def test_an_index_that_is_missing_or_none_is_refused_in_a_line(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="--add"):
        run(folder / "a.flac")
    with pytest.raises(ConfigurationError, match="no index"):
        run(folder / "a.flac", "--index", folder / "b.flac")


@pytest.mark.parametrize("arguments", [[], ["--add"]])
def test_it_has_to_be_told_what_to_match(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2
