"""The text mix through the worker, beside the same done one after the other; and one at a time.

`text_mix`: a burst of comments and lyrics lies in Kafka before the clock runs, which stops with the
last commit; the worker answers all signals of texts. The baseline does on the very same records
what the worker does, one thing after the other, with all cores for each: the models, on all events
given to them together; then the codec, which makes all records; then a raw client, which moves them
(see `raw_loop`). The worker does the three at once, and reads receipts besides.

`one_at_a_time[text]` and `one_at_a_time[voice]`: the whole worker through Kafka, from the first
event sent to the last one committed, beside the obvious loop: `Pipeline.run([event])` for one event
after the other, in this process, without Kafka, with the same models and all cores. The loop is
given more than a program that served events that way would have: it neither reads nor writes.

What bounds `text_mix`: the models. Encoding and publishing take some hundred microseconds an event,
in which the models have one core to themselves. What bounds a loop is what a model does for a batch
of one: its layers are too small to fill two cores.
"""

import statistics
from collections.abc import Sequence
from itertools import count

from earmark.processors.content import ContentEvent
from earmark.streams.assembly import available_cores
from earmark.streams.bench.burst import Bursts
from earmark.streams.bench.mix import Mix, events
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, timed, torch_threads
from earmark.streams.bench.row import Goal, Row, spread
from earmark.streams.bench.served import group_of, served
from earmark.streams.bench.worker_rows import media_of

TEXTS = 2_048
TEXTS_ALONE = 512  # of one at a time
VOICE_S = 240.0
TURNS = 3
SIGNALS = (
    *("content.explicit", "text.embedding", "text.language", "text.pii", "text.quality"),
    *("text.safety", "text.sentiment", "text.topics"),
)


def text_mix(plan: Plan) -> Row:
    """Events of the text mix answered per second."""
    settings = group_of(plan, "text-mix", signals=SIGNALS, protocol="classic")
    number = plan.scaled(TEXTS)

    def made(run: str) -> Sequence[ContentEvent]:
        return events(Mix.TEXT, plan.recordings, run=f"mix-{run}", count=number)

    with served(plan, settings) as worker, torch_threads(available_cores()):
        bursts = Bursts(settings, worker, plan.pipeline(SIGNALS), made, number=number)

        def one_after_the_other() -> None:
            bursts.encode(bursts.score())
            bursts.move()

        times = timed(
            Work(run=worker.finish, amount=number, prepare=bursts.queue),
            Work(run=one_after_the_other, amount=number, prepare=bursts.read),
            repetitions=plan.repeated(TURNS),
        )
        shared = bursts.sent / worker.transactions
    ours, theirs = ([number / seconds for seconds in each] for each in times)
    return Row(
        name="text_mix",
        value=statistics.median(ours),
        unit="events/s",
        baseline=statistics.median(theirs),
        against="models, then codec, then raw client",
        goal=Goal(on="ratio", op=">=", x=0.9),
        details=spread(ours, theirs)
        | {
            "events_per_transaction": shared,
            "records_out_per_event": bursts.records_per_event,
        },
    )


def one_at_a_time(plan: Plan, mix: Mix) -> Row:
    """Events of a mix answered per second."""
    bound = {"count": plan.scaled(TEXTS_ALONE)} if mix is Mix.TEXT else {"seconds": _seconds(plan)}
    runs = count()
    signals = SIGNALS if mix is Mix.TEXT else ()
    settings = group_of(plan, f"alone-{mix}", signals=signals, protocol="classic")

    def made() -> Sequence[ContentEvent]:
        return events(mix, plan.recordings, run=f"alone-{mix}-{next(runs)}", **bound)

    pipeline = plan.pipeline(signals or None)
    sample = made()
    media = media_of(sample)

    def loop() -> None:
        for event in sample:
            pipeline.run([event], media=media)

    with served(plan, settings) as worker, torch_threads(available_cores()):
        pipeline.warm_up()
        times = timed(
            Work(run=lambda: worker.answer(made(), anew=True), amount=1),
            Work(run=loop, amount=1),
            repetitions=plan.repeated(TURNS),
        )
    ours, theirs = ([len(sample) / seconds for seconds in each] for each in times)
    return Row(
        name="one_at_a_time",
        value=statistics.median(ours),
        unit="events/s",
        baseline=statistics.median(theirs),
        against="one event after the other, in process",
        goal=Goal(on="ratio", op=">=", x=3.0),
        details=spread(ours, theirs) | {"events": float(len(sample))},
    )


def _seconds(plan: Plan) -> float:
    return VOICE_S / 4 if plan.quick else VOICE_S
