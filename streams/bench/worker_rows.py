"""The whole worker through Kafka: `worker` with recordings, `text_events` with texts alone.

The clock runs from the first event sent to the last one committed, as the worker's own metric says:
producing, consuming, fetching and decoding, scoring and the transactions are all in it. The
baseline is the pipeline in this process, all signals too, on blocks that were decoded before the
clock runs: the same models on the same decoded batches, without Kafka.

What bounds `worker` on two cores: of the 59 core-seconds of its 29.6 s for 662 s of recordings the
models and their process take 45, where the baseline takes 36: a burst of half a minute begins with
thin batches, as an idle device begins with what there is, and ends with them. Decoding takes 5.8,
nearly all of it meters, which the baseline has behind it; broker and registry 2.1, the producer
0.8, and 5 are idle. Beside a baseline with meters (`limit`) the ratio would be 0.77. Longer bursts,
in `worker_mix`, come closer.
"""

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from earmark.models.device import available_cores
from earmark.processors.content import ContentEvent
from earmark.streams.bench.corpus import audio_events, recordings, text_events
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates, torch_threads
from earmark.streams.bench.row import Goal, Row, row_of_turns
from earmark.streams.bench.served import group_of, served

RECORDINGS = 48
TEXTS_WITH_THEM = 96
TEXTS_ALONE = 4_000
AGAINST = "the same models in process, decoded before"

Make = Callable[[str], Sequence[ContentEvent]]  # the events of one run, which names them


def worker(plan: Plan) -> Row:
    """Events answered per second, a third with a recording and a title, the others texts."""
    paths = recordings(plan.folder, plan.scaled(RECORDINGS))
    texts = plan.scaled(TEXTS_WITH_THEM)

    def events(run: str) -> Sequence[ContentEvent]:
        return [*audio_events(paths, run=f"{run}-a"), *text_events(texts, run=f"{run}-t")]

    return _row(plan, "worker", events, Goal(on="ratio", op=">=", x=0.8))


def text_only(plan: Plan) -> Row:
    """Events of three texts each, answered per second."""
    number = plan.scaled(TEXTS_ALONE)
    return _row(plan, "text_events", lambda run: list(text_events(number, run=run)), None)


def _row(plan: Plan, name: str, events: Make, goal: Goal | None) -> Row:
    figures = _rates(plan, name, events)
    return row_of_turns(name, *figures, unit="events/s", against=AGAINST, goal=goal)


def _rates(plan: Plan, name: str, events: Make) -> tuple[list[float], list[float]]:
    runs = count()

    def run() -> Sequence[ContentEvent]:
        return events(f"{name}-{next(runs)}")

    pipeline = plan.pipeline()
    sample = events("baseline")
    blocks = list(pipeline.decoded(sample, media=media_of(sample)))
    settings = group_of(plan, name, signals=(), protocol="classic")
    with served(plan, settings) as worker, torch_threads(available_cores()):
        return rates(
            Work(run=lambda: worker.answer(run(), anew=True), amount=len(sample)),
            Work(run=lambda: list(pipeline.score(blocks)), amount=len(sample)),
            repetitions=plan.repetitions,
        )


def media_of(events: Sequence[ContentEvent]) -> dict[str, Path]:
    """The file of each event with one, by content_id."""
    return {
        event.content_id: Path(url2pathname(urlsplit(event.audio.uri).path))
        for event in events
        if event.audio is not None and event.audio.uri is not None
    }
