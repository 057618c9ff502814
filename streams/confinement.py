"""What a decode process may use from when it has loaded: some memory, some time, and no network.

It reads bytes from strangers with decoders written in C. Whoever finds a hole in one of these is
in a process that can write no file, start no program and open no socket; what it can do is answer
over the pipe that it has. The kernel holds these rules, for good: the process cannot lift them.
"""

import ctypes
import platform
import resource
import struct
import sys
from pathlib import Path

import structlog

log = structlog.get_logger()

# Numbers of system calls (asm/unistd.h): sockets, programs, other processes, and what would make
# sockets by another door.
_DENIED = {
    "x86_64": {
        **{"socket": 41, "connect": 42, "accept": 43, "bind": 49, "listen": 50, "socketpair": 53},
        **{"execve": 59, "ptrace": 101, "accept4": 288, "process_vm_writev": 311, "bpf": 321},
        **{"execveat": 322, "io_uring_setup": 425},
    },
    "aarch64": {
        **{"socket": 198, "socketpair": 199, "bind": 200, "listen": 201, "accept": 202},
        **{"connect": 203, "accept4": 242, "execve": 221, "ptrace": 117, "bpf": 280},
        **{"process_vm_writev": 271, "execveat": 281, "io_uring_setup": 425},
    },
}
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_X32 = 0x4000_0000  # numbers from here on are another way to make the same calls on x86_64

_PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h
_SET_MODE_FILTER = 1  # linux/seccomp.h, as are the next
_ALL_THREADS = 1
_ALLOW = 0x7FFF_0000
_EPERM = 0x0005_0001  # the call fails, with this error
_KILL = 0x8000_0000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_NUMBER_AT, _ARCH_AT = 0, 4  # in struct seccomp_data


def confine(memory_bytes: int) -> bool:
    """Allow this process `memory_bytes` beyond what it has (0: any), no files, no network.

    False where the platform cannot keep it from the network and from starting programs.
    """
    if memory_bytes:
        _limit(resource.RLIMIT_DATA, _data_bytes() + memory_bytes)
    _limit(resource.RLIMIT_FSIZE, 0)
    shut = _filter_calls()
    if not shut:
        log.warning("decode process is not kept from the network", machine=platform.machine())
    return shut


def allow_time(cpu_s: float) -> None:
    """Let this process compute for `cpu_s` seconds more, no matter for how long it has; 0: any."""
    if not cpu_s:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    limit = int(used.ru_utime + used.ru_stime + cpu_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def _limit(which: int, value: int) -> None:
    """Set both limits, unless there is a lower one."""
    _, hard = resource.getrlimit(which)
    lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (lower, lower))


def _data_bytes() -> int:
    """What this process has of private memory, as RLIMIT_DATA counts it."""
    status = Path("/proc/self/status")
    if not status.exists():  # no Linux
        return 0
    lines = (line.split() for line in status.read_text(encoding="ascii").splitlines())
    return next(int(words[1]) * 1024 for words in lines if words[:1] == ["VmData:"])


def _filter_calls() -> bool:
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _DENIED:
        return False
    program = _program(machine)
    code = ctypes.create_string_buffer(program, len(program))
    filter_ = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    # all threads at once: those that libraries have started, too
    return bool(libc.syscall(_SECCOMP[machine], _SET_MODE_FILTER, _ALL_THREADS, filter_) == 0)


def _program(machine: str) -> bytes:
    """The filter as instructions of the kernel's: fail what is denied, allow the rest."""
    denied = sorted(_DENIED[machine].values())
    tests = len(denied)
    lines = [
        _instruction(_LOAD, _ARCH_AT),
        _instruction(_EQUAL, _AUDIT_ARCH[machine], yes=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER_AT),
        _instruction(_AT_LEAST, _X32, yes=tests + 1),
        *(_instruction(_EQUAL, number, yes=tests - place) for place, number in enumerate(denied)),
        _instruction(_RETURN, _ALLOW),
        _instruction(_RETURN, _EPERM),
    ]
    return b"".join(lines)


def _instruction(code: int, value: int, *, yes: int = 0) -> bytes:
    """One; where its test holds, it skips `yes` instructions."""
    return struct.pack("HBBI", code, yes, 0, value)
