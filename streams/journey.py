"""An event on its way through a worker: how long it is in each stage, and its trace."""

import time
from collections.abc import Mapping

from prometheus_client import Histogram

from earmark.processors.content import ContentEvent
from earmark.streams.header import Headers


class Journey:
    """Of this one nothing is kept; any thread may call, each stage by one of them at a time."""

    @property
    def headers(self) -> Headers | None:
        """The trace context of what comes of the event; None: that of the event itself."""
        return None

    @property
    def trace_id(self) -> str | None:
        """The trace it is in; None: that of the event itself."""
        return None

    def identify(self, event: ContentEvent) -> None:
        """Say which event it is."""

    def begin(self, stage: str) -> None:
        """The event enters a stage."""

    def end(self, stage: str) -> None:
        """The event leaves a stage; one that it was not in does not matter."""

    def finish(self, error: str | None = None) -> None:
        """Nothing more comes; `error` is the class of what went wrong."""


NOWHERE = Journey()


class TimedJourney(Journey):
    """Times stages into these histograms."""

    __slots__ = ("_began", "_seconds")

    def __init__(self, seconds: Mapping[str, Histogram]) -> None:
        self._seconds = seconds
        self._began: dict[str, float] = {}

    def begin(self, stage: str) -> None:
        """The event enters a stage."""
        self._began[stage] = time.monotonic()

    def end(self, stage: str) -> None:
        """The event leaves a stage, whose histogram gets the time."""
        began = self._began.pop(stage, None)
        if began is not None:
            self._seconds[stage].observe(time.monotonic() - began)
