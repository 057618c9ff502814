"""The proof of the agents: killed amid work, they end on the verdicts of those left in peace.

Two groups read the same records: one is killed and started again, the other, a shadow, is not.
What both have written is then compared, item by item, with one another and with what the policies
make of the newest records in this process.
"""

import http.client
import re
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import confluent_kafka
import numpy as np

from earmark.processors.error import ServiceError
from earmark.processors.policy.shelf import policies_in_force
from earmark.processors.policy.verdict import Verdict
from earmark.streams.chaos.judging_load import TOPICS, Load, Message
from earmark.streams.chaos.judging_tally import (
    GroupOffsets,
    Verdicts,
    Writer,
    expected_verdicts,
    read_verdicts,
)
from earmark.streams.judging.channel import Channels, topics_of
from earmark.streams.judging.policy_shelf import Shelf
from earmark.streams.judging.record import Records
from earmark.streams.kafka import producer_config
from earmark.streams.local.agents import AgentsProcess
from earmark.streams.local.port import HOST
from earmark.streams.local.service import command_line
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic import VERDICTS

CALM = "calm"  # the shadow that is left in peace
ALIVE_S = 120.0  # longest wait for agents that can be killed
CAUGHT_UP_S = 900.0
POLL_S = 0.05
LINE_S = 20.0  # between two lines about how far it is
LATEST_S = 0.3  # from when agents are at work to their end
_ANSWER_S = 2.0
_FLUSH_S = 60.0
_TAKEN = re.compile(rb"^earmark_agents_judged_total ([0-9.e+]+)", re.MULTILINE)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingOptions:
    """The size of a run."""

    items: int = 20_000
    kills: int = 5
    seed: int = 1
    prefix: str = "item"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingReport:
    """How a run ended. `unlike` are items on whose verdict not all agree; times in seconds."""

    items: int
    messages: int
    kills: int
    verdicts: int  # that stand in the end
    gone: int  # items without one
    written: int  # by those that were killed, tombstones included
    written_calm: int
    unlike: tuple[str, ...]
    seconds: float

    @property
    def exact(self) -> bool:
        """Whether all verdicts are those of the undisturbed run, and right."""
        return not self.unlike

    @property
    def as_object(self) -> dict[str, object]:
        """The numbers for JSON."""
        return {**asdict(self), "unlike": len(self.unlike), "seconds": round(self.seconds, 3)}


def prove(options: JudgingOptions, settings: Settings, folder: Path, *, say: Say) -> JudgingReport:
    """The whole run on the brokers of `settings`; logs and states are kept below `folder`.

    Raises ServiceError where agents do not start, do not come back, or do not get to the end.
    """
    load = Load(options.items, seed=options.seed, prefix=options.prefix)
    shelf = Shelf.of(policies_in_force(settings.policies))
    channels = Channels(signals=topics_of(shelf.signals))
    calm = Channels(signals=channels.signals, shadow=CALM)
    started = time.monotonic()
    with ExitStack() as undo:
        registry = undo.enter_context(Registry(settings.registry))
        records, writer = Records(registry, (*channels.inputs, VERDICTS)), Writer(registry, TOPICS)
        run = _Run(options, _settings(settings, folder), folder, say)
        undo.callback(run.stop)
        say("starting agents, and a shadow that is left in peace")
        run.start()
        say(f"sending records of {options.items:,} items")
        sent = run.send_amid_kills(load, writer)
        say("waiting until all is judged")
        run.wait_until_judged((channels, calm))
        run.stop()
        say("comparing")
        stormy = read_verdicts(settings.kafka, channels.actual(VERDICTS), records, options.prefix)
        calmly = read_verdicts(settings.kafka, calm.actual(VERDICTS), records, options.prefix)
        right = expected_verdicts(load, writer, records, shelf.policies)
    return JudgingReport(
        items=options.items,
        messages=sent,
        kills=run.kills,
        verdicts=len(stormy.standing),
        gone=options.items - len(stormy.standing),
        written=stormy.written,
        written_calm=calmly.written,
        unlike=tuple(_unlike(right, (stormy, calmly))),
        seconds=time.monotonic() - started,
    )


def _unlike(right: dict[str, Verdict], found: Collection[Verdicts]) -> list[str]:
    items = set(right).union(*(each.standing for each in found))
    return sorted(
        item
        for item in items
        if not all(_alike(right.get(item), each.standing.get(item)) for each in found)
    )


