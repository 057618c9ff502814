"""How far a run of sends has come, of events that are sent in order and acknowledged in any."""

from collections import deque
from dataclasses import dataclass

from earmark.streams.content_files import BEGINNING, Bookmark


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything up to `bookmark` is settled: sent and acknowledged, or refused."""

    bookmark: Bookmark = BEGINNING
    sent: int = 0
    refused: int = 0
    by_file_uri: int = 0  # of those sent, files that perhaps no worker reads

    @property
    def settled(self) -> int:
        """How many events that makes."""
        return self.sent + self.refused


class Expected:
    """An event of which it is not known yet what becomes of it."""

    __slots__ = ("bookmark", "by_file_uri", "refused", "settled")

    def __init__(self, bookmark: Bookmark, *, by_file_uri: bool) -> None:
        self.bookmark = bookmark
        self.by_file_uri = by_file_uri
        self.refused = False
        self.settled = False


class Acknowledgements:
    """What is settled, in the order of the files; `unsettled` counts what is not. For one thread.

    Memory holds what was sent and is not settled, and what was settled ahead of it.
    """

    def __init__(self, standing: Standing) -> None:
        self._expected: deque[Expected] = deque()
        self._bookmark = standing.bookmark
        self._sent = standing.sent
        self._refused = standing.refused
        self._by_file_uri = standing.by_file_uri
        self.unsettled = 0

    @property
    def standing(self) -> Standing:
        """How far everything is settled, without a gap."""
        return Standing(
            bookmark=self._bookmark,
            sent=self._sent,
            refused=self._refused,
            by_file_uri=self._by_file_uri,
        )

    def expect(self, bookmark: Bookmark, *, by_file_uri: bool = False) -> Expected:
        """Note an event that is about to be sent."""
        expected = Expected(bookmark, by_file_uri=by_file_uri)
        self._expected.append(expected)
        self.unsettled += 1
        return expected

    def settle(self, expected: Expected, *, refused: bool = False) -> None:
        """Note that it was acknowledged, or refused."""
        expected.settled, expected.refused = True, refused
        self.unsettled -= 1
        while self._expected and self._expected[0].settled:
            first = self._expected.popleft()
            self._refused += first.refused
            self._sent += not first.refused
            self._by_file_uri += first.by_file_uri and not first.refused
            self._bookmark = first.bookmark
