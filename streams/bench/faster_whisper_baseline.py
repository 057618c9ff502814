"""faster-whisper (CTranslate2) with the weights of our checkpoint, a baseline of the transcript.

The checkpoint is converted by CTranslate2's own converter into the folder of the benchmark, with
the tokenizer made of the vocabulary that we read: nothing is fetched. Its VAD is not used: clips
are speech already, and given to it as the stretches of one long recording, which lets it put clips
in batches as ours does. In a module of its own, imported when such a row is measured.

T: samples
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from ctranslate2.converters.transformers import WhisperLoader
from faster_whisper import BatchedInferencePipeline, WhisperModel
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers.convert_slow_tokenizer import bytes_to_unicode

from earmark.models.device import available_cores
from earmark.models.whisper_tokens import Vocabulary, vocabulary
from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.whisper_baseline import transformers_network

Read = Callable[[Sequence[Samples]], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to use it: number format, clips in a batch (0: one by one), with times or not."""

    compute: str
    batch: int
    timed: bool = True

    def __str__(self) -> str:
        batch = f"batch_{self.batch}" if self.batch else "one_by_one"
        return f"{self.compute}_{batch}" + ("" if self.timed else "_untimed")


def ways(plan: Plan) -> list[Way]:
    """Those worth a try on the device: without times it leaves out much of a packed window."""
    cuda = plan.device.kind == "cuda"
    computes = ("float16", "int8_float16") if cuda else ("int8", "float32")
    batches = (16, 64) if cuda else (8, 16)
    found = [Way(compute=compute, batch=batch) for compute in computes for batch in batches]
    found += [Way(compute=compute, batch=batches[-1], timed=False) for compute in computes]
    return [*found, Way(compute=computes[0], batch=0)]


def faster_whisper(plan: Plan, way: Way) -> Read:
    """A function that reads clips, greedily and in English; one text for each."""
    model = WhisperModel(
        str(_converted(plan)),
        device=plan.device.kind,
        compute_type=way.compute,
        cpu_threads=available_cores(),
        local_files_only=True,
    )
    pipeline = BatchedInferencePipeline(model)

    def batched(clips: Sequence[Samples]) -> list[str]:
        ends = np.cumsum([len(clip_T) for clip_T in clips]) / SAMPLE_RATE_HZ
        begins = [0.0, *ends[:-1].tolist()]
        stretches = [
            {"start": begin, "end": end} for begin, end in zip(begins, ends.tolist(), strict=True)
        ]
        segments, _ = pipeline.transcribe(
            np.concatenate(clips),
            language="en",
            beam_size=1,
            temperature=0.0,
            vad_filter=False,
            clip_timestamps=stretches,
            batch_size=way.batch,
            without_timestamps=not way.timed,
        )
        texts = [""] * len(clips)
        for segment in segments:
            middle = (segment.start + segment.end) / 2
            texts[min(int(np.searchsorted(ends, middle)), len(clips) - 1)] += segment.text
        return texts

    def in_turn(clips: Sequence[Samples]) -> list[str]:
        return ["".join(segment.text for segment in _alone(model, clip_T)) for clip_T in clips]

    return batched if way.batch else in_turn


def _alone(model: WhisperModel, clip_T: Samples) -> list[SimpleNamespace]:
    segments, _ = model.transcribe(
        clip_T, language="en", beam_size=1, temperature=0.0, condition_on_previous_text=False
    )
    return list(segments)


def _converted(plan: Plan) -> Path:
    """The folder with the checkpoint as CTranslate2 reads it, written where it is missing."""
    folder = plan.folder / "ctranslate2"
    if folder.exists():
        return folder
    network = transformers_network(plan)
    words = vocabulary(network.config.vocab_size)
    tokens = _tokens(words)
    loader = WhisperLoader()
    spec = loader.get_model_spec(network)
    spec.register_vocabulary(tokens)
    loader.set_config(spec.config, network, SimpleNamespace(additional_special_tokens=[]))
    spec.validate()
    spec.optimize()
    folder.mkdir()
    spec.save(str(folder))
    _tokenizer(words, tokens).save(str(folder / "tokenizer.json"))
    return folder


def _tokens(words: Vocabulary) -> list[str]:
    """Each token as the libraries write it, by its number."""
    letters = bytes_to_unicode()  # type: ignore[no-untyped-call]  # as transformers publishes it
    encoding = words.encoding
    special = {encoding.encode_single_token(name): name for name in encoding.special_tokens_set}
    return [
        special.get(token)
        or "".join(letters[byte] for byte in encoding.decode_single_token_bytes(token))
        for token in range(encoding.n_vocab)
    ]


def _tokenizer(words: Vocabulary, tokens: Sequence[str]) -> Tokenizer:
    """Enough of one to decode, which is all that it is asked for here."""
    text = {token: number for number, token in enumerate(tokens[: words.end])}
    tokenizer = Tokenizer(models.BPE(text, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in tokens[words.end :]]
    )
    return tokenizer
