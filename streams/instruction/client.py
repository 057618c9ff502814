"""A text classifier at an endpoint that speaks OpenAI's chat completions.

Each text is one request: the instruction, the text as the user's words, and a JSON schema for the
answer. Answers are kept by what was asked. What fails for a while is asked again, later each time;
what a budget does not cover is not asked. The key is sent and goes nowhere else.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from pydantic import SecretStr

from earmark.models.error import ConfigurationError, ServiceError
from earmark.streams.instruction.answer import (
    Answer,
    Reason,
    Scored,
    Unscored,
    answer_in,
    schema_for,
    tokens_in,
)
from earmark.streams.instruction.cache import InstructionCache, cache_key

ANSWER_TOKENS = 400
_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_OVERHEAD_TOKENS = 50
_CHARACTERS_PER_TOKEN = 3  # where the endpoint keeps no account: rather too many than too few
_LONGEST_WAIT_S = 30.0
_KEPT = frozenset({Reason.REFUSED})  # what went wrong otherwise may go right the next time


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What is asked of which model; all of it is part of the key that an answer is kept under."""

    model: str
    prompt: str
    labels: tuple[str, ...]
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the endpoint is and how it may be used; `url` ends where `/chat/completions` begins."""

    url: str
    key: SecretStr | None = field(default=None, repr=False)
    timeout_s: float = 60.0
    attempts: int = 4
    first_wait_s: float = 1.0  # doubled with each attempt
    at_once: int = 4


@dataclass(slots=True, kw_only=True)
class Allowance:
    """What is left to spend in this process, in requests sent and tokens of both directions."""

    requests: int
    tokens: int

    def take(self) -> bool:
        """Whether one more request may be sent; it is counted then."""
        if self.requests <= 0 or self.tokens <= 0:
            return False
        self.requests -= 1
        return True


class InstructedClassifier:
    """Probabilities of labels by instruction; a classifier of harms for `text.safety`."""

    def __init__(
        self,
        instruction: Instruction,
        access: Access,
        allowance: Allowance,
        cache: InstructionCache,
    ) -> None:
        self.labels = instruction.labels
        self.languages = instruction.languages
        self._instruction = instruction
        self._access = access
        self._allowance = allowance
        self._cache = cache

    def probabilities(self, texts: Sequence[str]) -> list[list[float] | str]:
        """One row per text: a probability per label, or the reason why there is none.

        Raises ServiceError where the endpoint does not answer after all attempts,
        ConfigurationError where it will not have us or what we ask.
        """
        return [
            list(answer.probabilities) if isinstance(answer, Scored) else str(answer.reason)
            for answer in self.answers(texts)
        ]

    def answers(self, texts: Sequence[str]) -> list[Answer]:
        """What is said of each text; equal texts are asked of once."""
        requests = {text: self._request(text) for text in texts}
        keys = {text: cache_key(request) for text, request in requests.items()}
        said = {text: self._cache.get(key) for text, key in keys.items()}
        open_texts = [text for text, answer in said.items() if answer is None]
        if open_texts:
            fresh = asyncio.run(self._ask_all([requests[text] for text in open_texts]))
            for text, answer in zip(open_texts, fresh, strict=True):
                said[text] = answer
        return [answer for answer in map(said.get, texts) if answer is not None]

    def _request(self, text: str) -> Mapping[str, Any]:
        schema = {"name": "labels", "strict": True, "schema": schema_for(self.labels)}
        return {
            "model": self._instruction.model,
            "messages": [
                {"role": "system", "content": self._instruction.prompt},
                {"role": "user", "content": text},
            ],
            "temperature": 0,
            "max_tokens": ANSWER_TOKENS,
            "response_format": {"type": "json_schema", "json_schema": schema},
        }

    async def _ask_all(self, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
        key, turn = self._access.key, asyncio.Semaphore(self._access.at_once)
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        timeout = aiohttp.ClientTimeout(total=self._access.timeout_s)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

            async def in_turn(request: Mapping[str, Any]) -> Answer:
                async with turn:
                    return await self._ask(session, request)

            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(in_turn(request)) for request in requests]
            except* (ServiceError, ConfigurationError) as errors:
                raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _ask(self, session: aiohttp.ClientSession, request: Mapping[str, Any]) -> Answer:
        """One answer, kept as soon as it is there: what was paid for is not lost with the rest."""
        wait_s, why = self._access.first_wait_s, ""
        for attempt in range(self._access.attempts):
            if attempt:
                await asyncio.sleep(min(wait_s, _LONGEST_WAIT_S))
                wait_s *= 2
            if not self._allowance.take():
                return Unscored(reason=Reason.BUDGET_SPENT)
            try:
                status, body, asked_wait_s = await self._send(session, request)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                why = type(error).__name__  # their words may hold the request
                continue
            if status in _AGAIN:
                why, wait_s = f"status {status}", max(wait_s, asked_wait_s)
                continue
            return self._answer(status, body, request)
        raise ServiceError(
            f"{self._access.url}: no answer after {self._access.attempts} attempts: {why}"
        )

    def _answer(self, status: int, body: object, request: Mapping[str, Any]) -> Answer:
        if status != 200:  # noqa: PLR2004  # OK
            raise ConfigurationError(f"{self._access.url} answers with status {status}")
        self._allowance.tokens -= tokens_in(body) or _estimate(request)
        answer = answer_in(body, self.labels)
        if isinstance(answer, Scored) or answer.reason in _KEPT:
            self._cache.put(cache_key(request), answer)
        return answer

    async def _send(
        self, session: aiohttp.ClientSession, request: Mapping[str, Any]
    ) -> tuple[int, object, float]:
        """Status, body as far as it is JSON, and the seconds that we are asked to wait."""
        url = self._access.url.rstrip("/") + "/chat/completions"
        async with session.post(url, json=request, allow_redirects=False) as response:
            raw = await response.read()
            try:
                body = json.loads(raw)
            except ValueError:
                body = None
            return response.status, body, _seconds(response.headers.get("Retry-After"))


def _seconds(stated: str | None) -> float:
    return float(stated) if stated and stated.isdecimal() else 0.0


def _estimate(request: Mapping[str, Any]) -> int:
    characters = sum(len(message["content"]) for message in request["messages"])
    return characters // _CHARACTERS_PER_TOKEN + _OVERHEAD_TOKENS
