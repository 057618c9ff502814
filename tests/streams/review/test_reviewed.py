"""What people decided measures the stored answers, as if all items had been looked at."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from earmark.processors.codec import Codec
from earmark.processors.release import golden_record
from earmark.processors.review.answer import answer
from earmark.processors.review.question import Question
from earmark.processors.schema import avro_folder, schema_of
from earmark.streams.cli import main
from earmark.streams.local.environment import environment
from earmark.streams.registry import Registry
from earmark.streams.review.desk import Desk
from earmark.streams.review.intake import take
from earmark.streams.settings import Settings
from tests.streams.review.conftest import Asked, Publish

pytestmark = [pytest.mark.kafka]

TOPIC = "signals.text.safety.v1"


def stored(settings: Settings, publish: Publish, questions: list[Question]) -> None:
    """The answers that the questions are about: hate, at 0.7."""
    schema = schema_of(TOPIC)
    golden = golden_record(avro_folder(), schema)
    with Registry(settings.registry) as registry:
        schema_id = registry.ids_for_worker([TOPIC])[TOPIC]
    provenance = {**golden["provenance"], "input_digest": "2" * 64}
    own = {"outcome": "OK", "scores": {"hate": 0.7, "profanity": 0.1}, "labels": ["hate"]}
    payloads = [
        (
            question.content_id,
            Codec(schema).encode(
                {**golden, **own, "content_id": question.content_id, "provenance": provenance},
                schema_id,
            ),
        )
        for question in questions
    ]
    publish(TOPIC, payloads)


def test_figures_are_about_all_items_and_not_about_those_that_were_asked(
    settings: Settings,
    ask: Callable[[int], Asked],
    publish: Publish,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    questions = list(ask(24).questions)
    stored(settings, publish, questions)
    # twelve that were sure to be asked, and wrong; twelve of 120 that were drawn, and right
    doubtful = [replace(each, chance=1.0) for each in questions[:12]]
    sure = [replace(each, chance=0.1) for each in questions[12:]]
    decisions = [
        (each.content_id, answer(each, annotator=who, decided_at=1, values=labels))
        for who in ("a", "b")
        for group, labels in ((doubtful, ()), (sure, ("hate",)))
        for each in group
    ]
    with Registry(settings.registry) as registry, Desk(settings, registry, serves=True) as desk:
        desk.advance()
        assert take(desk, decisions).added == 48
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(["eval", "text.safety", "--from-review", "--json"])
    assert ended.value.code == 0
    table = json.loads(capsys.readouterr().out)
    assert table["n"] == 24
    assert table["metrics"]["hate.precision"]["value"] == pytest.approx(120 / 132)
    (agreement,) = table["review"]["fields"]
    assert agreement["alpha"]["value"] == 1.0
    assert agreement["agreement"]["value"] == pytest.approx(120 / 132)
    assert agreement["asked"]["value"] == 0.5
