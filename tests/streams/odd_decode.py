"""Decode functions for the tests of the pool, named there as `odd_decode:...`.

The event's `source` says what to do.
"""

import os
import signal
import time
from collections.abc import Iterator

import numpy as np

from earmark.processors.block import NO_SAMPLES, Block, End
from earmark.processors.content import ContentEvent


def decode(event: ContentEvent, media: object, **_: object) -> Iterator[Block]:
    """Count to `priority` in blocks of 100,000 samples, then do as `source` says."""
    for number in range(event.priority):
        yield Block(event=event, samples_T=np.full(100_000, number, np.float32))
    match event.source:
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(3)
        case "raise":
            raise ValueError("decode failed")
        case "no end":
            return
        case "hang":
            time.sleep(600)
    yield Block(event=event, samples_T=NO_SAMPLES, end=End(duration_ms=event.priority))
