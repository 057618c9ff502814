"""How memory is kept: large blocks go back to the system when freed, what is loaded stays.

By itself glibc raises the size from which a block is mapped on its own, up to 32 MB, once such a
block has been freed. A process that passes blocks on should not: they would come from the heap and
leave holes in it. One that computes should: where each tensor of a batch was mapped anew, the
kernel cleared pages for a quarter of a worker's time on voice clips, which took half as long again.
It returns what is left between its batches now and then. See mallopt(3).
"""

import ctypes
import gc
import sys
from collections.abc import Callable
from functools import cache

MAPPED_BYTES = 4_000_000  # blocks from this size on are mapped on their own, and unmapped
KEPT_BYTES = 16_000_000  # most that the top of the heap keeps

_M_TRIM_THRESHOLD = -1  # malloc.h
_M_MMAP_THRESHOLD = -3


def return_large_blocks() -> None:
    """From here on, large blocks of this process are returned as soon as they are free."""
    if mallopt := _function("mallopt"):
        mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES)
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)


def return_free_pages() -> None:
    """Return the whole pages among the holes of the heap; takes milliseconds."""
    if malloc_trim := _function("malloc_trim"):
        malloc_trim(0)


@cache
def _function(name: str) -> Callable[..., int] | None:
    """A function that only glibc has: elsewhere all this does nothing."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def keep_what_is_loaded() -> None:
    """Tell Python's collector that what is there now stays.

    It looks through all that lives each time that much has been made: modules and models are
    hundreds of thousands of objects, and never garbage.
    """
    gc.collect()
    gc.freeze()
