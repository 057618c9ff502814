"""All rows of the benchmark by name, in the order in which they are measured and shown.

Those of a group are measured when the group is asked for, `ROWS` when none is, each once for `all`.
A row is one line: its name and `lazily(module, function)` of a `(Plan) -> Row`, imported when it is
measured: no row needs what only another one does. `by_mix` makes of a `(Plan, Mix) -> Row` a row
for each mix, `name[mix]`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import cast

from earmark.streams.bench.mix import RECORDED, Mix
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Row

Measure = Callable[[Plan], Row]
MeasureMix = Callable[[Plan, Mix], Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByMix:
    """A row that is measured once for each of `mixes` that is asked for, as `name[mix]`."""

    measure: MeasureMix
    mixes: tuple[Mix, ...]


Entry = Measure | ByMix


def lazily(module: str, function: str) -> Measure:
    """That function of a module beside this one, which is imported when it is called."""
    return partial(_measured_by, module, function)


def by_mix(module: str, function: str, mixes: Collection[Mix] = tuple(Mix)) -> ByMix:
    """Likewise, for each of these mixes."""
    return ByMix(measure=partial(_measured_by, module, function), mixes=tuple(mixes))


def _measured_by(module: str, function: str, *of: object) -> Row:
    measure = getattr(import_module(f"earmark.streams.bench.{module}"), function)
    return cast(Callable[..., Row], measure)(*of)


DECODE: dict[str, Measure] = {
    "decode": lazily("decode_rows", "decode"),
    "decode_metered": lazily("decode_rows", "decode_metered"),
}

FEATURES: dict[str, Measure] = {
    "loudness": lazily("loudness_row", "loudness"),
}

CODEC: dict[str, Measure] = {
    "codec_encode": lazily("codec_rows", "codec_encode"),
    "codec_decode": lazily("codec_rows", "codec_decode"),
}

WORKER: dict[str, Measure] = {
    "worker": lazily("worker_rows", "worker"),
    "text_events": lazily("worker_rows", "text_only"),
}

MEMORY: dict[str, Measure] = {
    "memory": lazily("memory_row", "memory"),
}

ROWS: dict[str, Measure] = {
    **DECODE,
    **CODEC,
    **FEATURES,
    "vad": lazily("voice_row", "vad"),
    "transcript": lazily("transcript_row", "transcript"),
    **WORKER,
    **MEMORY,
}

DELIVERY: dict[str, Measure] = {
    "transactions": lazily("transactions_row", "transactions"),
    "live_texts": lazily("live_rows", "live_texts"),
    "live_clips": lazily("live_rows", "live_clips"),
    "recovery_classic_other": lazily("recovery_rows", "recovery_classic_other"),
    "recovery_classic_same": lazily("recovery_rows", "recovery_classic_same"),
    "recovery_consumer_other": lazily("recovery_rows", "recovery_consumer_other"),
    "recovery_consumer_same": lazily("recovery_rows", "recovery_consumer_same"),
}

GPU: dict[str, Measure] = {
    "music_on_gpu": lazily("model_rows", "music_on_gpu"),
}

TRANSCRIPT: dict[str, Entry] = {
    "transcript_faster_whisper": by_mix("transcript_rows", "faster", (Mix.VOICE, Mix.PODCAST)),
    "transcript_transformers": by_mix("transcript_rows", "transformers", (Mix.VOICE, Mix.PODCAST)),
}
BATCHING: dict[str, Entry] = {
    "padding[texts]": lazily("batching_rows", "padding_texts"),
    "padding[speech]": lazily("batching_rows", "padding_speech"),
    "bucketed[texts]": lazily("batching_rows", "bucketed_texts"),
    "bucketed[speech]": lazily("batching_rows", "bucketed_speech"),
    "one_at_a_time[voice]": lazily("alone_rows", "one_voice_clip_at_a_time"),
    "one_at_a_time[text]": lazily("alone_rows", "one_text_at_a_time"),
}

TRANSPORT: dict[str, Entry] = {
    "transport": lazily("transport_rows", "transport"),
    "scaling_texts": lazily("scaling_rows", "scaling_texts"),
    "scaling_voice": lazily("scaling_rows", "scaling_voice"),
}
LATENCY: dict[str, Entry] = {
    "latency_p50": lazily("latency_rows", "latency_p50"),
    "latency_p99": lazily("latency_rows", "latency_p99"),
}

START: dict[str, Entry] = {
    "start_help": lazily("start_rows", "start_help"),
    "start_worker": lazily("start_rows", "start_worker"),
}

GROUPS: dict[str, Mapping[str, Entry]] = {
    "decode": {
        **DECODE,
        "decode_cores": lazily("decoder_rows", "decode_cores"),
        "decode_by": by_mix("decoder_rows", "decode_by", RECORDED),
        "decode_torchcodec": lazily("decoder_rows", "decode_torchcodec"),
        "decode_soundfile": lazily("decoder_rows", "decode_soundfile"),
        "decode_librosa": lazily("decoder_rows", "decode_librosa"),
    },
    "features": FEATURES,
    "batching": BATCHING,
    "codec": {
        **CODEC,
        "codec_small": lazily("codec_rows", "codec_small"),
        "codec_transcript": lazily("codec_rows", "codec_transcript"),
    },
    "transcript": TRANSCRIPT,
    "transport": TRANSPORT,
    "worker": {
        **WORKER,
        "text_mix": lazily("text_rows", "text_mix"),
        "worker_mix": by_mix(
            "mix_rows", "worker_mix", tuple(mix for mix in Mix if mix is not Mix.TEXT)
        ),
    },
    "latency": LATENCY,
    "memory": {**MEMORY, "memory_12h": lazily("memory_row", "memory_12h")},
    "start": START,
    "delivery": DELIVERY,
}


def every() -> dict[str, Entry]:
    """The rows of `all`: each once, those of models last."""
    rows: dict[str, Entry] = dict(ROWS)
    for group in GROUPS.values():
        rows |= group
    return rows | GPU | models()


def models(name: str = "all") -> dict[str, Entry]:
    """The row of one signal's model, `model[name]`, or those of all."""
    from earmark.streams.bench.model_rows import modelled

    return {f"model[{each}]": partial(modelled, name=each) for each in model_names(name)}


