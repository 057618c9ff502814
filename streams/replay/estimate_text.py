"""The estimate of a replay in sentences."""

from collections.abc import Iterator

from earmark.processors.quantity import quantity
from earmark.streams.replay.estimate import Estimate


def estimate_lines(found: Estimate, workers: int) -> Iterator[str]:
    """What a replay would take, in sentences."""
    yield f"{quantity(found.events, 'event')}, {found.recordings:,} of them with audio"
    known = f", the length of {found.known_share:.0%} known" if found.recordings else ""
    yield f"{found.audio_hours:,.2f} hours of audio{known}"
    yield f"{found.code_points:,} characters of text"
    if found.undecodable:
        yield f"{quantity(found.undecodable, 'record')} that cannot be read"
    if found.seconds is None:
        yield "no time: nothing of the sample could be run here"
    else:
        speed = (
            f"{found.audio_x_real_time:,.0f} times real time"
            if found.audio_x_real_time
            else "no audio"
        )
        yield (
            f"about {found.seconds:,.0f} s with {quantity(workers, 'worker')} "
            f"(a sample of {quantity(found.sample_events, 'event')} ran here at {speed})"
        )
    if found.cost is not None:
        yield f"about {found.cost:,.2f} in all"
