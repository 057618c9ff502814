"""The Whisper of transformers with the weights of our checkpoint, a baseline of the transcript.

In a module of its own, which is imported when that row is measured: transformers takes seconds.
"""

import json
import logging
from collections.abc import Callable, Sequence

import torch
from safetensors.torch import load_file
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from earmark.models.whisper_checkpoint import Dimensions, openai_names
from earmark.models.whisper_tokens import Vocabulary, vocabulary
from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.signals.audio_transcript import DEFAULT_CARD
from earmark.streams.bench.plan import Plan


def transformers_whisper(plan: Plan) -> Callable[[Samples], str]:
    """A function that reads one clip, by transformers with the weights of our checkpoint."""
    read = transformers_batches(plan, 1)
    return lambda clip_T: read([clip_T])[0]


def transformers_batches(plan: Plan, size: int) -> Callable[[Sequence[Samples]], list[str]]:
    """A function that reads clips, so many at a time, in the order in which they come."""
    model = transformers_network(plan)
    words = vocabulary(model.config.vocab_size)
    network: torch.nn.Module = model  # whose methods have types, as those of the subclass do not
    network.to(plan.device.torch, plan.device.dtype)
    extractor = WhisperFeatureExtractor(feature_size=model.config.num_mel_bins)  # type: ignore[no-untyped-call]  # as transformers publishes it

    def generate(clips: Sequence[Samples]) -> list[str]:
        features = extractor(list(clips), sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt")
        mel_BMF = features.input_features.to(plan.device.torch, plan.device.dtype)
        with torch.inference_mode():
            tokens_BN = model.generate(mel_BMF)
        return [words.text(tokens) for tokens in tokens_BN.tolist()]

    def read(clips: Sequence[Samples]) -> list[str]:
        batches = [clips[begin : begin + size] for begin in range(0, len(clips), size)]
        return [text for batch in batches for text in generate(batch)]

    return read


def transformers_network(plan: Plan) -> WhisperForConditionalGeneration:
    """Our checkpoint as a network of transformers, in fp32 on the CPU."""
    logging.getLogger("transformers").setLevel(logging.ERROR)
    config = json.loads(plan.store.path(DEFAULT_CARD, "config.json").read_text())
    dims = Dimensions.from_config(config)
    words = vocabulary(dims.n_vocab)
    model = WhisperForConditionalGeneration(_config(dims, words))
    tensors = load_file(plan.store.path(DEFAULT_CARD))
    model.load_state_dict(_transformers_names(model.state_dict(), tensors))
    model.generation_config = _generation(words)
    network: torch.nn.Module = model  # whose methods have types, as those of the subclass do not
    network.eval()
    return model


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
    return GenerationConfig(  # type: ignore[no-untyped-call]  # as transformers publishes it
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
