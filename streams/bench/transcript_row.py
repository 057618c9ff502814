"""`transcript`: speech to text of many clips, 16 kHz mono in, timed text out.

Ours is the recogniser of `audio.transcript`, given all clips together. The baseline is the Whisper
of transformers, called once per clip with its own features: the same weights, precision and
threads, greedy, the same tokens suppressed. It is asked for no times, which is less work.

What bounds it: the decoder, at one token a step; clips that share its steps and an encoder that
reads no padding are what makes ours faster. It shrinks with fewer clips.
"""

from collections.abc import Callable, Sequence

from earmark.models.device import available_cores
from earmark.models.recogniser import Utterance, load_recogniser
from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.signals.audio_transcript import DEFAULT_CARD, audio_transcript
from earmark.streams.bench.corpus import utterances
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates, torch_threads
from earmark.streams.bench.row import Goal, Row, row_of_turns

CLIPS = 16


def transcript(plan: Plan) -> Row:
    """Seconds of speech read per second."""
    from earmark.streams.bench.whisper_baseline import transformers_whisper

    plan.pull([audio_transcript.name])
    clips = utterances(plan.scaled(CLIPS))
    seconds = sum(map(len, clips)) / SAMPLE_RATE_HZ
    read, generate = ours(plan), transformers_whisper(plan)
    with torch_threads(available_cores()):
        figures = rates(
            Work(run=lambda: read(clips), amount=seconds),
            Work(run=lambda: [generate(clip_T) for clip_T in clips], amount=seconds),
            repetitions=plan.repetitions,
        )
    return row_of_turns(
        "transcript",
        *figures,
        unit="x real time",
        against="transformers, once per file",
        goal=Goal(on="ratio", op=">=", x=2),
    )


def ours(plan: Plan) -> Callable[[Sequence[Samples]], list[str]]:
    """A function that reads clips together."""
    store = plan.store
    recogniser = load_recogniser(
        store.path(DEFAULT_CARD, "config.json"), store.path(DEFAULT_CARD), plan.device
    )

    def read(clips: Sequence[Samples]) -> list[str]:
        heard = recogniser.read([Utterance(samples_T=clip_T, language="en") for clip_T in clips])
        return [" ".join(t.text for r in each.readings for t in r.texts) for each in heard]

    return read
