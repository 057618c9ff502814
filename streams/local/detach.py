"""A program that starts a command in the background, prints its process id and ends.

    python detach.py LOG COMMAND...

The command runs on in a session of its own when the caller and its terminal are gone; being no
child of the caller, it leaves no zombie there.
"""

import subprocess
import sys


def main() -> None:
    """Start the command with its output in LOG."""
    log, command = sys.argv[1], sys.argv[2:]
    with open(log, "wb") as output:  # noqa: PTH123 - pathlib would double the start of this program
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    print(process.pid)


if __name__ == "__main__":
    main()
