"""Speech to text for many clips at once: features, encoder, decoder, and what was left unread.

Clips are taken in the order of their length and in batches bounded by seconds of audio. The encoder
gets them in smaller ones of like length, so that little is computed for padding; the decoder hears
a whole window of each clip anyway, and gets them all. What is said of a clip does not depend on the
clips beside it, but for rounding.

Shapes. T: samples, 16 kHz, mono
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from earmark.models.bucket import Buckets
from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.memory import Memory
from earmark.models.padding import note_padding
from earmark.models.shared import shared
from earmark.models.spoken_english import SpokenEnglish
from earmark.models.whisper import Encoded, Whisper, load_whisper
from earmark.models.whisper_decoding import Decoded, TimedText, decode, timed_texts
from earmark.models.whisper_features import (
    SAMPLE_RATE_HZ,
    STEP_SAMPLES,
    log_mel,
    padded_samples,
    stacked,
)
from earmark.models.whisper_tokens import TIMESTAMP_S, Vocabulary, primary, vocabulary

UNREAD_S = 1.0  # a decoder that stops this long before the end has left something
ROUNDS = 3  # how often one clip is taken up again where it was left
FOREIGN_PROB = 0.2  # below it a clip is not English for certain, and is not decoded
BATCH_S = {"cpu": 480.0, "cuda": 1920.0}  # 16 and 64 full windows, decoded together
ENCODE_S = {"cpu": 60.0, "cuda": 1920.0}  # two windows fill two cores, and more need more memory
BUCKETS = Buckets(first=2 * STEP_SAMPLES, step=STEP_SAMPLES, call=STEP_SAMPLES // 2)

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """`samples_T` in [-1, 1]; `language` is the one to expect (BCP-47), None to find it."""

    samples_T: Samples
    language: str | None = None

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self.samples_T) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One run of the decoder over an utterance; times are the utterance's.

    `no_speech_prob` is Whisper's own, uncalibrated.
    """

    texts: tuple[TimedText, ...]
    no_speech_prob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is said in an utterance: `readings` in order of time, one where one run was enough.

    `known_prob` is the probability that the language is one that the checkpoint knows, 1 where it
    was declared. Without it nothing is decoded: then `language` is None, and there are no readings.
    """

    known_prob: float
    language: str | None = None
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """The part of an utterance that is read next, and what came before it."""

    index: int
    utterance: Utterance
    begin_s: float = 0.0
    heard: Heard | None = None


class WhisperRecogniser:
    """A Whisper checkpoint with its vocabulary.

    `languages` are the codes that it knows, by default all it has tokens for. `english` finds
    whether it is English, for a checkpoint that cannot find a language itself.
    """

    def __init__(
        self,
        network: Whisper,
        device: Device,
        *,
        languages: Collection[str] = (),
        english: SpokenEnglish | None = None,
    ) -> None:
        self.vocabulary: Vocabulary = vocabulary(network.dims.n_vocab)
        self.languages = frozenset(languages or self.vocabulary.languages or ("en",))
        self.longest_s: float = network.dims.n_audio_ctx * TIMESTAMP_S
        self._network = network
        self._english = english
        self._english_memory = Memory()
        self._device = device.torch
        self._batch_s = BATCH_S[device.kind]
        self._encode_s = ENCODE_S[device.kind]

    def read(self, utterances: Sequence[Utterance]) -> list[Heard]:
        """What is said in each utterance of at most `longest_s` seconds.

        A decoder may stop before the end, as if nothing followed: then it is set on again there.
        """
        heard: dict[int, Heard] = {}
        stretches = [
            _Stretch(index=i, utterance=utterance) for i, utterance in enumerate(utterances)
        ]
        while stretches:
            unread: list[_Stretch] = []
            for batch in self._batches(stretches):
                for stretch, result in zip(batch, self._read(batch), strict=True):
                    heard[stretch.index] = result
                    unread += _unread(stretch, result)
            stretches = unread
        return [heard[index] for index in range(len(utterances))]

    def english_probs(self, utterances: Sequence[Utterance]) -> list[float]:
        """The probability that each utterance is English, whatever is declared; nothing is read.

        Raises ModelError for a recogniser without the head that finds it.
        """
        if self._english is None:
            raise ModelError("this recogniser was loaded without the head that finds English")
        known = [self._english_memory.recall(utterance.samples_T) for utterance in utterances]
        probs = [prob or 0.0 for prob in known]
        stretches = [
            _Stretch(index=i, utterance=utterance)
            for i, utterance in enumerate(utterances)
            if known[i] is None
        ]
        for batch in self._batches(stretches):
            heard = [stretch.utterance for stretch in batch]
            found = self._find_english(self._encode(heard), heard)
            for stretch, prob in zip(batch, found, strict=True):
                probs[stretch.index] = prob
        return probs

    def _batches(self, stretches: Sequence[_Stretch]) -> Iterator[list[_Stretch]]:
        batch: list[_Stretch] = []
        for stretch in sorted(stretches, key=lambda stretch: self._padded(stretch.utterance)):
            seconds = self._padded(stretch.utterance) / SAMPLE_RATE_HZ
            if batch and (len(batch) + 1) * seconds > self._batch_s:
                yield batch
                batch = []
            batch.append(stretch)
        if batch:
            yield batch

    def _padded(self, utterance: Utterance) -> int:
        return padded_samples(len(utterance.samples_T), int(self.longest_s * SAMPLE_RATE_HZ))

    def _read(self, batch: Sequence[_Stretch]) -> list[Heard]:
        utterances = [stretch.utterance for stretch in batch]
        encoded = self._encode(utterances)
        english = self._english_probs(encoded, utterances)
        rows = [row for row, prob in enumerate(english) if prob >= FOREIGN_PROB]
        results = [Heard(known_prob=prob) for prob in english]
        if not rows:
            return results
        kept = torch.tensor(rows, device=self._device)
        languages = [utterances[row].language for row in rows]
        found = decode(self._network, self.vocabulary, encoded.select(kept), languages)
        for row, decoded in zip(rows, found, strict=True):
            results[row] = self._heard(batch[row], decoded, english[row])
        return results

    def _encode(self, utterances: Sequence[Utterance]) -> Encoded:
        lengths = [self._padded(utterance) for utterance in utterances]
        batches = list(BUCKETS.batches(lengths, self._encode_s * SAMPLE_RATE_HZ))
        parts = [self._encode_alike([utterances[row] for row in rows]) for rows in batches]
        return Encoded.joined(parts, batches)

    def _encode_alike(self, utterances: Sequence[Utterance]) -> Encoded:
        """The states of a few clips of like length."""
        lengths = [self._padded(utterance) for utterance in utterances]
        mels = [
            log_mel(
                utterance.samples_T,
                mels=self._network.dims.n_mels,
                length=length,
                device=self._device,
            )
            for utterance, length in zip(utterances, lengths, strict=True)
        ]
        whole_s = len(lengths) * max(lengths) / SAMPLE_RATE_HZ
        note_padding(used=min(whole_s, sum(each.seconds for each in utterances)), whole=whole_s)
        return self._network.encode(*stacked(mels))

    def _english_probs(self, encoded: Encoded, utterances: Sequence[Utterance]) -> list[float]:
        """1 where a language is declared, and where the checkpoint finds it itself."""
        if self._english is None:
            return [1.0] * len(utterances)
        probs = self._find_english(encoded, utterances)
        return [1.0 if u.language else prob for u, prob in zip(utterances, probs, strict=True)]

    def _find_english(self, encoded: Encoded, utterances: Sequence[Utterance]) -> list[float]:
        """The head's probabilities, kept for whoever hears the same."""
        assert self._english is not None  # noqa: S101  # the callers have looked
        positions = [max(1, round(u.seconds / TIMESTAMP_S)) for u in utterances]
        positions_B = torch.tensor(positions, device=self._device)
        probs: list[float] = self._english.probabilities(encoded.states_BPW, positions_B).tolist()
        for utterance, prob in zip(utterances, probs, strict=True):
            self._english_memory.keep(utterance.samples_T, prob)
        return probs

    def _heard(self, stretch: _Stretch, decoded: Decoded, english_prob: float) -> Heard:
        texts = timed_texts(decoded, self.vocabulary, stretch.utterance.seconds)
        reading = Reading(
            texts=tuple(_later(text, stretch.begin_s) for text in texts),
            no_speech_prob=decoded.no_speech_prob,
        )
        if stretch.heard is not None:
            return replace(stretch.heard, readings=(*stretch.heard.readings, reading))
        known = primary(decoded.language) in self.languages
        return Heard(
            known_prob=english_prob if known else 0.0,
            language=decoded.language,
            readings=(reading,),
        )


