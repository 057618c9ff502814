"""Rows that are made have the truth that they claim, and are the same each time."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.evaluation.construction import copy, fault, loudness, music
from earmark.streams.evaluation.construction.construct import constructed
from earmark.streams.evaluation.construction.recording import Recording, wav
from earmark.streams.evaluation.manifest import read_manifest


def named(rows: "partial", name: str) -> Recording:
    return next(row for row in rows() if row.id == name)


def samples(data: bytes) -> np.ndarray:
    return np.frombuffer(data[44:], "<i2") / 32_768


def test_what_is_clipped_is_as_much_as_the_label_says():
    row = named(fault.recordings, "clipped-700-8")
    share = np.mean(np.abs(samples(row.data())) > 0.9999)
    assert share == pytest.approx(row.labels["clipped_share"], abs=1e-4)


def test_what_is_offset_and_silent_is_as_the_label_says():
    offset = named(fault.recordings, "offset-700-0.25")
    assert samples(offset.data()).mean() == pytest.approx(0.25, abs=1e-4)
    silent = named(fault.recordings, "silent-700-0.5")
    assert np.mean(samples(silent.data()) == 0) == pytest.approx(0.5, abs=0.01)


def test_a_file_that_is_cut_says_that_it_is_longer():
    row = named(fault.recordings, "cut-700-0.3")
    data = row.data()
    assert int.from_bytes(data[40:44], "little") > 3 * (len(data) - 44)


def test_a_tone_of_ebu_tech_3341_has_the_level_that_it_is_laid_down_with():
    data = named(loudness.recordings, "3341-1").data()
    assert 20 * np.log10(samples(data).max()) == pytest.approx(-23, abs=0.01)


def test_over_full_scale_is_cut_off_and_not_wrapped():
    assert samples(wav(np.array([[2.0, -2.0, 0.5]]), 8_000)).tolist() == [
        32_767 / 32_768,
        -1.0,
        0.5,
    ]


def test_copies_share_the_name_of_their_recording_and_are_shorter():
    rows = [row for row in copy.recordings() if row.labels["recording"] == "murmur-92000"]
    assert ["copy" in row.labels for row in rows] == [False, True, True]
    assert all(len(row.data()) < len(rows[0].data()) for row in rows[1:])


def test_the_same_row_has_the_same_bytes_each_time():
    for rows in (music.recordings, music.ensembles, copy.recordings):
        first, second = next(iter(rows())), next(iter(rows()))
        assert first.data() == second.data()


def test_a_manifest_is_written_that_an_evaluation_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fault, "SEEDS", range(700, 701))
    dataset = read_manifest(constructed("audio.integrity", tmp_path))
    assert (dataset.name, len(dataset.rows)) == ("constructed", 20)
    assert json.loads((tmp_path / "constructed" / "manifest.jsonl").read_text().split("\n")[0])


def test_a_signal_of_which_nothing_can_be_made_is_told_so(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"no rows are made for 'text\.safety'"):
        constructed("text.safety", tmp_path)
