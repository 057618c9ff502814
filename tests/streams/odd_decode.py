"""Decode functions for the tests of the pool, named there as `odd_decode:...`.

The event's `source` says what to do.
"""

import errno
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from earmark.processors.block import NO_SAMPLES, Block, End
from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError, RejectionClass


def decode(event: ContentEvent, media: object, **_: object) -> Iterator[Block]:
    """Count to `priority` in blocks of 100,000 samples, then do as `source` says."""
    for number in range(event.priority):
        yield Block(event=event, samples_T=np.full(100_000, number, np.float32))
    try:
        _misbehave(event.source)
    except OSError as error:
        yield Block(event=event, samples_T=NO_SAMPLES, end=End(error=_named(error)))
        return
    if event.source == "no end":
        return
    yield Block(event=event, samples_T=NO_SAMPLES, end=End(duration_ms=event.priority))


def _named(error: OSError) -> ContentError:
    reason = errno.errorcode[error.errno or 0]
    return ContentError(RejectionClass.MEDIA_CORRUPT, reason, part="audio")


def _misbehave(how: str) -> None:
    match how:
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(3)
        case "raise":
            raise ValueError("decode failed")
        case "hang":
            time.sleep(600)
        case "connect":
            socket.create_connection(("127.0.0.1", 9))
        case "run":
            subprocess.run(["true"], check=True)
        case "write":
            os.write(os.open(Path.home(), os.O_TMPFILE | os.O_WRONLY), b"x")
        case "swell":
            np.ones(40_000_000)  # 320 MB
        case "spin":
            while True:
                pass
