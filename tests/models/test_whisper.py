"""Whisper: equal to transformers' on a random checkpoint, to the words on a real one."""

import subprocess
import sys
import wave
from importlib.resources import files

import numpy as np
import pytest
import torch

from earmark.models.device import Device
from earmark.models.error import ModelError
from earmark.models.padding import noting
from earmark.models.recogniser import Heard, Utterance, WhisperRecogniser, load_recogniser
from earmark.models.store import ModelStore
from earmark.models.whisper import Whisper, compact, in_place, load_whisper
from earmark.models.whisper_checkpoint import Dimensions, openai_names
from earmark.models.whisper_decoding import Decoded, decode, timed_texts
from earmark.models.whisper_features import log_mel, padded_samples, stacked
from earmark.models.whisper_tokens import Vocabulary, bcp47, primary, vocabulary

CPU = torch.device("cpu")
SMALLEST = Dimensions(
    n_mels=80,
    n_audio_ctx=100,
    n_audio_state=32,
    n_audio_head=2,
    n_audio_layer=1,
    n_vocab=500,
    n_text_ctx=20,
    n_text_state=32,
    n_text_head=2,
    n_text_layer=1,
)
RATE = 16_000
ENGLISH, MULTILINGUAL = 51_864, 51_866


@pytest.fixture(scope="module")
def reference():
    """A random checkpoint of the smallest size, as transformers computes it."""
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(5)
    config = WhisperConfig(
        vocab_size=ENGLISH,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        init_std=0.2,
    )
    return WhisperForConditionalGeneration(config).eval()


@pytest.fixture(scope="module")
def network(reference) -> Whisper:
    return load_whisper(reference.config.to_dict(), reference.state_dict(), Device())


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return vocabulary(ENGLISH)


def chirp(seconds: float, hertz: float = 300.0) -> np.ndarray:
    time_T = np.arange(int(seconds * RATE)) / RATE
    return np.float32(0.3 * np.sin(2 * np.pi * hertz * time_T * (1 + time_T / 5)))


def features(samples_T: np.ndarray) -> torch.Tensor:
    length = padded_samples(len(samples_T), 30 * RATE)
    return log_mel(samples_T, mels=80, length=length, device=CPU)


@torch.inference_mode()
def next_logits(network: Whisper, mels: list[torch.Tensor], start: int) -> torch.Tensor:
    state = network.listen(network.encode(*stacked(mels)))
    return network.decoder(torch.full((len(mels), 1), start), state)