def load_recogniser(
    config: Path,
    weights: Path,
    device: Device,
    *,
    languages: Collection[str] = (),
    english: Path | None = None,
) -> WhisperRecogniser:
    """From a config (JSON) and weights (safetensors) with OpenAI's or transformers' names.

    `english` are the weights of the head that finds English. Who asks for the same gets the same:
    signals of one checkpoint share it. Raises ModelError where they are not those of one Whisper
    network.
    """
    return _recogniser(config, weights, device, frozenset(languages), english)


@shared(2)
def _recogniser(
    config: Path, weights: Path, device: Device, languages: frozenset[str], english: Path | None
) -> WhisperRecogniser:
    network = load_whisper(json.loads(config.read_text()), load_file(weights), device)
    head = None if english is None else SpokenEnglish.load(english, device)
    return WhisperRecogniser(network, device, languages=languages, english=head)


def _unread(stretch: _Stretch, heard: Heard) -> list[_Stretch]:
    """What follows the last word, where that is long enough to hold more."""
    texts = heard.readings[-1].texts if heard.readings else ()
    if not texts or len(heard.readings) == ROUNDS:
        return []
    read_s = texts[-1].end_s - stretch.begin_s
    if stretch.utterance.seconds - read_s < UNREAD_S:
        return []
    rest_T = stretch.utterance.samples_T[int(read_s * SAMPLE_RATE_HZ) :]
    rest = Utterance(samples_T=rest_T, language=heard.language)
    return [replace(stretch, begin_s=stretch.begin_s + read_s, utterance=rest, heard=heard)]


def _later(text: TimedText, seconds: float) -> TimedText:
    return replace(text, start_s=text.start_s + seconds, end_s=text.end_s + seconds)
