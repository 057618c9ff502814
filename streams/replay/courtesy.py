"""How a worker of a replay stands behind all else on its machine."""

import os
from pathlib import Path

NICE = 19  # the least that there is
AUTOGROUP = Path("/proc/self/autogroup")


def stand_behind() -> None:
    """Let other processes of the machine go first, those of other sessions too.

    Linux gives each session a share of its own (`autogroup`), and to it a niceness of its own: that
    of a process counts within its session alone (sched(7)). It is set where the session is ours,
    that is where we lead it; the terminal of whoever typed the command keeps its own.
    """
    os.nice(NICE)
    if os.getsid(0) == os.getpid():
        try:
            AUTOGROUP.write_text(str(NICE), encoding="ascii")
        except OSError:
            return  # a kernel without it, or one that does not let us
