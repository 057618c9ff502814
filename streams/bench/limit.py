"""All signals of items that are decoded already: what a worker could reach if the rest were free.

The limit has every core for meters and models, side by side as in a worker. `in_turn` is the same
work as a plain loop has it: the meters, then one model after the other, each with all cores.

C: channels, T: samples
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread

from earmark.processors.block import Block, Samples
from earmark.processors.content import ContentEvent
from earmark.processors.decode import decode
from earmark.processors.metering import Metering
from earmark.processors.outcome import Result
from earmark.processors.pipeline import Pipeline, interleaved
from earmark.processors.signal import AudioFormat, Container

_KEPT = "kept"  # among the names of meters


@dataclass(eq=False)
class _Recording:
    """A recording as the decoder gives it to meters; it passes for one of them."""

    format: AudioFormat
    samples_CT: list[Samples] = field(default_factory=list)
    container: Container | None = None

    def update(self, samples_CT: Samples) -> None:
        self.samples_CT.append(samples_CT.copy())

    def finish(self, container: Container) -> Result:
        self.container = container
        return Result.abstained("NOT_MEASURED")


class Limit:
    """Holds the items decoded, at both rates: some hundred kilobytes for each second of music."""

    def __init__(
        self, pipeline: Pipeline, items: Sequence[ContentEvent], media: Mapping[str, Path]
    ) -> None:
        self._pipeline = pipeline
        self._recordings: list[_Recording] = []
        meters = {**pipeline.meters, _KEPT: self._keep}
        streams = (decode(item, media.get(item.content_id), meters=meters) for item in items)
        self._blocks = [_as_it_was(block) for block in interleaved(streams)]

    def run(self) -> None:
        """Everything at once, meters in a thread of their own as in one decode process."""
        meters = Thread(target=self._measure)
        meters.start()
        self._score()
        meters.join()

    def in_turn(self) -> None:
        """One after the other."""
        with in_turn(self._pipeline):
            self._measure()
            self._score()

    def _score(self) -> None:
        for _ in self._pipeline.score(self._blocks):
            pass

    def _measure(self) -> None:
        for recording in self._recordings:
            metering = Metering(self._pipeline.meters, recording.format)
            for samples_CT in recording.samples_CT:
                deque(metering.push(samples_CT), maxlen=0)
            deque(metering.flush(), maxlen=0)
            if recording.container is not None:
                for name in self._pipeline.meters:
                    metering.finish(name, recording.container)

    def _keep(self, audio_format: AudioFormat) -> _Recording:
        self._recordings.append(_Recording(audio_format))
        return self._recordings[-1]


@contextmanager
def in_turn(pipeline: Pipeline) -> Iterator[None]:
    """Within the block its models compute one after the other, each with all cores."""
    executor, pipeline.executor = pipeline.executor, None
    try:
        yield
    finally:
        pipeline.executor = executor


def _as_it_was(block: Block) -> Block:
    """The block without what was said of it here."""
    if block.end is None:
        return block
    readings = {name: each for name, each in block.end.readings.items() if name != _KEPT}
    return replace(block, end=replace(block.end, readings=readings))