def model_names(name: str = "all") -> tuple[str, ...]:
    """The signals whose models can be measured, or that one."""
    from earmark.processors.loader import load_specs
    from earmark.processors.signal import Takes

    return tuple(
        spec.name
        for spec in load_specs(None if name == "all" else [name]).values()
        if spec.models and spec.takes is not Takes.METER and name in ("all", spec.name)
    )


def spelled_out(rows: Mapping[str, Entry], mixes: Collection[Mix]) -> Iterator[tuple[str, Measure]]:
    """All rows by the names under which they are shown; those by mix for the mixes asked for."""
    for name, entry in rows.items():
        if not isinstance(entry, ByMix):
            yield name, entry
            continue
        for mix in (each for each in entry.mixes if each in mixes):
            full = f"{name}[{mix}]"
            yield full, partial(_measured, entry.measure, mix, full)


def _measured(measure: MeasureMix, mix: Mix, name: str, plan: Plan) -> Row:
    return replace(measure(plan, mix), name=name)


def asked(
    rows: Mapping[str, Entry], mixes: Collection[Mix], only: Collection[str]
) -> dict[str, Measure]:
    """The rows spelled out, of which `only` names some, by a whole name or that before the mix.

    Raises KeyError with a name that there is not.
    """
    spelled = dict(spelled_out(rows, mixes))
    if not only:
        return spelled
    for name in only:
        if not any(name in (full, full.partition("[")[0]) for full in spelled):
            raise KeyError(name)
    return {
        full: measure
        for full, measure in spelled.items()
        if full in only or full.partition("[")[0] in only
    }
