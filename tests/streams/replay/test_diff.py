"""A replay against the live signals on the real broker, answered by real models."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # not marked

from earmark.models.device import Device
from earmark.models.error import ConfigurationError
from earmark.models.store import ModelStore
from earmark.processors.codec import encode_signal
from earmark.processors.content import ContentEvent, Text
from earmark.processors.envelope import envelopes
from earmark.processors.loader import load_specs, with_models
from earmark.processors.outcome import Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.schema import CONTENT_EVENTS
from earmark.processors.threshold import Thresholds, shipped_thresholds
from earmark.streams.commands.replay_diff import diff as command
from earmark.streams.kafka import client_config, producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.registry import Registry
from earmark.streams.replay.compare import Standing
from earmark.streams.replay.diff import diff
from earmark.streams.replay.manifest import Manifest, write_run
from earmark.streams.topic import COMMON

pytestmark = [pytest.mark.kafka, pytest.mark.weights]

SIGNALS = ("text.language", "text.safety")
TOPICS = {name: f"signals.{name}.v1" for name in SIGNALS}
# by a classifier whose scores of the texts below are known, whatever is shipped
CLASSIFIER = {"text.safety": "profanity-check"}
VALUES = shipped_thresholds("text.safety").values
LIVE = Thresholds(version="1", values={**VALUES, "profanity_probability": 0.7})
STRICTER = Thresholds(version="2", values={**VALUES, "profanity_probability": 0.9})
RIVER = "A quiet river runs past the old mill."
MILD = "What the hell was that supposed to be?"  # between both thresholds
RUDE = "You are a damn fool and I hate this song."

Score = Callable[..., dict[str, Signal]]


@dataclass(kw_only=True)
class Sides:
    """Writes answers to the live topics and to those of a run of its own."""

    stack: Stack
    run: str = field(default_factory=lambda: uuid4().hex[:8])

    def __post_init__(self) -> None:
        kafka = self.stack.settings.kafka
        with Registry(self.stack.settings.registry) as registry:
            self.ids = registry.ids_for_worker(TOPICS.values())
        admin = AdminClient(client_config(kafka))
        wanted = [NewTopic(f"replay.{self.run}.{it}", 3, config=COMMON) for it in TOPICS.values()]
        for made in admin.create_topics(wanted).values():
            made.result(10)
        own = {"transactional.id": self.run}
        self.producer = Producer(producer_config(kafka, own))
        self.producer.init_transactions(30)

    def item(self, name: str) -> str:
        return f"{self.run}-{name}"

    def put(
        self, live: Mapping[str, Signal], run: Mapping[str, Signal], *, commit: bool = True
    ) -> None:
        """One transaction with what each side answers, by signal."""
        self.producer.begin_transaction()
        for prefix, signals in (("", live), (f"replay.{self.run}.", run)):
            for signal in signals.values():
                payload = encode_signal(signal, self.ids[signal.topic])
                self.raw(prefix + signal.topic, signal.event.content_id, payload)
        self.producer.flush(10)
        if commit:
            self.producer.commit_transaction(10)
        else:
            self.producer.abort_transaction(10)

    def put_raw(self, name: str, signal: str, payload: bytes | None) -> None:
        self.producer.begin_transaction()
        self.raw(f"replay.{self.run}.{TOPICS[signal]}", self.item(name), payload)
        self.producer.commit_transaction(10)

    def raw(self, topic: str, key: str, payload: bytes | None) -> None:
        self.producer.produce(topic, payload, key.encode())


@pytest.fixture(scope="module")
def score() -> Score:
    """A function that answers a text, by the shipped thresholds or as the run's stricter ones."""
    store, device = ModelStore(), Device(kind="cpu", precision="fp32")
    specs = with_models(load_specs(SIGNALS), CLASSIFIER)

    def load(name: str, thresholds: Thresholds) -> object:
        return specs[name].load(store=store, device=device, thresholds=thresholds)

    others = {name: load(name, shipped_thresholds(name)) for name in specs if name != "text.safety"}

    def pipeline(thresholds: Thresholds) -> Pipeline:
        return Pipeline(
            specs=specs,
            scorers=others | {"text.safety": load("text.safety", thresholds)},
            envelopes=envelopes(specs, store, device),
            asked=SIGNALS,
            device=device,
        )

    live, strict = pipeline(LIVE), pipeline(STRICTER)

    def scored(
        item: str, text: str, *, revision: int = 1, replay_id: str | None = None
    ) -> dict[str, Signal]:
        event = ContentEvent(
            event_id=f"{item}-{revision}",
            content_id=item,
            revision=revision,
            event_time=1,
            texts=(Text(field="title", text=text),),
        )
        found = (strict if replay_id else live).run([event])
        signals = {it.name: it for it in found if isinstance(it, Signal)}
        if replay_id is None:
            return signals
        safety = signals["text.safety"]
        stricter = replace(safety.provenance, thresholds_version="2", config_hash="5" * 64)
        signals["text.safety"] = replace(safety, provenance=stricter)
        return {name: replace(it, replay_id=replay_id) for name, it in signals.items()}

    return scored


