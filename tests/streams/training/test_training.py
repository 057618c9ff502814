"""Claims about the training of scenes: a seed decides all, and what is learned is told."""

from pathlib import Path

import numpy as np
import pytest

from earmark.models.scene_net import WINDOW_SAMPLES, SceneNet
from earmark.streams.evaluation.manifest import Row, read_manifest
from earmark.streams.training.composition import PARTS, tune
from earmark.streams.training.debian_sounds import rows
from earmark.streams.training.fitting import Recipe, examples, fit
from earmark.streams.training.instrument import perform
from earmark.streams.training.manifest import recording, write_manifest
from earmark.streams.training.measurement import heard
from earmark.streams.training.midi import midi_file
from earmark.streams.training.mixture import UNKNOWN, Mixer, Recording
from earmark.streams.training.noise import KINDS, noise
from earmark.streams.training.scene import scorer_with


def recordings() -> list[Recording]:
    """A tune, noise, and clicks in the place of speech."""
    random = np.random.default_rng(1)
    music_T = perform(random, tune(random, 6.0, ("chords", "melody")), 6.0)
    clicks_T = np.tile(np.r_[np.ones(400), np.zeros(3_600)], 24)
    waves = {"speech": clicks_T, "music": music_T, "noise": random.standard_normal(96_000)}
    return [
        Recording(samples_T=wave_T.astype(np.float32), label=label, source="test")
        for label, wave_T in waves.items()
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_noise_is_sound_of_the_length_asked(kind: str) -> None:
    wave_T = KINDS[kind](np.random.default_rng(2), 16_000)
    assert len(wave_T) == 16_000
    assert np.isfinite(wave_T).all()
    assert np.abs(wave_T).max() > 0.05


def test_noise_and_tunes_follow_from_the_seed() -> None:
    (first, a_T), (second, b_T) = (noise(np.random.default_rng(3), 1.0) for _ in "ab")
    assert first == second
    assert np.array_equal(a_T, b_T)
    assert tune(np.random.default_rng(3), 8.0, PARTS) == tune(np.random.default_rng(3), 8.0, PARTS)


def test_every_part_has_notes_that_begin_within_the_tune() -> None:
    notes = tune(np.random.default_rng(4), 10.0, PARTS)
    assert {note.part for note in notes} == set(PARTS)
    assert all(0 <= note.at_s < 10 and 0 <= note.pitch < 128 for note in notes)


def test_a_midi_file_says_how_long_its_track_is() -> None:
    random = np.random.default_rng(5)
    body = midi_file([(0.0, tune(random, 4.0, PARTS)), (6.0, tune(random, 4.0, ("bass",)))], random)
    assert body[:4] == b"MThd"
    assert int.from_bytes(body[18:22]) == len(body) - 22
    assert body.endswith(b"\xff\x2f\x00")


def test_examples_are_the_same_for_the_same_seed() -> None:
    first, second = (examples(Mixer(recordings()), 64, seed=7) for _ in "ab")
    assert first.mel_NMF.equal(second.mel_NMF)
    assert first.targets_NL.equal(second.targets_NL)


def test_targets_say_what_is_in_a_window() -> None:
    random, mixer = np.random.default_rng(6), Mixer(recordings())
    drawn = [mixer.draw(random) for _ in range(60)]
    assert all(each.window_T.shape == (WINDOW_SAMPLES,) for each in drawn)
    assert all(each.targets_L.max() == 1 for each in drawn)
    assert {float(t) for each in drawn for t in each.targets_L} <= {UNKNOWN, 0.0, 1.0}
    assert any(each.targets_L.tolist().count(1.0) == 2 for each in drawn)


def test_what_was_learned_is_told() -> None:
    mixer = Mixer(recordings())
    network = fit(examples(mixer, 256, 1), Recipe(epochs=6, batch=32), lambda _: None)
    fresh = examples(mixer, 64, 2)
    alone = (fresh.targets_NL == 1).sum(dim=1) == 1
    said = network.probabilities(fresh.mel_NMF[alone].float()).argmax(dim=1)
    assert (said == fresh.targets_NL[alone].argmax(dim=1)).float().mean() > 0.8


def test_a_manifest_reads_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"")
    row = Row(
        id="a",
        kind="sound",
        path=Path("a.wav"),
        labels={"class": "noise"},
        source="s",
        licence="MIT",
    )
    write_manifest(tmp_path / "manifest.jsonl", [row])
    (read,) = read_manifest(tmp_path).rows
    assert (read.id, read.labels, read.path) == ("a", row.labels, tmp_path / "a.wav")


def test_what_is_measured_on_is_not_trained_on(tmp_path: Path) -> None:
    place = tmp_path / "singularity-music" / "usr"
    place.mkdir(parents=True)
    for name in ("One", "Two"):
        (place / f"{name}.ogg").write_bytes(b"")
    measured = Row(id="x", kind="sound", labels={}, source="Debian singularity-music:usr/One.ogg")
    assert [row.id for row in rows(tmp_path, [measured])] == ["singularity-music/usr/Two"]


def test_a_recording_is_read_at_16_khz(tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.zeros((44_100, 2)), 44_100)
    assert abs(len(recording(tmp_path / "a.wav")) - 16_000) < 20


def test_a_network_that_is_no_model_yet_answers_as_the_signal_does() -> None:
    scorer = scorer_with(SceneNet().eval().requires_grad_(False))
    said = heard(scorer, np.zeros(48_000, np.float32))
    assert said.fields["silence_share"] == 1.0
