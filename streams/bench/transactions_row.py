"""`transactions`: what exactly once costs, with texts alone and the signals that are quick.

One worker answers bursts of events in turns: as it is, and with a publisher that produces the same
records, waits for them and then commits the offsets, outside of any transaction (see
`plain_publisher`). The burst lies in Kafka before the clock runs; it stops with the last commit.

What bounds it: the models and the encoding of signals, of which one core does most. A transaction
adds a few milliseconds of waiting for the broker, in which the models go on. How many events share
one follows from how fast they are answered; the row says how many did.
"""

import sys
from itertools import count

from earmark.streams.bench.corpus import text_events
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.rate import Work, rates
from earmark.streams.bench.row import Goal, Row, row_of_turns
from earmark.streams.bench.served import Served, group_of, served
from earmark.streams.bench.switched_worker import PLAIN, TRANSACTIONS

SIGNALS = ("text.language", "text.embedding")
EVENTS = 4_096  # of a burst
TURNS = 7
COMMAND = (sys.executable, "-m", "earmark.streams.bench.switched_worker")


def transactions(plan: Plan) -> Row:
    """Events answered per second, in transactions and without."""
    settings = group_of(plan, "transactions", signals=SIGNALS, protocol="classic")
    number = plan.scaled(EVENTS)
    with served(plan, settings, command=COMMAND) as worker:
        bursts = _Bursts(worker, number)
        figures = rates(
            Work(run=worker.finish, amount=number, prepare=lambda: bursts.queue(TRANSACTIONS)),
            Work(run=worker.finish, amount=number, prepare=lambda: bursts.queue(PLAIN)),
            repetitions=plan.repeated(TURNS),
        )
        shared = bursts.sent / worker.transactions
    return row_of_turns(
        "transactions",
        *figures,
        unit="events/s",
        against="the same worker without transactions",
        goal=Goal(on="ratio", op=">=", x=0.9),
        details={"events_per_transaction": shared},
    )


class _Bursts:
    """Bursts of so many events each, all of other items."""

    def __init__(self, worker: Served, number: int) -> None:
        self._worker = worker
        self._number = number
        self._runs = count()
        self.sent = 0

    def queue(self, switch: int) -> None:
        """Put the next burst before the worker, to be published as `switch` says."""
        self._worker.signal(switch)
        self._worker.queue(text_events(self._number, run=f"burst-{next(self._runs)}"))
        self.sent += self._number