@pytest.fixture(scope="module")
def sides(stack: Stack, score: Score) -> Sides:
    """A run and the live topics with one item of each standing."""
    sides = Sides(stack=stack)

    def both(name: str, text: str) -> tuple[dict[str, Signal], dict[str, Signal]]:
        item = sides.item(name)
        return score(item, text), score(item, text, replay_id=sides.run)

    sides.put(*both("same", RIVER))
    sides.put(*both("rude", RUDE))
    sides.put(*both("mild", MILD))
    # the last record of an item counts, on both sides
    live, run = both("revised", RIVER)
    sides.put(live, run)
    item = sides.item("revised")
    sides.put(score(item, MILD, revision=2), score(item, MILD, revision=2, replay_id=sides.run))
    live, run = both("moved-on", RIVER)
    sides.put(live, run)
    sides.put(score(sides.item("moved-on"), RUDE, revision=2), {})
    live, _ = both("behind", RIVER)
    run = score(sides.item("behind"), RUDE, revision=2, replay_id=sides.run)
    sides.put(live, run)
    sides.put({}, both("new", RIVER)[1])
    live, run = both("half", RIVER)
    sides.put(live, {"text.language": run["text.language"]})
    # what the live side answers of a later revision, the run could not
    _, run = both("half-later", RIVER)
    live = score(sides.item("half-later"), RIVER, revision=2)
    sides.put(live, {"text.language": run["text.language"]})
    sides.put(*both("deleted", RIVER))
    sides.put_raw("deleted", "text.safety", None)
    sides.put(*both("broken", RIVER))
    sides.put_raw("broken", "text.safety", b"not Avro")
    # what is not committed is on neither side
    sides.put(*both("aborted", MILD), commit=False)
    sides.put({}, score(sides.item("same"), MILD, replay_id=sides.run), commit=False)
    return sides


def test_items_are_told_apart_by_how_their_answers_stand(sides: Sides) -> None:
    language, safety = diff(sides.stack.settings, sides.run).signals
    assert (language.signal, safety.signal) == SIGNALS
    assert {str(name): count for name, count in safety.standings.items()} == {
        "SAME": 2,  # same, rude
        "CHANGED": 2,  # mild, revised
        "INPUT_DIFFERS": 1,
        "LIVE_NEWER": 1,
        "ONLY_RUN": 1,
        "ONLY_LIVE": 1,
        "DELETED": 1,
        "UNDECODABLE": 1,
    }
    assert (language.pairs, language.changed.count) == (8, 0)


def test_a_stricter_threshold_takes_labels_away_and_moves_no_score(sides: Sides) -> None:
    (safety,) = diff(sides.stack.settings, sides.run, signals=["text.safety"], most=1).signals
    (label,) = [label for label in safety.labels if label.flips]
    assert (label.label, label.live, label.run) == ("profanity", 3, 1)
    assert (label.lost.count, label.gained.count, label.p) == (2, 0, 0.5)
    (score,) = [number for number in safety.numbers if number.name == "scores.profanity"]
    assert (score.mean_difference, score.beyond.count) == (0, 0)
    assert safety.same_configuration == 0
    assert [it.thresholds_version for it in safety.run_makers] == ["2"]
    (item,) = safety.most_changed
    assert item.content_id == sides.item("mild")
    assert safety.standings[Standing.ONLY_LIVE] is None


def test_a_signal_that_only_stands_in_for_another_in_the_run_is_left_out(
    stack: Stack, score: Score
) -> None:
    both = Sides(stack=stack)
    item = both.item("one")
    both.put(score(item, RIVER), score(item, RIVER, replay_id=both.run))
    # its topics are those of what it needs, too
    asked = Manifest(
        run=both.run, source=CONTENT_EVENTS, bounds={0: (0, 1)}, created_ms=1, signals=SIGNALS[1:]
    )
    write_run(stack.settings.kafka, asked)
    assert [it.signal for it in diff(stack.settings, both.run).signals] == ["text.safety"]
    with pytest.raises(ConfigurationError, match=r"did not answer text\.language"):
        diff(stack.settings, both.run, signals=["text.language"])


def test_progress_is_told(sides: Sides) -> None:
    told: dict[str, tuple[int, int | None]] = {}
    diff(
        sides.stack.settings,
        sides.run,
        progress=lambda label, done, total: told.update({label: (done, total)}),
    )
    assert told["compare text.safety"] == (11, 11)
    assert f"read replay.{sides.run}.signals.text.safety.v1" in told


@pytest.fixture
def ask(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command, which reaches the stack by the environment."""
    settings = sides.stack.settings
    monkeypatch.setenv("EARMARK_KAFKA__BOOTSTRAP_SERVERS", settings.kafka.bootstrap_servers)
    monkeypatch.setenv("EARMARK_REGISTRY__URL", settings.registry.url)
    return lambda *words: CliRunner().invoke(command, map(str, words), catch_exceptions=False)


def test_the_command_shows_a_table_and_json(sides: Sides, ask: Callable[..., Result]) -> None:
    told = ask(sides.run).stdout
    assert "2 of 4 answers changed" in told
    assert "profanity → none" in told
    found = json.loads(ask(sides.run, "--json", "--signals", "text.safety").stdout)
    assert found["run"] == sides.run
    assert [signal["signal"] for signal in found["signals"]] == ["text.safety"]


def test_the_command_writes_the_same_page_each_time(
    sides: Sides, ask: Callable[..., Result], tmp_path: Path
) -> None:
    pages = tmp_path / "one.html", tmp_path / "two.html"
    for page in pages:
        ask(sides.run, "--html", page, "--most", 3)
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert "<svg" in pages[0].read_text()
    with pytest.raises(ConfigurationError, match=r"--html .*: there is no such folder"):
        ask(sides.run, "--html", tmp_path / "none" / "page.html")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nobody"], "there is no replay 'nobody'"),
        (["no.body"], "'no.body' is no name of a replay"),
        (["RUN", "--signals", "audio.speech"], "did not answer audio.speech"),
        (["RUN", "--signals", "audio.speach"], "unknown signal 'audio.speach'"),
    ],
)
def test_what_is_asked_wrongly_is_the_users(
    sides: Sides, ask: Callable[..., Result], words: list[str], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        ask(*(word.replace("RUN", sides.run) for word in words))
