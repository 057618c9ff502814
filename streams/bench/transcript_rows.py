"""`transcript_faster_whisper[mix]`, `transcript_transformers[mix]`: speech to text of many clips.

Ours is the recogniser of `audio.transcript`, given all clips together. The baselines have the same
checkpoint, clips, threads and language, greedy, each at the fastest of its settings: those that
batch and those that do not, their number formats, tried on the first clips. A setting that leaves
words out is not the same work: one counts whose word error is at most `WORSE` above the least of
its library. The details have the rate and the word error of each.

What bounds it, by a profile of one core with AVX-512 bf16. Full windows: 43 % is the encoder (44 %
of that attention among 1,500 positions, in bf16 at half the speed of its other products), 36 % the
decoder's blocks (39 % of that reads the keys and values of cross-attention, 9 MB a window and
token), 13 % head and rules. faster-whisper computes the encoder in int8 at about the same speed, so
that full windows are about even. Voice clips: ours computes the encoder for as long as a clip is,
where the others fill up to 30 s, and that is where it gains.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

from earmark.models.device import available_cores
from earmark.processors.block import Samples
from earmark.processors.signals.audio_transcript import audio_transcript
from earmark.streams.bench.mix import Mix
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates, torch_threads
from earmark.streams.bench.row import Goal, Row, Unmeasured, row_of_turns
from earmark.streams.bench.spoken_clip import SpokenClip, seconds_of, spoken_clips, word_error
from earmark.streams.bench.transcript_row import ours

CLIPS = {Mix.VOICE: 64, Mix.PODCAST: 16}
TRIAL_SHARE = 4  # a setting is tried on a part of the clips
WORSE = 0.05
TRANSFORMERS_BATCHES = (8, 16)

Read = Callable[[Sequence[Samples]], list[str]]


def faster(plan: Plan, mix: Mix) -> Row:
    """Seconds of speech read per second, beside faster-whisper."""
    try:
        from earmark.streams.bench.faster_whisper_baseline import faster_whisper, ways
    except ImportError as error:
        raise Unmeasured(f"needs the extra bench: {error}") from error
    plan.pull([audio_transcript.name])
    readers = {str(way): faster_whisper(plan, way) for way in ways(plan)}
    return _row(plan, mix, readers, "faster-whisper", Goal(on="ratio", op=">=", x=3))


def transformers(plan: Plan, mix: Mix) -> Row:
    """Seconds of speech read per second, beside transformers with batches."""
    from earmark.streams.bench.whisper_baseline import transformers_batches

    plan.pull([audio_transcript.name])
    readers = {f"batch_{size}": transformers_batches(plan, size) for size in TRANSFORMERS_BATCHES}
    return _row(plan, mix, readers, "transformers", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How a reader did: seconds of speech per second, and its word error."""

    rate: float
    error: float


def _row(plan: Plan, mix: Mix, readers: Mapping[str, Read], library: str, goal: Goal | None) -> Row:
    clips = spoken_clips(mix, plan.scaled(CLIPS[mix]))
    read, said, samples = ours(plan), dict[str, list[str]](), [clip.samples_T for clip in clips]
    seconds = seconds_of(clips)
    with torch_threads(available_cores()):
        tried = {name: _tried(each, clips) for name, each in readers.items()}
        best = fastest(tried)
        figures = rates(
            Work(run=lambda: said.update(ours=read(samples)), amount=seconds),
            Work(run=lambda: said.update(theirs=readers[best](samples)), amount=seconds),
            repetitions=plan.repetitions,
        )
    details = {
        "word_error": word_error(clips, said["ours"]),
        "baseline_word_error": word_error(clips, said["theirs"]),
        **{f"{name}_x_real_time": each.rate for name, each in tried.items()},
        **{f"{name}_word_error": each.error for name, each in tried.items()},
    }
    return row_of_turns(
        f"transcript[{mix}]",
        *figures,
        unit="x real time",
        against=f"{library}, {best}",
        goal=goal,
        details=details,
    )


def _tried(read: Read, clips: Sequence[SpokenClip]) -> Tried:
    """On the first clips, after one that does not count."""
    some = clips[: max(1, len(clips) // TRIAL_SHARE)]
    read([some[0].samples_T])
    begin = perf_counter()
    texts = read([clip.samples_T for clip in some])
    return Tried(rate=seconds_of(some) / (perf_counter() - begin), error=word_error(some, texts))


def fastest(tried: Mapping[str, Tried]) -> str:
    """The fastest of those that hear about as well as the best."""
    least = min(each.error for each in tried.values())
    fit = [name for name, each in tried.items() if each.error <= least + WORSE]
    return max(fit, key=lambda name: tried[name].rate)
