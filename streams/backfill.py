"""Sends the events of files in order, at a rate, and notes how far they are acknowledged."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError
from earmark.streams.content_files import ReadEvent
from earmark.streams.standing import Acknowledgements, Standing
from earmark.streams.turn import Turns

REPORT_S = 0.1
_SERVE_S = 0.1

Report = Callable[[Standing], None]


class Sender(Protocol):
    """What sends the events: a `Producer`, or what only checks them."""

    def send(self, event: ContentEvent, *, on_delivered: Callable[[], None]) -> None:
        """Send the event; raises ContentError for one that cannot be."""

    def serve(self, timeout_s: float) -> int:
        """Let acknowledgements come in, for so long at most; how many are still to come."""


class Backfill:
    """One run: `run` sends the events, `standing` says at any time how far it has come.

    `on_sent` and `on_refused` are told of each event as it is sent, `report` ten times a second
    how far the run has come. `unread` says of an event whether its file may be none that a worker
    reads. `check` is called between events and raises what is to end the run.
    """

    def __init__(
        self,
        *,
        stamped: Callable[[ReadEvent], ContentEvent],
        turns: Turns,
        standing: Standing,
        unread: Callable[[ContentEvent], bool],
        on_sent: Callable[[ContentEvent], None],
        on_refused: Callable[[ContentEvent, ContentError], None],
        report: Report,
        check: Callable[[], None],
    ) -> None:
        self._stamped = stamped
        self._turns = turns
        self._acknowledgements = Acknowledgements(standing)
        self._unread = unread
        self._on_sent = on_sent
        self._on_refused = on_refused
        self._report = report
        self._check = check
        self._next_report = time.monotonic()

    @property
    def standing(self) -> Standing:
        """How far everything is acknowledged or refused."""
        return self._acknowledgements.standing

    def run(self, sender: Sender, reads: Iterable[ReadEvent]) -> None:
        """Send all, and wait until all are acknowledged; raises ServiceError if one is not."""
        for read in reads:
            self._await_turn(sender)
            self._send(sender, read)
            self._tick()
        while sender.serve(_SERVE_S):
            self._tick()
        self._report(self.standing)

    def _await_turn(self, sender: Sender) -> None:
        while wait_s := self._turns.wait_s(self._acknowledgements.unsettled):
            sender.serve(min(wait_s, _SERVE_S))
            self._tick()
        self._turns.take()

    def _send(self, sender: Sender, read: ReadEvent) -> None:
        event = self._stamped(read)
        expected = self._acknowledgements.expect(read.bookmark, by_file_uri=self._unread(event))
        settle = partial(self._acknowledgements.settle, expected)
        try:
            sender.send(event, on_delivered=settle)
        except ContentError as error:
            settle(refused=True)
            self._on_refused(event, error)
        else:
            self._on_sent(event)

    def _tick(self) -> None:
        self._check()
        if time.monotonic() >= self._next_report:
            self._next_report = time.monotonic() + REPORT_S
            self._report(self.standing)