def test_logits_of_a_full_window_are_those_of_transformers(reference, network, words):
    mel_1MF = log_mel(chirp(29.0), mels=80, length=30 * RATE, device=CPU)[None]
    tokens_1N = torch.tensor([[words.start, words.timestamps, 11, 900, 31_000]])
    with torch.inference_mode():
        theirs = reference(input_features=mel_1MF, decoder_input_ids=tokens_1N).logits
        state = network.listen(network.encode(mel_1MF, torch.tensor([3000])))
        at_once = network.decoder(tokens_1N, state)
        state = network.listen(network.encode(mel_1MF, torch.tensor([3000])))
        in_parts = [
            network.decoder(some_1N, state) for some_1N in tokens_1N.split((1, 3, 1), dim=1)
        ]
    torch.testing.assert_close(at_once, theirs, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(torch.cat(in_parts, dim=1), theirs, atol=1e-4, rtol=1e-4)


def test_openai_names_load_to_the_same_network(reference, network, words):
    renamed = dict(openai_names(reference.state_dict()))
    dims = Dimensions.from_config(reference.config.to_dict())
    config = {name: getattr(dims, name) for name in Dimensions.__slots__}
    ours = load_whisper(config, renamed, Device())
    assert not any(name.startswith("model.") for name in renamed)
    mels = [features(chirp(2.0))]
    assert torch.equal(
        next_logits(ours, mels, words.start), next_logits(network, mels, words.start)
    )


def test_a_clip_sounds_the_same_whatever_lies_beside_it(network, words):
    mels = [features(chirp(seconds)) for seconds in (1.2, 7.9, 3.3)]
    together = next_logits(network, mels, words.start)
    alone = torch.cat([next_logits(network, [mel_MF], words.start) for mel_MF in mels])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


def test_reduced_precision_stays_near_full(reference, network, words):
    half = load_whisper(
        reference.config.to_dict(), reference.state_dict(), Device(precision="bf16")
    )
    mels = [features(chirp(2.0))]
    logits = next_logits(half, mels, words.start)
    assert logits.dtype == torch.float32
    full = next_logits(network, mels, words.start)
    assert torch.corrcoef(torch.stack((logits.flatten(), full.flatten())))[0, 1] > 0.99


@pytest.mark.parametrize("mels", [80, 128])
def test_log_mel_is_that_of_transformers(mels):
    from transformers import WhisperFeatureExtractor

    samples_T = chirp(3.0)
    theirs = WhisperFeatureExtractor(feature_size=mels)(samples_T, sampling_rate=RATE)
    ours = log_mel(samples_T, mels=mels, length=30 * RATE, device=CPU)
    np.testing.assert_allclose(ours, theirs["input_features"][0], atol=1e-3)


def test_times_come_in_pairs_and_never_go_back(network, words):
    mels = [features(chirp(seconds, hertz)) for seconds, hertz in ((2, 90), (5, 400), (9, 700))]
    encoded = network.encode(*stacked(mels))
    for decoded, mel_MF in zip(decode(network, words, encoded, [None] * 3), mels, strict=True):
        steps = [t - words.timestamps for t in decoded.tokens if t >= words.timestamps]
        assert decoded.tokens[0] >= words.timestamps
        assert steps == sorted(steps)
        assert steps[-1] <= mel_MF.shape[1] // 2
        assert not set(decoded.tokens) & set(words.suppressed)


def test_without_timestamps_there_are_none(network, words):
    encoded = network.encode(*stacked([features(chirp(3.0))]))
    (decoded,) = decode(network, words, encoded, [None], timestamps=False)
    assert max(decoded.tokens) < words.timestamps


def test_a_batch_reads_each_clip_as_alone(network):
    recogniser = WhisperRecogniser(network, Device())
    utterances = [Utterance(samples_T=chirp(seconds)) for seconds in (2.0, 0.4, 6.0, 2.1)]
    together = recogniser.read(utterances)
    alone = [recogniser.read([utterance])[0] for utterance in utterances]
    texts = [
        [text.text for reading in each.readings for text in reading.texts] for each in together
    ]
    assert texts == [
        [text.text for reading in each.readings for text in reading.texts] for each in alone
    ]


def test_the_encoder_gets_few_clips_at_a_time_and_the_decoder_all(network, monkeypatch):
    recogniser = WhisperRecogniser(network, Device())
    encoded, decoded = [], []
    encode, listen = network.encode, network.listen
    monkeypatch.setattr(
        network, "encode", lambda mel, frames: encoded.append(len(mel)) or encode(mel, frames)
    )
    monkeypatch.setattr(
        network, "listen", lambda states: decoded.append(len(states.positions_B)) or listen(states)
    )
    recogniser.read([Utterance(samples_T=chirp(20.0 + i), language="en") for i in range(5)])
    assert max(encoded) == 2
    assert sum(encoded) == 5
    assert decoded[0] == 5


def test_little_is_encoded_for_padding_whatever_lies_beside_it(network):
    recogniser = WhisperRecogniser(network, Device())
    lengths = [1.0, 1.3, 1.2, 4.0, 4.2, 3.9, 11.0, 11.2, 24.0, 24.4]
    with noting() as padding:
        recogniser.read([Utterance(samples_T=chirp(each), language="en") for each in lengths])
    assert padding.ratio is not None
    assert padding.ratio < 0.12


def test_text_stands_between_its_times(words):
    one, two = words.encoding.encode(" one"), words.encoding.encode(" two")
    at = [words.timestamps + step for step in (0, 50, 75)]
    tokens = (at[0], *one, at[1], at[2], *two, words.end)
    decoded = Decoded(
        tokens=tokens,
        logprobs=tuple(-0.5 for _ in tokens),
        language="en",
        no_speech_prob=0.0,
    )
    texts = timed_texts(decoded, words, 4.0)
    assert [(t.start_s, t.end_s, t.text) for t in texts] == [(0.0, 1.0, "one"), (1.5, 4.0, "two")]
    assert texts[0].avg_logprob == -0.5


# openai-whisper leaves its vocabulary file for the garbage collector to close
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
@pytest.mark.parametrize("size", [ENGLISH, 51_865, MULTILINGUAL])
def test_the_vocabulary_is_that_of_openai(size):
    from whisper.tokenizer import get_tokenizer

    theirs = get_tokenizer(size > ENGLISH, num_languages=100 if size == MULTILINGUAL else 99)
    ours = vocabulary(size)
    assert (ours.end, ours.start, ours.timestamps) == (
        theirs.eot,
        theirs.sot,
        theirs.timestamp_begin,
    )
    assert set(ours.suppressed) > set(theirs.non_speech_tokens)
    assert not ours.languages or set(ours.languages.values()) == set(theirs.all_language_tokens)


def test_languages_are_known_by_their_tags():
    assert vocabulary(ENGLISH).knows("en-US")
    assert not vocabulary(ENGLISH).knows("es")
    assert vocabulary(MULTILINGUAL).knows("es-419")
    assert [bcp47(primary(tag)) for tag in ("nb-NO", "jv", "zh-Hant")] == ["no", "jv", "zh"]


def test_a_multilingual_checkpoint_finds_the_language_or_takes_the_declared_one(reference):
    config = {**reference.config.to_dict(), "vocab_size": MULTILINGUAL}
    tensors = dict(reference.state_dict())
    rows = tensors["model.decoder.embed_tokens.weight"]
    tensors["model.decoder.embed_tokens.weight"] = torch.cat((rows, rows[:2]))
    recogniser = WhisperRecogniser(load_whisper(config, tensors, Device()), Device())
    found, declared = recogniser.read(
        [Utterance(samples_T=chirp(1.0), language=language) for language in (None, "es-MX")]
    )
    assert found.language in recogniser.languages
    assert (declared.language, declared.known_prob) == ("es", 1.0)


def test_what_is_no_whisper_checkpoint_says_so(reference):
    with pytest.raises(ModelError, match="n_vocab"):
        Dimensions.from_config({"n_mels": 80})
    with pytest.raises(ModelError, match="not a Whisper checkpoint"):
        load_whisper(reference.config.to_dict(), {}, Device())
    with pytest.raises(ModelError, match=r"1,000 tokens"):
        vocabulary(1_000)


@pytest.fixture(scope="module")
def real_recogniser() -> WhisperRecogniser:
    store = ModelStore()
    config = store.path("whisper-tiny.en", "config.json")
    return load_recogniser(config, store.path("whisper-tiny.en"), Device())


def words_of(heard: Heard) -> str:
    return " ".join(text.text for reading in heard.readings for text in reading.texts).lower()


@pytest.mark.weights
def test_the_words_of_a_real_recording_are_read(real_recogniser):
    speech_T = jfk()
    utterances = [Utterance(samples_T=part_T) for part_T in (speech_T, speech_T[: 3 * RATE])]
    whole, beginning = real_recogniser.read(utterances)
    assert "ask not what your country can do for you" in words_of(whole)
    assert "ask what you can do for your country" in words_of(whole)
    assert "my fellow americans" in words_of(beginning)
    assert -0.5 < whole.readings[0].texts[0].avg_logprob < 0


@pytest.mark.weights
def test_a_decoder_that_stops_early_is_set_on_again(real_recogniser):
    speech_T = jfk()
    utterance = Utterance(samples_T=np.concatenate((speech_T, speech_T, speech_T[: 5 * RATE])))
    (heard,) = real_recogniser.read([utterance])
    times = [text.start_s for reading in heard.readings for text in reading.texts]
    assert len(heard.readings) > 1
    assert times == sorted(times)
    assert words_of(heard).count("my fellow americans") == 3


def jfk() -> np.ndarray:
    with (
        (files("earmark") / "streams" / "samples" / "jfk.wav").open("rb") as file,
        wave.open(file) as w,
    ):
        return np.frombuffer(w.readframes(w.getnframes()), np.int16).astype(np.float32) / 32_768


@pytest.mark.parametrize("rows", [[0, 1, 2], [5], [0, 3, 4, 9], [1, 2, 8, 9], []])
def test_clips_that_go_on_are_moved_only_into_gaps(rows):
    clips_B = torch.arange(10)
    kept_B = in_place(clips_B.clone(), compact(rows))
    assert sorted(kept_B.tolist()) == rows
    assert [row for row in rows if row < len(rows)] == [
        row for at, row in enumerate(kept_B.tolist()) if at == row
    ]


def test_a_network_is_laid_out_without_the_compiler() -> None:
    """To import that takes a second of each start."""
    lay_out = (
        "import sys, torch\n"
        "from earmark.models.whisper import Whisper\n"
        "from earmark.models.whisper_checkpoint import Dimensions\n"
        "with torch.device('meta'):\n"
        f"    Whisper({SMALLEST!r})\n"
        "sys.exit('torch._dynamo' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", lay_out], check=True)
