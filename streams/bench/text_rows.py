"""`text_mix`: the text mix through the worker, beside the same done one thing after the other.

A burst of comments and lyrics lies in Kafka before the clock runs, which stops with the
last commit; the worker answers all signals of texts. The baseline does on the very same records
what the worker does, one thing after the other, with all cores for each: the models, on all events
given to them together; then the codec, which makes all records; then a raw client, which moves them
(see `raw_loop`). The worker does the three at once, and reads receipts besides.

What bounds it: Python's lock, which somebody holds for 96 % of the time. Of that the models' own
Python takes three quarters (pieces of words, patterns, sentences), and a fifth is encoding,
receipts and reading, about 0.7 ms an event. What the models save the baseline saves in full, the
worker in part. A second core is used by a second worker alone.
"""

from collections.abc import Sequence

from earmark.models.device import available_cores
from earmark.processors.content import ContentEvent
from earmark.streams.bench.burst import Bursts
from earmark.streams.bench.mix import Mix, events
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates, torch_threads
from earmark.streams.bench.row import Goal, Row, row_of_turns
from earmark.streams.bench.served import group_of, served

TEXTS = 2_048
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

        figures = rates(
            Work(run=worker.finish, amount=number, prepare=bursts.queue),
            Work(run=one_after_the_other, amount=number, prepare=bursts.read),
            repetitions=plan.repeated(TURNS),
        )
        shared = bursts.sent / worker.transactions
    return row_of_turns(
        "text_mix",
        *figures,
        unit="events/s",
        against="models, then codec, then raw client",
        goal=Goal(on="ratio", op=">=", x=0.9),
        details={
            "events_per_transaction": shared,
            "records_out_per_event": bursts.records_per_event,
        },
    )
