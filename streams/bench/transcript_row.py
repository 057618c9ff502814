"""`transcript`: speech to text of many clips, 16 kHz mono in, timed text out.

Ours is the recogniser of `audio.transcript`, given all clips together. The baseline is the Whisper
of transformers, called once per clip with its own features: the same weights, precision and
threads, greedy, the same tokens suppressed. It is asked for no times, which is less work.

What bounds it: the decoder, at one token a step; clips that share its steps and an encoder that
reads no padding are what makes ours faster. It shrinks with fewer clips.
"""

import json
import logging
from collections.abc import Callable

import torch
from safetensors.torch import load_file
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from earmark.models.recogniser import Utterance, load_recogniser
from earmark.models.whisper_checkpoint import Dimensions, openai_names
from earmark.models.whisper_tokens import Vocabulary, vocabulary
from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.signals.audio_transcript import DEFAULT_CARD, audio_transcript
from earmark.streams.assembly import available_cores
from earmark.streams.bench.corpus import utterances
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates, torch_threads
from earmark.streams.bench.row import Goal, Row

CLIPS = 16


def transcript(plan: Plan) -> Row:
    """Seconds of speech read per second."""
    plan.pull([audio_transcript.name])
    clips = utterances(plan.scaled(CLIPS))
    seconds = sum(map(len, clips)) / SAMPLE_RATE_HZ
    read, generate = ours(plan), transformers_whisper(plan)
    with torch_threads(available_cores()):
        value, baseline = rates(
            Work(run=lambda: read(clips), amount=seconds),
            Work(run=lambda: [generate(clip_T) for clip_T in clips], amount=seconds),
            repetitions=plan.repetitions,
        )
    return Row(
        name="transcript",
        value=value,
        unit="x real time",
        baseline=baseline,
        against="transformers, once per file",
        goal=Goal(on="ratio", op=">=", x=2),
    )


def ours(plan: Plan) -> Callable[[list[Samples]], list[str]]:
    """A function that reads clips together."""
    store = plan.store
    recogniser = load_recogniser(
        store.path(DEFAULT_CARD, "config.json"), store.path(DEFAULT_CARD), plan.device
    )

    def read(clips: list[Samples]) -> list[str]:
        heard = recogniser.read([Utterance(samples_T=clip_T, language="en") for clip_T in clips])
        return [" ".join(t.text for r in each.readings for t in r.texts) for each in heard]

    return read


def transformers_whisper(plan: Plan) -> Callable[[Samples], str]:
    """A function that reads one clip, by transformers with the weights of our checkpoint."""
    logging.getLogger("transformers").setLevel(logging.ERROR)
    config = json.loads(plan.store.path(DEFAULT_CARD, "config.json").read_text())
    dims = Dimensions.from_config(config)
    words = vocabulary(dims.n_vocab)
    model = WhisperForConditionalGeneration(_config(dims, words))
    tensors = load_file(plan.store.path(DEFAULT_CARD))
    model.load_state_dict(_transformers_names(model.state_dict(), tensors))
    model.generation_config = _generation(words)
    model = model.to(plan.device.torch, plan.device.dtype).eval()
    extractor = WhisperFeatureExtractor(feature_size=dims.n_mels)

    def generate(clip_T: Samples) -> str:
        features = extractor(clip_T, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt")
        mel_BMF = features.input_features.to(plan.device.torch, plan.device.dtype)
        with torch.inference_mode():
            tokens_BN = model.generate(mel_BMF)
        return words.text(tokens_BN[0].tolist())

    return generate


def _config(dims: Dimensions, words: Vocabulary) -> WhisperConfig:
    return WhisperConfig(
        vocab_size=dims.n_vocab,
        num_mel_bins=dims.n_mels,
        d_model=dims.n_audio_state,
        encoder_layers=dims.n_audio_layer,
        encoder_attention_heads=dims.n_audio_head,
        encoder_ffn_dim=4 * dims.n_audio_state,
        decoder_layers=dims.n_text_layer,
        decoder_attention_heads=dims.n_text_head,
        decoder_ffn_dim=4 * dims.n_text_state,
        max_source_positions=dims.n_audio_ctx,
        max_target_positions=dims.n_text_ctx,
        bos_token_id=words.end,
        eos_token_id=words.end,
        pad_token_id=words.end,
        decoder_start_token_id=words.start,
    )


def _generation(words: Vocabulary) -> GenerationConfig:
    """Greedy, by OpenAI's rules; the checkpoint knows English alone."""
    return GenerationConfig(
        bos_token_id=words.end,
        eos_token_id=words.end,
        pad_token_id=words.end,
        decoder_start_token_id=words.start,
        suppress_tokens=list(words.suppressed),
        begin_suppress_tokens=list(words.blanks),
        no_timestamps_token_id=words.no_timestamps,
        forced_decoder_ids=None,
        is_multilingual=False,
        max_length=448,
        do_sample=False,
        num_beams=1,
    )


def _transformers_names(
    theirs: dict[str, torch.Tensor], tensors: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Our tensors under the names of transformers; the head is tied to the embedding."""
    found = {"proj_out.weight": tensors["decoder.token_embedding.weight"]}
    for name, tensor in theirs.items():
        for ours_name, _ in openai_names({name: tensor}):
            found[name] = tensors[ours_name]
    return found
