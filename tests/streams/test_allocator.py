"""What a batch has freed goes back to the system."""

import subprocess
import sys

import pytest

PROBE = """
import ctypes, re
from earmark.streams import allocator

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]


def held(size):
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    return block


def resident_mb():
    status = open("/proc/self/status").read()
    return int(re.search(r"VmRSS:\\s+(\\d+)", status)[1]) / 1024


{before}
libc.free(held(30_000_000))  # from here on glibc by itself would keep blocks of this size
blocks = [held({size}) for _ in range(20)]
full = resident_mb()
for block in blocks[::2]:
    libc.free(block)
{after}
print(full - resident_mb())
"""


def returned_share(*, size: int, before: str = "", after: str = "") -> float:
    """Of ten blocks that are freed, each between two that are not."""
    probe = PROBE.format(size=size, before=before, after=after)
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return float(run.stdout) * 2**20 / (10 * size)


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="about glibc")


def test_large_blocks_are_returned_when_they_are_freed():
    assert returned_share(size=8_000_000, before="allocator.return_large_blocks()") > 0.9
    assert returned_share(size=8_000_000) < 0.5  # what it is for


def test_holes_between_blocks_are_returned_when_asked():
    assert returned_share(size=1_000_000, after="allocator.return_free_pages()") > 0.9
    assert returned_share(size=1_000_000) < 0.5


def test_the_collector_looks_no_more_at_what_is_loaded():
    probe = "import gc; from earmark.streams import allocator; allocator.keep_what_is_loaded(); "
    probe += "print(gc.get_freeze_count() > 1_000, len(gc.get_objects()) < 1_000)"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "True"]
