"""What `audio.music` says of recordings, and when it would rather say nothing."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from earmark.models.device import Device
from earmark.models.musicnn import Musicnn
from earmark.models.store import ModelStore
from earmark.processors.block import NO_SAMPLES, Block, End, Samples
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.decode import decode
from earmark.processors.loader import load_specs
from earmark.processors.music import MusicTrunk
from earmark.processors.outcome import OutcomeKind, Result, Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.signal import ItemView
from earmark.processors.signals.audio_music import (
    MusicScorer,
    TaggedWindow,
    audio_music,
    music_labels,
)
from earmark.processors.taxonomy.music import music_tags
from earmark.processors.threshold import shipped_thresholds

THRESHOLDS = shipped_thresholds("audio.music")
NAMES = ("audio.music", "audio.embedding")
EVALDATA = Path(__file__).parents[4] / "shared" / "evaldata" / "music"
EVENT = ContentEvent(event_id="e", content_id="c", audio=Audio(data=b"x"))


def chord(seconds: float, *, root: float = 220.0, gain: float = 0.1) -> Samples:
    """Plucked thirds over a beat: music enough to have tags that differ from window to window."""
    at_T = np.arange(round(seconds * 16_000)) / 16_000
    notes = [root * 2 ** (step / 12) for step in (0, 4, 7, 12)]
    tone_T = sum(np.sin(2 * np.pi * note * at_T) for note in notes)
    return np.asarray(gain * tone_T * np.exp(-3 * (at_T % 0.5)), np.float32)


def answers(
    pipeline: Pipeline, recordings: Sequence[Samples], block: int = 160_000
) -> list[dict[str, Result]]:
    """Recordings side by side, in blocks of so many samples; the results of each, by signal."""
    events = [
        ContentEvent(event_id=str(number), content_id=str(number), audio=Audio(data=b"x"))
        for number in range(len(recordings))
    ]

    def blocks():
        for at in range(0, max(map(len, recordings)), block):
            for event, samples_T in zip(events, recordings, strict=True):
                yield Block(event=event, samples_T=samples_T[at : at + block])
        for event in events:
            yield Block(event=event, samples_T=NO_SAMPLES, end=End(audio_sha256="0" * 64))

    results: list[dict[str, Result]] = [{} for _ in recordings]
    for outcome in pipeline.score(blocks()):
        assert isinstance(outcome, Signal)
        results[int(outcome.event.content_id)][outcome.name] = outcome.result
    return results


def recording(name: str) -> Samples:
    """One of the evaluation set, as the pipeline decodes it."""
    media = (EVALDATA / "files" / f"{name}.ogg").read_bytes()
    event = ContentEvent(event_id=name, content_id=name, audio=Audio(data=media))
    return np.concatenate([block.samples_T for block in decode(event, meters={})])


def window(msd: float, *, seconds: float = 3.0, weight: float | None = None) -> TaggedWindow:
    msd_K = np.full(50, 0.01, np.float32)
    msd_K[ModelStore().card("musicnn-msd").labels.index("jazz")] = msd
    return TaggedWindow(
        msd_K=msd_K,
        mtt_K=np.full(50, 0.01, np.float32),
        seconds=seconds,
        weight=seconds if weight is None else weight,
    )


@pytest.fixture(scope="module")
def concluding() -> MusicScorer:
    """A scorer that only concludes, and so without networks."""
    labels = {name: ModelStore().card(name).labels for name in audio_music.models}
    return MusicScorer(None, None, labels, THRESHOLDS)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load(NAMES, device=Device())


def test_a_window_counts_by_how_much_of_it_is_real(concluding: MusicScorer) -> None:
    said = concluding.conclude(ItemView(event=EVENT), [window(0.6), window(0.0, seconds=1.0)])
    assert said.fields["scores"]["jazz"] == pytest.approx(0.45)
    assert said.fields["genres"] == ["jazz"]


def test_silent_windows_do_not_count(concluding: MusicScorer) -> None:
    said = concluding.conclude(ItemView(event=EVENT), [window(0.6), window(0.0, weight=0.0)])
    assert said.fields["scores"]["jazz"] == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("windows", "reason"),
    [
        ([], "TOO_SHORT"),
        ([window(0.9, seconds=2.9)], "TOO_SHORT"),
        ([window(0.9, weight=0.0)], "SILENT"),
        ([window(0.1)], "LOW_CONFIDENCE"),
    ],
)
def test_it_abstains(concluding: MusicScorer, windows: list[TaggedWindow], reason: str) -> None:
    said = concluding.conclude(ItemView(event=EVENT), windows)
    assert (said.outcome, said.reason) == (OutcomeKind.ABSTAINED, reason)


@pytest.mark.parametrize(
    ("scene", "outcome"),
    [
        (Result.ok(music_share=0.1), OutcomeKind.SKIPPED),
        (Result.ok(music_share=0.9), OutcomeKind.OK),
        (Result.abstained("TOO_SHORT"), OutcomeKind.OK),
    ],
)
def test_what_the_scene_finds_to_be_no_music_is_skipped(
    concluding: MusicScorer, scene: Result, outcome: OutcomeKind
) -> None:
    item = ItemView(event=EVENT, results={"audio.scene": scene})
    assert concluding.conclude(item, [window(0.6)]).outcome == outcome


def test_labels_follow_from_the_scores_by_falling_probability() -> None:
    scores = {tag.name: 0.0 for tag in music_tags()}
    scores |= {"jazz": 0.4, "piano": 0.7, "instrumental": 0.35, "male voice": 0.31, "blues": 0.29}
    said = music_labels(scores, THRESHOLDS)
    assert said == {
        "labels": ["piano", "jazz", "instrumental", "male voice"],
        "genres": ["jazz"],
        "instruments": ["piano"],
        "moods": [],
        "voice": "instrumental",
    }


def test_what_is_missing_of_the_last_window_is_filled_with_what_is_there() -> None:
    torch.manual_seed(3)
    trunk = MusicTrunk(Musicnn().eval(), Device())
    window_T = np.resize(chord(1.0), trunk.window_samples)
    padded_T = np.where(np.arange(len(window_T)) < 16_000, window_T, 0).astype(np.float32)
    last, full = trunk.features(np.stack([padded_T, window_T]), [16_000, len(window_T)])
    np.testing.assert_allclose(last.vector_H, full.vector_H, atol=1e-5)
    assert (last.weight, full.weight) == (1.0, 3.008)


@pytest.mark.weights
def test_music_and_embedding_share_their_trunk() -> None:
    loaded = [
        load_specs([name])[name].load(
            store=ModelStore(), device=Device(), thresholds=shipped_thresholds(name)
        )
        for name in NAMES
    ]
    assert isinstance(loaded[0].trunk, MusicTrunk)
    assert loaded[0].trunk is loaded[1].trunk


@pytest.mark.weights
def test_neither_batches_nor_blocks_change_what_they_say(pipeline: Pipeline) -> None:
    recordings = [chord(7.3), chord(3.1, root=330.0), chord(1.5)]
    together = answers(pipeline, recordings)
    for samples_T, said in zip(recordings, together, strict=True):
        (alone,) = answers(pipeline, [samples_T], block=7_001)
        assert said["audio.music"].outcome == alone["audio.music"].outcome
        assert alone["audio.music"].fields.get("scores", {}) == pytest.approx(
            said["audio.music"].fields.get("scores", {}), abs=1e-5
        )
        vectors = [
            np.frombuffer(each["audio.embedding"].fields["vector"], "<f4") for each in (said, alone)
        ]
        np.testing.assert_allclose(*vectors, atol=1e-5)


@pytest.mark.weights
def test_silence_has_neither_tags_nor_vector(pipeline: Pipeline) -> None:
    (said,) = answers(pipeline, [np.zeros(100_000, np.float32)])
    reasons = {name: said[name].reason for name in ("audio.embedding", "audio.music")}
    assert reasons == {"audio.embedding": "SILENT", "audio.music": "NO_MUSIC"}


@pytest.mark.weights
@pytest.mark.skipif(not EVALDATA.is_dir(), reason="the labelled sets are not here")
def test_a_guitar_is_heard_as_one_and_strings_as_strings(pipeline: Pipeline) -> None:
    names = ("gm-acoustic-guitar", "wesnoth-traveling_minstrels", "singularity-Aberrations")
    guitar, strings, electronic = answers(pipeline, [recording(name) for name in names])
    assert guitar["audio.music"].fields["instruments"] == ["guitar"]
    assert {"strings", "violin"} <= set(strings["audio.music"].fields["instruments"])
    assert {"electronic", "techno"} <= set(electronic["audio.music"].fields["genres"])
