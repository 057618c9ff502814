"""Headers of what becomes of a record."""

from dataclasses import dataclass

from earmark.processors.error import ContentError, RejectionClass
from earmark.streams.header import Headers, dead_letter_headers


@dataclass
class Record:
    """What headers are made of."""

    own: Headers

    def topic(self) -> str:
        return "content.events.v1"

    def partition(self) -> int:
        return 1

    def offset(self) -> int:
        return 2

    def headers(self) -> Headers:
        return self.own


def test_a_reason_that_quotes_what_is_no_unicode_can_be_written() -> None:
    reason = "host half\ud800.example is not allowed"
    error = ContentError(RejectionClass.URI_REFUSED, reason, part="audio")
    headers = dict(dead_letter_headers(Record([("mine", b"1")]), error, worker="w"))
    said = b"URI_REFUSED: audio: host half\\ud800.example is not allowed"
    assert headers["__streams.errors.message"] == said
    assert headers["mine"] == b"1"
