"""Which addresses media may be read from: schemes, hosts, networks and folders.

Content events come from outside, so a uri in one is a request by a stranger to our network. The
policy is asked before each hop of a redirect, and again with the addresses that a name resolved
to: the connection then goes to a checked address, and a name that resolves to another address a
moment later (DNS rebinding) gains nothing.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from earmark.processors.error import ContentError, RejectionClass
from earmark.streams.settings import MediaSettings

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


class AddressPolicy:
    """Decides on uris, host names, network addresses and paths by the settings."""

    def __init__(self, settings: MediaSettings) -> None:
        self._schemes = frozenset(scheme.lower() for scheme in settings.schemes)
        self._hosts = tuple(host.lower() for host in settings.hosts)
        self._private_allowed = settings.allow_private_addresses
        self._roots = tuple(root.expanduser().resolve() for root in settings.roots)

    def check_scheme(self, uri: str) -> SplitResult:
        """The parts of `uri`, if its scheme is allowed; raises ContentError URI_REFUSED."""
        parts = _split(uri)
        if parts.scheme not in self._schemes:
            raise refused(f"scheme {parts.scheme or '(none)'} is not in media.schemes")
        return parts

    def check_uri(self, uri: str) -> SplitResult:
        """The parts of `uri`, if its scheme and host are allowed.

        For `s3://bucket/key` the host is the bucket. Raises ContentError URI_REFUSED.
        """
        parts = self.check_scheme(uri)
        if parts.scheme != "file":
            self.check_host(parts.hostname or "")
        return parts

    def check_host(self, host: str) -> None:
        """Refuse a host that is not listed, or that is itself an address which is not allowed."""
        if not host:
            raise refused("the uri names no host")
        if self._hosts and not _matches(host, self._hosts):
            raise refused(f"host {host} is not allowed")
        if (literal := _literal(host)) is not None:
            self.check_address(literal)

    def check_address(self, address: str) -> None:
        """Refuse an address that is not on the public internet, unless the settings allow it."""
        if not self._private_allowed and not _is_public(address):
            raise refused("the host is at a private or reserved address")

    def local_path(self, uri: str) -> Path:
        """The file that a `file://` uri names, links resolved, if it lies under an allowed root.

        Whether it exists is not said of files elsewhere. Raises ContentError URI_REFUSED, or
        MEDIA_GONE where an allowed root has no such file.
        """
        path = _resolved(file_path(uri))
        if not any(path.is_relative_to(root) for root in self._roots):
            raise refused("the file is not under any of the folders in media.roots")
        if not path.exists():
            raise ContentError(RejectionClass.MEDIA_GONE, "no such file", part="audio")
        if not path.is_file():
            raise refused("not a regular file")
        return path


def file_path(uri: str) -> Path:
    """The path in a `file://` uri of this machine, as written; raises ContentError URI_REFUSED."""
    parts = _split(uri)
    if parts.netloc not in {"", "localhost"}:
        raise refused("a file uri of another machine")
    if not parts.path.startswith("/"):
        raise refused("a file uri without an absolute path")
    return Path(unquote(parts.path))


def scheme_of(uri: str) -> str:
    """The scheme of the uri, in small letters; raises ContentError URI_REFUSED."""
    return _split(uri).scheme


def shown(uri: str) -> str:
    """The uri as it may be printed: without user, password, query and fragment."""
    try:
        parts = _split(uri)
    except ContentError:
        return "(malformed uri)"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def refused(reason: str) -> ContentError:
    """The rejection of a uri that the policy does not allow."""
    return ContentError(RejectionClass.URI_REFUSED, reason, part="audio")


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018  reading it is what makes urllib check it
    except ValueError:
        # the cause is dropped: its message may quote the password in the uri
        raise refused("the uri is malformed") from None
    return parts


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise refused("the path cannot be resolved") from error


def _matches(host: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(host, pattern) for pattern in patterns)


def _literal(host: str) -> str | None:
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        return None


def _is_public(address: str) -> bool:
    ip = ip_address(address.partition("%")[0])
    inner = _carried_ipv4(ip) if isinstance(ip, IPv6Address) else None
    return all(a.is_global and not a.is_multicast for a in (ip, inner) if a is not None)


def _carried_ipv4(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a translator or tunnel on the way would connect to."""
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
