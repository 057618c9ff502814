"""A program that runs a command and dies with the process that started it (Linux).

    python tether.py PARENT SIGNAL COMMAND...

It asks the kernel for SIGNAL when the parent's thread ends (prctl(2), PR_SET_PDEATHSIG) and becomes
the command, so the process id stays. A program of its own, because code between fork and exec is
not safe in a process with threads. Elsewhere than on Linux the command runs without the tether.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tether this process and become the command."""
    parent, signal_number, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:
            sys.exit("the parent ended before the tether held")
    os.execvp(command[0], command)  # noqa: S606 - the command of this program, no shell wanted


if __name__ == "__main__":
    main()
