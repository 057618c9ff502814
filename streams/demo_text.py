"""What `earmark demo` shows of each record: a line that tells its item, its signal and what came.

Content ids of a run begin alike, and are shown without that: so each is whole on 80 columns.
"""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from earmark.processors.quantity import quantity
from earmark.streams.demo import SUMMARIES, summary_outcome
from earmark.streams.fitting import plain_table
from earmark.streams.subscriber import ReceivedSignal
from earmark.streams.summary import headline
from earmark.streams.topic import VERDICTS

STYLES = {"OK": "green", "ABSTAINED": "yellow", "SKIPPED": "dim", "ERROR": "red"}
_SECOND_MS = 1_000

Told = tuple[str, Text, str]  # what it is, what became of it, what it says


def demo_table() -> Table:
    """The table that `demo_row` gives rows for; where it is narrow, what they say is cut."""
    item, signal, outcome = (Column(it, no_wrap=True) for it in ("item", "signal", "outcome"))
    return plain_table(
        (item, signal, outcome, Column("says"), Column("latency", justify="right", no_wrap=True)),
        (),
    )


def demo_row(received: ReceivedSignal, latency_ms: int | None, *, run_id: str) -> tuple[Text, ...]:
    """The cells of a record of the run."""
    item = Text(received.key.removeprefix(f"{run_id}/"))
    name, outcome, says = told(received)
    return item, Text(name), outcome, _cut(says), Text(_latency(latency_ms))


def demo_line(received: ReceivedSignal) -> Group:
    """A record of any item in a line, cut behind what names it."""
    name, outcome, says = told(received)
    # a text alone, the console would join with others and wrap
    return Group(_cut(Text("  ").join([Text(received.key), Text(name), outcome, Text(says)])))


def told(received: ReceivedSignal) -> Told:
    """What the record is, what became of it, and what it says."""
    record = received.record
    if received.name == "dead-letters":
        says = f"{quantity(len(received.value or b''), 'byte')}, as sent"
        return "dead letter", Text("kept", "red"), says
    if received.name == "rejections":
        says = f"{record['rejection_class']}: {record['reason']}"
        return "rejection", Text(record["fault"], "red"), says
    if received.topic in SUMMARIES.values():
        return _summary(received.topic, record)
    outcome = str(record["outcome"])
    return received.name, Text(outcome, STYLES.get(outcome, "")), headline(received.name, record)


def _summary(topic: str, record: Mapping[str, Any]) -> Told:
    outcome = summary_outcome(topic, record)
    if topic != VERDICTS:
        says = "" if record["complete"] else "not all signals are there"
        return "profile", Text(outcome, "cyan"), says
    rules = ", ".join(f"{each['policy']}/{each['rule']}" for each in record["rulings"])
    # effects are many where rules are: they stand with them, where there is room
    is_ruled = bool(record["effects"])
    says = f"{outcome}: {rules}" if is_ruled else ""
    return "verdict", Text("ruled" if is_ruled else outcome, "cyan"), says


def _cut(text: str | Text) -> Text:
    line = Text(text) if isinstance(text, str) else text
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _latency(latency_ms: int | None) -> str:
    if latency_ms is None:
        return ""
    return f"{latency_ms} ms" if latency_ms < _SECOND_MS else f"{latency_ms / _SECOND_MS:.1f} s"
