"""The core as a function of Flink SQL: a piece of references in, the records of its answers out.

Its workers are processes of their own beside Flink's JVM. They import this module, so they need the
same Earmark as who submits the job, with all that scores.
"""

import socket
from collections.abc import Iterator
from typing import Any

from pyflink.table import DataTypes
from pyflink.table.udf import FunctionContext, TableFunction, udtf

from earmark import __version__
from earmark.models.error import ConfigurationError
from earmark.streams.flink.answering import Answering
from earmark.streams.flink.reference import Piece
from earmark.streams.replay.manifest import Manifest
from earmark.streams.settings import Settings

Row = tuple[str, bytes | None, bytes | None, dict[str, bytes]]


class AnswerFunction(TableFunction):  # type: ignore[misc]  # pyflink has no types
    """Travels with the job, settings and secrets in it; opened once in each worker process."""

    def __init__(self, settings: Settings, manifest: Manifest) -> None:
        self._settings = settings
        self._manifest = manifest
        self._version = __version__
        self._answering: Answering | None = None

    def open(self, _context: FunctionContext) -> None:
        """Load the models; raises ConfigurationError where another Earmark is installed here."""
        if self._version != __version__:
            raise ConfigurationError(
                f"the job is of Earmark {self._version}, this worker has {__version__}"
            )
        name = f"{self._manifest.group_id}-{socket.gethostname()}"
        self._answering = Answering(self._settings, self._manifest, worker=name)

    def eval(self, piece: bytes) -> Iterator[Row]:
        """The records that follow from the piece."""
        if self._answering is None:
            raise ConfigurationError("the function was not opened")
        for record in self._answering.answer(Piece.parsed(piece)):
            headers = {name: _bytes(value) for name, value in record.headers}
            yield record.topic, record.key, record.value, headers

    def close(self) -> None:
        """End what was started."""
        if self._answering is not None:
            self._answering.close()


def answer_function(settings: Settings, manifest: Manifest) -> Any:
    """The function as Flink is given it."""
    rows = [
        DataTypes.STRING(),
        DataTypes.BYTES(),
        DataTypes.BYTES(),
        DataTypes.MAP(DataTypes.STRING(), DataTypes.BYTES()),
    ]
    return udtf(AnswerFunction(settings, manifest), result_types=rows)


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""
