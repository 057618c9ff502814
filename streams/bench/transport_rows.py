"""`transport`: what moves through the worker where models cost nothing, beside a raw client.

A burst of text events lies in Kafka before the clock runs; it stops with the last commit. The
worker is whole but for its models (see `hollow`): it reads, plans, seals, encodes, rules by
receipts and publishes in transactions. The baseline is the shortest loop over confluent-kafka that
moves the same: it reads the very same records, looks up what the worker would write for each of
them, made before the clock runs, produces that, commits the offsets in the transaction, and does
nothing else. Both have one process, the same partitions and the same settings of their clients.

What bounds the worker: Python, in one process. Of an event with four signals its own thread has 220
us of work (90 to write the records, of which 55 are Avro's; 40 to rule by its receipt and write
that; 25 to read and check it; 20 to weigh what it holds; 15 to plan), and the thread that scores
has 85, of which 50 seal the answers: they take turns, as threads of Python do. Handing six records
to the client takes 50 more, in either loop. While the broker ends a transaction, the worker's own
thread waits, as the raw loop does; where there are models, they go on meanwhile. More than one core
can do is for a second worker to do (see `scaling_rows`).
"""

import statistics
import sys

from earmark.streams.bench.burst import Bursts
from earmark.streams.bench.corpus import text_events
from earmark.streams.bench.hollow import hollow_pipeline
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates
from earmark.streams.bench.row import Goal, Row, row_of_turns
from earmark.streams.bench.served import group_of, served

SIGNALS = ("text.language", "text.embedding", "text.quality", "text.sentiment")
EVENTS = 8_192  # of a burst
TURNS = 5
COMMAND = (sys.executable, "-m", "earmark.streams.bench.hollow_worker")


def transport(plan: Plan) -> Row:
    """Events moved per second, one in and its signals out."""
    settings = group_of(plan, "transport", signals=SIGNALS, protocol="classic")
    number = plan.scaled(EVENTS)
    with served(plan, settings, command=COMMAND) as worker:
        bursts = Bursts(
            settings,
            worker,
            hollow_pipeline(settings),
            lambda run: text_events(number, run=f"transport-{run}"),
            number=number,
        )
        ours, raw = rates(
            Work(run=worker.finish, amount=number, prepare=bursts.queue),
            Work(run=bursts.move, amount=number, prepare=bursts.made),
            repetitions=plan.repeated(TURNS),
        )
        shared = bursts.sent / worker.transactions
    return row_of_turns(
        "transport",
        ours,
        raw,
        unit="events/s",
        against="a raw client that moves the same records",
        goal=Goal(on="ratio", op=">=", x=0.85),
        details={
            "events_per_transaction": shared,
            "records_out_per_event": bursts.records_per_event,
            "value_records_per_s": statistics.median(ours) * (1 + bursts.records_per_event),
        },
    )
