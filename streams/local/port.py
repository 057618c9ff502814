"""TCP ports on the loopback interface: which are free."""

import secrets
import socket

from earmark.models.error import ServiceError

HOST = "127.0.0.1"

# below the range from which the kernel takes ports for outgoing connections: a port found free
# here is not taken by a client of ours before its server starts
_FIRST, _LAST = 20_000, 31_999
_TRIES = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as probe:
        # as servers do: connections of one that just ended are no hindrance
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None) -> int:
    """`preferred` where it is free, else any free port; ServiceError if none is found."""
    if preferred is not None and is_free(preferred):
        return preferred
    for _ in range(_TRIES):
        port = _FIRST + secrets.randbelow(_LAST - _FIRST + 1)
        if is_free(port):
            return port
    raise ServiceError(f"no free port found on {HOST} between {_FIRST} and {_LAST}")


def require_free(port: int, name: str) -> None:
    """ServiceError that names `name` if something else listens on `port`."""
    if not is_free(port):
        raise ServiceError(
            f"{name}: port {port} on {HOST} is in use by another process; choose another"
        )
