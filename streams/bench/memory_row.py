"""`memory`: what the worker needs beyond its models while a recording of three hours passes.

The figure is resident memory of worker and decode processes together, the most at any moment less
what it was when the models were loaded. The baseline is the size of the recording as samples at
16 kHz, which it would take to hold it. Blocks in flight are bounded, so length should not matter.
"""

from earmark.processors.block import SAMPLE_RATE_HZ
from earmark.streams.bench.corpus import audio_events, long_recording
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Goal, Row
from earmark.streams.bench.served import served

MINUTES = 180
_SAMPLE_BYTES = 4
_MB = 1e6


def memory(plan: Plan) -> Row:
    """Megabytes above the loaded models."""
    minutes = plan.scaled(MINUTES)
    path = plan.folder / "long.mp3"
    long_recording(path, minutes=minutes)
    with served(plan) as worker:
        sizes: list[int] = []
        worker.answer(
            audio_events([path], run="memory"),
            watch=lambda: sizes.append(worker.resident_bytes),
        )
        above = max(sizes) - worker.loaded_bytes
    return Row(
        name="memory",
        value=above / _MB,
        unit=f"MB above the models, {minutes} minutes",
        baseline=minutes * 60 * SAMPLE_RATE_HZ * _SAMPLE_BYTES / _MB,
        against="the recording held as samples",
        goal=Goal(on="value", op="<=", x=300),
    )
