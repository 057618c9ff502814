"""Copies one object from a web server or an S3 store into a file, under limits of size and time."""

import asyncio
import socket
import time
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urljoin

import aiohttp
import fsspec
from aiohttp.abc import AbstractResolver, ResolveResult
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]  # none published
from pydantic import SecretStr
from yarl import URL

from earmark.processors.error import ContentError, RejectionClass
from earmark.streams.address import AddressPolicy, refused
from earmark.streams.error import TransientError
from earmark.streams.resolver import Resolved
from earmark.streams.settings import MediaSettings

CHUNK_BYTES = 1 << 20
IDLE_S = 10.0  # longest silence of a store before an attempt is given up

_GONE = frozenset({404, 410})
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def check_size(size_bytes: int, max_bytes: int) -> None:
    """Raise ContentError MEDIA_TOO_LARGE for more than `max_bytes`."""
    if size_bytes > max_bytes:
        reason = f"more than the limit of {max_bytes:,} bytes"
        raise ContentError(RejectionClass.MEDIA_TOO_LARGE, reason, part="audio")


class BoundedFile:
    """A file that takes at most `max_bytes`, until `deadline` on the monotonic clock."""

    def __init__(self, file: BinaryIO, *, max_bytes: int, deadline: float) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._deadline = deadline

    def restart(self) -> None:
        """Forget what an earlier attempt wrote."""
        self._file.seek(0)
        self._file.truncate()

    def expect(self, size_bytes: int | None) -> None:
        """Refuse a size, where one is announced; raises ContentError MEDIA_TOO_LARGE."""
        check_size(size_bytes or 0, self._max_bytes)

    def write(self, data: bytes) -> None:
        """Append; raises ContentError MEDIA_TOO_LARGE, or TransientError after the deadline."""
        self.expect(self._file.tell() + len(data))
        if self.remaining_s <= 0:
            raise TransientError("not complete in time")
        self._file.write(data)

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline; not below zero."""
        return max(self._deadline - time.monotonic(), 0.0)


class WebDownload:
    """Downloads over http(s); every hop and every address connected to is put to the policy."""

    def __init__(self, settings: MediaSettings, policy: AddressPolicy) -> None:
        self._max_redirects = settings.max_redirects
        self._policy = policy

    def copy(self, source: Resolved, file: BoundedFile) -> None:
        """Write the object at the uri to `file`; raises ContentError or TransientError."""
        try:
            asyncio.run(self._copy(source, file))
        except TimeoutError as error:
            raise TransientError("no answer in time") from error
        except aiohttp.ClientSSLError as error:
            raise _unreachable("the TLS handshake failed") from error
        except aiohttp.InvalidURL:
            # the cause is dropped: its message quotes the uri, which may hold a password
            raise refused("the uri is malformed") from None
        except (aiohttp.ClientError, OSError) as error:
            raise TransientError(f"the connection failed ({type(error).__name__})") from error

    async def _copy(self, source: Resolved, file: BoundedFile) -> None:
        uri = source.uri
        async with asyncio.timeout(file.remaining_s), _session(self._policy) as session:
            for _ in range(self._max_redirects + 1):
                self._check_hop(uri)
                sent = _as_sent(uri)
                # headers are for who was meant, not for whom a redirect names
                headers = source.headers if sent.origin() == _as_sent(source.uri).origin() else {}
                async with session.get(sent, headers=headers, allow_redirects=False) as response:
                    if response.status not in _REDIRECTS:
                        return await _receive(response, file)
                    uri = urljoin(uri, response.headers.get("Location", ""))
            raise refused(f"more than {self._max_redirects} redirects")

    def _check_hop(self, uri: str) -> None:
        if self._policy.check_uri(uri).scheme not in {"http", "https"}:
            raise refused("a redirect that leaves the web")
        # the host once more, as the client reads it: two parsers may disagree on crooked uris
        self._policy.check_host(_as_sent(uri).host or "")


class StoreDownload:
    """Downloads `s3://bucket/key` through s3fs; the store's endpoint is the operator's to set."""

    def __init__(self, settings: MediaSettings) -> None:
        self._options = {name: _plain(value) for name, value in settings.s3.items()}

    def copy(self, source: Resolved, file: BoundedFile) -> None:
        """Write the object at the uri to `file`; raises ContentError or TransientError."""
        try:
            self._copy(source.uri, file)
        except FileNotFoundError as error:
            reason = "the store has no such object"
            raise ContentError(RejectionClass.MEDIA_GONE, reason, part="audio") from error
        except PermissionError as error:
            raise _unreachable("the store denies access") from error
        except (OSError, BotoCoreError, aiohttp.ClientError) as error:
            raise TransientError(f"the store failed ({type(error).__name__})") from error

    def _copy(self, uri: str, file: BoundedFile) -> None:
        store = fsspec.filesystem("s3", **self._options, config_kwargs=_S3_CLIENT)
        store.invalidate_cache()
        with store.open(uri, "rb", block_size=CHUNK_BYTES * 4, cache_type="readahead") as source:
            file.expect(source.size)
            while chunk := source.read(CHUNK_BYTES):
                file.write(chunk)


_S3_CLIENT = {"connect_timeout": IDLE_S, "read_timeout": IDLE_S, "retries": {"max_attempts": 1}}


@dataclass(frozen=True, slots=True)
class _CheckedResolver(AbstractResolver):
    """Resolves a name and refuses it unless every address may be connected to.

    The connector connects to the addresses given here and asks for no others.
    """

    policy: AddressPolicy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await aiohttp.ThreadedResolver().resolve(host, port, family)
        for address in addresses:
            self.policy.check_address(address["host"])
        return addresses

    async def close(self) -> None:
        """Nothing is held open."""


def _session(policy: AddressPolicy) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=_CheckedResolver(policy), use_dns_cache=False),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=IDLE_S, sock_read=IDLE_S),
        headers={"Accept-Encoding": "identity", "User-Agent": "earmark"},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # the digest is of the bytes as stored; and a gzip bomb stays small
        trust_env=False,  # a proxy would connect where we cannot see it
    )


async def _receive(response: aiohttp.ClientResponse, file: BoundedFile) -> None:
    if response.status in _GONE:
        reason = f"the server answers {response.status}"
        raise ContentError(RejectionClass.MEDIA_GONE, reason, part="audio")
    if response.status in _TRANSIENT:
        raise TransientError(f"the server answers {response.status}")
    if response.status != 200:  # noqa: PLR2004  the one status of a whole body
        raise _unreachable(f"the server answers {response.status}")
    file.expect(response.content_length)
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        file.write(chunk)


def _as_sent(uri: str) -> URL:
    # quoting again what is quoted would break the signature of a signed uri
    return URL(uri, encoded=uri.isascii() and uri.isprintable() and " " not in uri)


def _unreachable(reason: str) -> ContentError:
    return ContentError(RejectionClass.MEDIA_UNREACHABLE, reason, part="audio")


def _plain(value: SecretStr) -> str | bool:
    text = value.get_secret_value()
    return {"true": True, "false": False}.get(text.lower(), text)
