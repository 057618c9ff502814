"""What `earmark serve` counts and times, for Prometheus."""

from earmark.streams.metric_family import Families, bounded
from earmark.streams.serving.item import ItemTable
from earmark.streams.topic import signal_topics

ROUTES = ("/signals", "/signals/{name}", "/items/{content_id}", "/healthz", "/metrics")

GONE = "gone"  # in place of the hundred of a status


class ServeMetrics:
    """The metrics of one server, in a registry of their own.

    `requests` are counted by route and by the hundred of their status, of what is found at no route
    as `other`; `request_seconds` is of all but streams. `streams` are open now,
    `sent` what was written to all of them, by signal. `dropped` clients took nothing for too long.
    """

    def __init__(self, items: ItemTable | None = None) -> None:
        made = Families("serve")
        self.registry, self.labels = made.registry, made.labels
        self._topics = frozenset(signal_topics())
        self.requests = made.counter("requests", "Requests answered", "route", "status")
        self.request_seconds = made.histogram("request_seconds", "Seconds to an answer", "route")
        self.streams = made.gauge("streams", "Streams of events that are open")
        self._sent = made.counter("sent", "Records written to streams", "topic")
        self.dropped = made.counter("dropped", "Clients dropped for taking nothing")
        self.items_ready = made.gauge("items_ready", "Whether the table of items is complete")
        self.items_problem = made.gauge("items_problem", "Whether the topics cannot be followed")
        if items is not None:
            self.items_ready.set_function(lambda: items.state.ready)
            self.items_problem.set_function(lambda: items.state.problem is not None)

    def answered(self, route: str, status: int, seconds: float | None) -> None:
        """Count a request; one without `seconds` is not timed."""
        known = bounded(route, ROUTES)
        self.requests.labels(known, f"{status // 100}xx").inc()
        if seconds is not None:
            self.request_seconds.labels(known).observe(seconds)

    def left(self, route: str) -> None:
        """Count a request whose client went away, which is how most streams end."""
        self.requests.labels(bounded(route, ROUTES), GONE).inc()

    def sent(self, topic: str, count: int) -> None:
        """Count records written to a stream of a topic."""
        self._sent.labels(bounded(topic, self._topics)).inc(count)
