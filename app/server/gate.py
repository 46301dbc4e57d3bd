"""Decides which requests the server answers, before anything is done for them.

A page of another site can send requests to this machine from a visitor's browser. It cannot choose
the headers `Host` and `Origin`: `Host` tells a name that was bent to this machine's address (DNS
rebinding), `Origin` the page that opens a socket.
"""

import contextlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from app.server.serve_address import ServeAddress, is_ip, is_loopback

# Paths that hold nothing of a person and of no use without the others.
OPEN_PATHS = ("/static/", "/recordings/", "/health")
NO_ADDRESS = "This address cannot be read."
SOCKETS = ("/ws", "/events")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status of HTTP and the line with which a request is refused."""

    status: int
    line: str


def split_host(text: str) -> str | None:
    """Returns the host of a `Host` header, without its port and in small letters; None for none.

    >>> split_host("LOCALHOST:80"), split_host("[::1]:80"), split_host("a/b"), split_host("a:b")
    ('localhost', '::1', None, None)
    """
    try:
        parts = urlsplit(f"//{text}")
        _ = parts.port
    except ValueError:
        return None
    is_plain = parts.netloc == text and "@" not in text and bool(parts.hostname)
    return parts.hostname if is_plain else None


class Gate:
    """Decides which requests are answered.

    Args:
        address: The address of the server.
        origins: Origins such as "https://example.org" whose pages may read `/events`, and whose
            hosts may stand before this server as a proxy.
        token: The secret that requests must bring; None for a server of this machine alone.
    """

    def __init__(
        self, address: ServeAddress, *, origins: Sequence[str] = (), token: str | None = None
    ) -> None:
        self._address = address
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._hosts = {urlsplit(origin).netloc.lower() for origin in origins} - {""}
        self._token = token

    def judge(
        self, path: str, *, host: str | None, origin: str | None, is_socket: bool
    ) -> Refusal | None:
        """Judges a request by its path with its query and by its headers; None lets it in.

        A program that is no browser sends no origin.
        """
        name = None if host is None else split_host(host)
        if host is None or name is None or not self._knows(name, host.lower()):
            return Refusal(
                421,
                "This host name is none of this server's. Use the address that it has printed, or "
                "start it with --allow-origin.",
            )
        try:
            target = urlsplit(path)
            given = parse_qs(target.query, max_num_fields=16).get("token", [""])[0]
        except ValueError:
            return Refusal(400, NO_ADDRESS)
        if is_socket and origin is not None and not self._welcomes(origin, host, target.path):
            return Refusal(403, f"Pages of this origin may not open {target.path}.")
        is_known = hmac.compare_digest(given.encode(), (self._token or "").encode())
        if self._needs_token(name) and not target.path.startswith(OPEN_PATHS) and not is_known:
            return Refusal(
                403, "The token is missing or wrong. Use the address that the server printed."
            )
        return None

    def _knows(self, name: str, host: str) -> bool:
        if is_loopback(name) or host in self._hosts:
            return True
        if self._address.is_loopback:
            return False
        # No other site can bend an address in figures, only a name.
        return is_ip(name) or name == self._address.host.lower()

    def _welcomes(self, origin: str, host: str, path: str) -> bool:
        origin = origin.lower()
        with contextlib.suppress(ValueError):  # an origin that is no address
            if urlsplit(origin).netloc == host.lower():
                return True
        return path == "/events" and origin in self._origins

    def _needs_token(self, name: str) -> bool:
        return self._token is not None and not (self._address.is_loopback and is_loopback(name))
