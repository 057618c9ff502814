"""`store://<name>/<key>`: an object in a named store, by a uri that is signed when it is fetched.

The settings say what the uris of each store look like (`media.stores`):

    [media.stores.music]
    uri = "https://cdn.example.org/{key}?exp={expires}&sig={signature}"
    secret = "..."

`{key}` is what stands in the stable uri, `{expires}` the second since the epoch until which the
signature holds, and `{signature}` HMAC-SHA256 in lower-case hex, over the path of the uri as it
is sent, a line feed, and `{expires}`.
"""

import hmac
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote, urlsplit

from earmark.models.error import ConfigurationError
from earmark.streams.address import refused
from earmark.streams.resolver import Resolved
from earmark.streams.settings import MediaSettings, StoreSettings

_SCHEMES = ("https", "http", "file")
_NOTHING = {"key": "", "expires": 0, "signature": ""}


class SignedStores:
    """Resolves the uris of the stores in the settings; raises ConfigurationError for bad ones."""

    schemes = ("store",)

    def __init__(self, settings: MediaSettings, *, clock: Callable[[], float] = time.time) -> None:
        for name, store in settings.stores.items():
            _check(name, store)
        self._stores: Mapping[str, StoreSettings] = settings.stores
        self._clock = clock

    def resolve(self, uri: str) -> Resolved:
        """The uri of the object, signed from now on for the store's `valid_s`.

        Raises ContentError URI_REFUSED for a store that is not in the settings, and for a key that
        is no plain path.
        """
        name, key = _parts(uri)
        store = self._stores.get(name)
        if store is None:
            raise refused(f"store {name} is not in media.stores")
        key = quote(key, safe="/~")
        expires = int(self._clock() + store.valid_s)
        path = urlsplit(store.uri).path.format_map(_NOTHING | {"key": key})
        signature = _signature(store, f"{path}\n{expires}")
        return Resolved(uri=store.uri.format(key=key, expires=expires, signature=signature))


resolver = SignedStores


def _parts(uri: str) -> tuple[str, str]:
    """Name of the store, and key; a key that could lead elsewhere is refused."""
    parts = urlsplit(uri)
    key = unquote(parts.path.removeprefix("/"))
    if parts.query or parts.fragment:
        raise refused("the uri of a store has no query; in a key, ? is %3F and # is %23")
    if not key or any(step in {"", ".", ".."} for step in key.split("/")):
        raise refused("the key in the uri of a store is no plain path")
    return parts.netloc, key


def _signature(store: StoreSettings, message: str) -> str:
    if store.secret is None:
        return ""
    return hmac.new(
        store.secret.get_secret_value().encode(), message.encode(), "sha256"
    ).hexdigest()


def _check(name: str, store: StoreSettings) -> None:
    parts = urlsplit(store.uri)
    where = f"setting media.stores.{name}.uri"
    if parts.scheme not in _SCHEMES:
        raise ConfigurationError(f"{where}: begins with none of {', '.join(_SCHEMES)}")
    if "{" in parts.netloc or "{key}" not in parts.path:
        raise ConfigurationError(f"{where}: needs {{key}} in its path, and no braces before that")
    if "{signature}" in store.uri and store.secret is None:
        raise ConfigurationError(f"{where}: to sign, it needs media.stores.{name}.secret")
    try:
        store.uri.format_map(_NOTHING)
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        raise ConfigurationError(
            f"{where}: what it may hold in braces is key, expires and signature"
        ) from error
