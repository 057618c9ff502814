"""Claims about the classifier at an endpoint, against a server that is started here."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from earmark.models.error import ConfigurationError, ServiceError
from earmark.streams.instruction.answer import Reason, Scored, Unscored
from earmark.streams.instruction.cache import InstructionCache
from earmark.streams.instruction.client import (
    Access,
    Allowance,
    InstructedClassifier,
    Instruction,
)
from tests.streams.instruction.conftest import GOOD, KEY, LABELS, Endpoint, said

Make = Callable[..., InstructedClassifier]


@pytest.fixture
def make(endpoint: Endpoint, tmp_path: Path) -> Iterator[Make]:
    caches = []

    def made(
        *, requests: int = 100, tokens: int = 10_000, url: str = "", **changes: Any
    ) -> InstructedClassifier:
        caches.append(InstructionCache(tmp_path / "said.sqlite"))
        instruction = {"model": "tiny", "prompt": "Rate the text.", "labels": LABELS} | changes
        access = Access(url=url or endpoint.url, key=SecretStr(KEY), first_wait_s=0.01)
        allowance = Allowance(requests=requests, tokens=tokens)
        return InstructedClassifier(Instruction(**instruction), access, allowance, caches[-1])

    yield made
    for cache in caches:
        cache.close()


def test_probabilities_come_in_the_order_of_the_labels(endpoint: Endpoint, make: Make) -> None:
    assert make().probabilities(["buy now", "buy now"]) == [[0.25, 1.0], [0.25, 1.0]]
    assert len(endpoint.requests) == 1


def test_the_request_holds_prompt_text_and_schema(endpoint: Endpoint, make: Make) -> None:
    make().answers(["buy now"])
    (request,) = endpoint.requests
    assert [message["content"] for message in request["messages"]] == ["Rate the text.", "buy now"]
    schema = request["response_format"]["json_schema"]["schema"]
    assert schema["required"] == list(LABELS)
    assert schema["additionalProperties"] is False
    assert endpoint.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (said("the text is spam"), Reason.INVALID),
        (said({"hate": 0.1}), Reason.INVALID),
        (said({"hate": 0.1, "spam": 0.2, "love": 1}), Reason.INVALID),
        (said({"hate": 0.1, "spam": 1.2}), Reason.INVALID),
        (said({"hate": True, "spam": 0}), Reason.INVALID),
        (said("[" * 100_000), Reason.INVALID),
        ({"choices": []}, Reason.INVALID),
        ([], Reason.INVALID),
        (said('{"hate": 0.', finish="length"), Reason.TRUNCATED),
        (said("", refusal="I cannot help with that."), Reason.REFUSED),
        (said("", finish="content_filter"), Reason.REFUSED),
    ],
)
def test_what_is_no_answer_has_its_reason(
    endpoint: Endpoint, make: Make, reply: Any, reason: Reason
) -> None:
    endpoint.replies = [reply]
    assert make().answers(["buy now"]) == [Unscored(reason=reason)]
    assert make().probabilities(["buy now"]) == [str(reason)]


def test_an_answer_is_asked_for_once_on_this_disk(endpoint: Endpoint, make: Make) -> None:
    first = make().answers(["buy now"])
    assert make().answers(["buy now"]) == first
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("change", [{"model": "other"}, {"prompt": "Rate it."}, {"labels": ("x",)}])
def test_prompt_model_and_labels_are_part_of_the_key(
    endpoint: Endpoint, make: Make, change: dict[str, Any]
) -> None:
    make().answers(["buy now"])
    make(**change).answers(["buy now"])
    assert len(endpoint.requests) == 2


def test_a_refusal_is_kept_and_a_broken_answer_is_not(endpoint: Endpoint, make: Make) -> None:
    endpoint.replies = [said("", finish="content_filter"), said("oops"), GOOD]
    make().answers(["refused"])
    make().answers(["broken"])
    assert make().answers(["refused", "broken"]) == [
        Unscored(reason=Reason.REFUSED),
        Scored(probabilities=(0.25, 1.0)),
    ]
    assert len(endpoint.requests) == 3


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_fails_for_a_while_is_asked_again(endpoint: Endpoint, make: Make, status: int) -> None:
    endpoint.replies = [status, status, GOOD]
    assert make().probabilities(["buy now"]) == [[0.25, 1.0]]


def test_an_endpoint_that_stays_down_is_a_service_error_without_the_key(
    endpoint: Endpoint, make: Make
) -> None:
    endpoint.replies = [503]
    with pytest.raises(ServiceError, match="no answer after 4 attempts: status 503") as caught:
        make().answers(["buy now", "and now"])
    assert KEY not in str(caught.value)


def test_nobody_at_the_address_is_a_service_error(make: Make) -> None:
    with pytest.raises(ServiceError, match="ClientConnectorError"):
        make(url="http://127.0.0.1:1/v1").answers(["buy now"])


def test_an_endpoint_that_will_not_have_us_is_not_asked_again(
    endpoint: Endpoint, make: Make
) -> None:
    endpoint.replies = [401]
    with pytest.raises(ConfigurationError, match="answers with status 401") as caught:
        make().answers(["buy now"])
    assert len(endpoint.requests) == 1
    assert KEY not in str(caught.value)


def test_requests_stop_where_the_budget_ends(endpoint: Endpoint, make: Make) -> None:
    classifier = make(requests=2)
    answers = classifier.answers(["one", "two", "three"])
    assert [isinstance(answer, Scored) for answer in answers].count(True) == 2
    assert Unscored(reason=Reason.BUDGET_SPENT) in answers
    assert len(endpoint.requests) == 2


def test_tokens_stop_where_the_budget_ends(endpoint: Endpoint, make: Make) -> None:
    classifier = make(tokens=15)
    assert isinstance(classifier.answers(["one"])[0], Scored)
    assert isinstance(classifier.answers(["two"])[0], Scored)
    assert classifier.answers(["three"]) == [Unscored(reason=Reason.BUDGET_SPENT)]


def test_what_is_known_costs_nothing_when_the_budget_is_spent(
    endpoint: Endpoint, make: Make
) -> None:
    make().answers(["one"])
    assert isinstance(make(requests=0).answers(["one"])[0], Scored)


def test_the_key_is_in_no_representation(make: Make) -> None:
    classifier = make()
    access = Access(url="http://127.0.0.1/v1", key=SecretStr(KEY))
    assert KEY not in f"{classifier!r} {access!r} {vars(classifier)!r}"
