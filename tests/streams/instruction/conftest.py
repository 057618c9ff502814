"""A server that answers as an OpenAI-compatible endpoint does, for the tests beside."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import pytest
from aiohttp import web

KEY = "sk-nobody-may-see-this"
LABELS = ("hate", "spam")


def said(content: Any, *, finish: str = "stop", tokens: int = 10, **message: Any) -> dict[str, Any]:
    text = content if isinstance(content, str) else json.dumps(content)
    return {
        "choices": [{"message": {"content": text, **message}, "finish_reason": finish}],
        "usage": {"total_tokens": tokens},
    }


GOOD = said({"hate": 0.25, "spam": 1})


@dataclass
class Endpoint:
    """A server that answers with what `replies` holds, the last one for ever."""

    replies: list[Any] = field(default_factory=lambda: [GOOD])
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(await request.json())
        self.keys.append(request.headers.get("Authorization"))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, int):
            return web.Response(status=reply, text=f"no: {KEY}")
        return web.json_response(reply)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server, loop = Endpoint(), asyncio.new_event_loop()
    application = web.Application()
    application.router.add_post("/v1/chat/completions", server.answer)
    runner = web.AppRunner(application)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    thread = Thread(target=loop.run_forever)
    thread.start()
    yield server
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
