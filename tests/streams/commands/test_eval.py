"""`earmark eval` as people run it, on rows that ship and sounds that are made here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from earmark.streams.sample_content import encoded
from earmark.streams.synthesiser import RATE_HZ, tune

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data" / "evaluation"
JFK = ROOT / "streams" / "samples" / "jfk.wav"


def run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "earmark", "eval", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )


def manifest(folder: Path, *rows: dict[str, object]) -> Path:
    folder.mkdir(exist_ok=True)
    lines = (json.dumps({"id": str(i), "labels": {}, **row}) for i, row in enumerate(rows))
    (folder / "manifest.jsonl").write_text("\n".join(lines))
    return folder


def sound(folder: Path, name: str, samples_CT: np.ndarray) -> str:
    folder.mkdir(exist_ok=True)
    return encoded(folder / f"{name}.flac", samples_CT.astype(np.float32), codec="flac").name


@pytest.mark.weights
def test_a_text_signal_gives_a_table_json_and_a_page(tmp_path):
    done = run(
        "text.language",
        "--data",
        DATA / "languages",
        "--slices",
        "language,length",
        "--report",
        "out",
        "--json",
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["signal"], found["n"]) == ("text.language", 44)
    assert set(found["metrics"]["accuracy"]) == {"value", "low", "high"}
    assert found["metrics"]["accuracy"]["value"] > 0.9
    assert {it["by"] for it in found["slices"]} == {"language", "length"}
    assert json.loads((tmp_path / "out" / "text.language.json").read_text()) == found
    page = (tmp_path / "out" / "text.language.html").read_text()
    assert "<svg" in page
    assert "://" not in page.replace("http://www.w3.org", "")


@pytest.mark.weights
def test_loudness_is_that_of_another_meter_and_of_its_construction(tmp_path):
    folder = tmp_path / "tones"
    rows = []
    meter = pyloudnorm.Meter(RATE_HZ, filter_class="DeMan")
    for seed in range(3):
        samples_CT = tune(seed=seed, seconds=6.0) * (0.2 + 0.3 * seed)
        lufs = meter.integrated_loudness(samples_CT.T.astype(np.float64))
        path = sound(folder, f"tune{seed}", samples_CT)
        rows.append({"kind": "music", "path": path, "labels": {"integrated_lufs": lufs}})
    done = run("audio.loudness", "--data", manifest(folder, *rows), "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    metrics = json.loads(done.stdout)["metrics"]
    assert metrics["largest_error"]["value"] < 0.1
    assert metrics["within"]["value"] == 1


@pytest.mark.weights
def test_rejected_rows_are_counted_and_speech_is_told_from_what_is_none(tmp_path):
    folder = tmp_path / "sounds"
    noise_CT = np.random.default_rng(1).normal(0, 0.1, (2, 4 * RATE_HZ))
    rows = [
        {"kind": "speech", "path": str(JFK), "labels": {"class": "speech"}},
        {
            "kind": "music",
            "path": sound(folder, "tune", tune(seconds=5.0)),
            "labels": {"class": "music"},
        },
        {"kind": "noise", "path": sound(folder, "noise", noise_CT), "labels": {"class": "noise"}},
        {"kind": "noise", "path": "fake.mp3", "labels": {"class": "noise"}},
        {"kind": "text", "text": "no sound", "labels": {}},
    ]
    (folder / "fake.mp3").write_text("this is text, whatever its name says\n" * 40)
    done = run("audio.speech", "--data", manifest(folder, *rows), "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["n"], found["unused"]) == (4, 1)
    assert sum(found["rejected"].values()) == 1
    assert found["tasks"][0]["outcomes"] == {"ERROR": 1, "OK": 3}
    assert found["metrics"]["coverage"]["value"] == 0.75
    assert found["metrics"]["auc"]["value"] == 1
    assert found["cost"]["seconds_per_audio_second"] > 0


@pytest.mark.weights
def test_a_model_against_itself_is_no_different_and_the_text_says_so(tmp_path):
    done = run(
        "text.language",
        "--data",
        DATA / "languages",
        "--model",
        "py3langid",
        "--against",
        "py3langid",
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "no real difference between py3langid and py3langid" in " ".join(done.stdout.split())


def test_a_figure_that_falls_short_ends_with_1_and_one_line(tmp_path):
    text = '[[gate]]\nsignal="audio.integrity"\ndata="set"\nmetric="duration.mae"\nat_most=0.01\n'
    (tmp_path / "gate.toml").write_text(text)
    row = {"kind": "speech", "path": str(JFK), "labels": {"duration_s": 12.0}}
    manifest(tmp_path / "set", row)
    done = run("--gate", "gate.toml", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "audio.integrity on set: duration.mae is 1, not at most 0.01\n"
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "name a SIGNAL and its --data"),
        (("text.language",), "name a SIGNAL and its --data"),
        (("text.language", "--data", "gone"), "no manifest gone"),
        (("text.nothing", "--data", str(DATA / "harm")), "nothing says how 'text.nothing'"),
        (("text.nothing",), "known: audio.embedding, "),
        (("audio.loudness", "--data", str(DATA / "harm")), "no row has a label"),
        (("text.language", "--gate", "x"), "--gate names its signals"),
        (
            ("text.language", "--data", str(DATA / "languages"), "--slices", "hue"),
            "no row has 'hue'",
        ),
        (("--gate", "gone.toml"), "gone.toml: No such file"),
    ],
)
def test_what_was_asked_wrongly_ends_in_one_line(tmp_path, arguments, complaint):
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