def _alike(one: Verdict | None, other: Verdict | None) -> bool:
    return other is None if one is None else one.says_the_same(other)


def _settings(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(update={"state": folder / "state"})


class _Run:
    """Sends, kills and starts again."""

    def __init__(self, options: JudgingOptions, settings: Settings, folder: Path, say: Say) -> None:
        self.kills = 0
        self._options = options
        self._settings = settings
        self._folder = folder
        self._say = say
        self._telling_at = time.monotonic() + LINE_S
        self._random = np.random.default_rng([options.seed, 5])
        self._calm = self._agents("calm", "--shadow", CALM)
        self._stormy = self._agents("life-0")

    def start(self) -> None:
        """Start both and wait until they take records."""
        self._calm.launch()
        self._stormy.launch()
        for agents in (self._calm, self._stormy):
            agents.child.wait_until(agents.is_ready, ALIVE_S)

    def send_amid_kills(self, load: Load, writer: Writer) -> int:
        """Send all messages in as many parts as there are kills and one; how many they were."""
        messages = list(load.messages())
        sender = _Sender(self._settings, writer)
        edges = np.linspace(0, len(messages), self._options.kills + 2).astype(int).tolist()
        for number, (begin, end) in enumerate(pairwise(edges)):
            sender.send(messages[begin:end])
            if number < self._options.kills:
                self._kill()
        return len(messages)

    def wait_until_judged(self, groups: Collection[Channels]) -> None:
        """Until both groups have read all, their own verdicts too."""
        offsets = [
            GroupOffsets(self._settings.kafka, each.group(self._settings.kafka)) for each in groups
        ]
        deadline = time.monotonic() + CAUGHT_UP_S
        for each, asked in zip(groups, offsets, strict=True):
            topics = [each.actual(topic) for topic in (*each.inputs, VERDICTS)]
            while behind := asked.behind(topics):
                self._require_alive()
                self._tell(behind)
                if time.monotonic() > deadline:
                    raise ServiceError(f"{behind} records were not judged in {CAUGHT_UP_S:g} s")
                time.sleep(POLL_S)
            asked.close()

    def _tell(self, behind: int) -> None:
        """Say now and then how many records are left."""
        if time.monotonic() >= self._telling_at:
            self._telling_at = time.monotonic() + LINE_S
            self._say(f"{behind:,} records are left")

    def stop(self) -> None:
        """End both."""
        for agents in (self._stormy, self._calm):
            agents.stop()

    def _kill(self) -> None:
        """Kill the agents once they are at work, and start them again."""
        deadline = time.monotonic() + ALIVE_S
        while not _judged(self._stormy.port):
            self._require_alive()
            if time.monotonic() > deadline:
                raise ServiceError(f"the agents have judged nothing in {ALIVE_S:g} s")
            time.sleep(POLL_S)
        time.sleep(float(self._random.uniform(0, LATEST_S)))
        self._stormy.kill()
        self.kills += 1
        self._say(f"killed {self.kills} times")
        self._stormy = self._agents(f"life-{self.kills}")
        self._stormy.launch()

    def _require_alive(self) -> None:
        for agents in (self._stormy, self._calm):
            if agents.child.status is not None:
                raise ServiceError(f"agents ended by themselves: see {agents.child.log}")

    def _agents(self, name: str, *options: str) -> AgentsProcess:
        command = (*command_line("agents"), *options)
        return AgentsProcess(self._settings, log_dir=self._folder, name=name, command=command)


class _Sender:
    """Encodes and sends, and waits until the broker has all."""

    def __init__(self, settings: Settings, writer: Writer) -> None:
        self._writer = writer
        own = {"enable.idempotence": True, "linger.ms": 5}
        self._producer = confluent_kafka.Producer(producer_config(settings.kafka, own))

    def send(self, messages: Collection[Message]) -> None:
        """Send them in their order."""
        for message in messages:
            self._producer.poll(0)
            value, key = self._writer.write(message), message.content_id.encode()
            self._producer.produce(message.topic, value, key)
        if self._producer.flush(_FLUSH_S):
            raise ServiceError("the broker does not take the records")


def _judged(port: int) -> bool:
    """Whether the agents have judged anything since they started."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_ANSWER_S)
    try:
        connection.request("GET", "/metrics")
        found = _TAKEN.search(connection.getresponse().read())
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return found is not None and float(found[1]) > 0
