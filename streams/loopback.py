"""Servers that answer this machine alone: whether an address is one, and who asks by a wrong name.

A page in a browser can have its own name resolved to the loopback (DNS rebinding), and would then
read what the server says; the name by which it asks gives it away.
"""

from ipaddress import ip_address

from aiohttp import web

_NAME = "localhost"


def is_loopback(host: str) -> bool:
    """Whether who listens on `host`, a name or an address, is reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == _NAME


def is_misnamed(request: web.Request, host: str) -> bool:
    """Whether a server on the loopback, listening on `host`, is asked by a name that is not its."""
    return is_loopback(host) and not is_asked_as_local(request)


def is_asked_as_local(request: web.Request) -> bool:
    """Whether the client knows the server by a name or an address of the loopback."""
    try:
        asked = request.url.host
    except ValueError:  # it says none that can be
        return False
    return asked is not None and is_loopback(asked)
