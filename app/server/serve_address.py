"""Reads the argument of `--serve`: the host and the port to serve at.

Nothing here needs a package.
"""

import argparse
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
PORT = 8765
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class ServeAddress:
    """The host and the port to serve at. Port 0 lets the system choose one.

    >>> str(ServeAddress("::1", 80)), ServeAddress("localhost", 80).is_loopback
    ('[::1]:80', True)
    """

    host: str = LOOPBACK
    port: int = PORT

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can reach the address."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Tells whether a name or an address is this machine's own, whatever the network says.

    >>> is_loopback("127.3.2.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("pc.lan")
    (True, True, False, False)
    """
    if host.lower() == "localhost":
        return True
    return is_ip(host) and ipaddress.ip_address(host).is_loopback


def is_ip(host: str) -> bool:
    """Tells whether `host` is an address in figures, and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def parse_serve_address(text: str) -> ServeAddress:
    """Reads "PORT", "HOST" with its port, or a host alone. Raises `ArgumentTypeError`.

    >>> parse_serve_address("8080"), parse_serve_address("0.0.0.0:80")
    (ServeAddress(host='127.0.0.1', port=8080), ServeAddress(host='0.0.0.0', port=80))
    >>> parse_serve_address("[::1]:80").host
    '::1'
    """
    if text.lstrip("-").isdecimal():
        return ServeAddress(port=_read_port(text, text))
    host, colon, port = text.rpartition(":")
    if ":" in host and (is_ip(host) or is_ip(text)):  # which of its numbers is the port?
        meant = f"[{host}]:{port}" if is_ip(host) else f"[{text}]:{PORT}"
        raise argparse.ArgumentTypeError(
            f"{text!r}: an address of IPv6 stands in brackets, such as {meant}"
        )
    if text.startswith("[") and text.endswith("]"):
        host, colon, port = text, "", ""
    elif not colon:
        host, port = text, ""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not host or any(sign.isspace() or sign in "/?#@[]" for sign in host):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no [HOST:]PORT; examples: 8765, 0.0.0.0:8765, [::1]:8765"
        )
    return ServeAddress(host, _read_port(port, text) if port or colon else PORT)


def _read_port(port: str, text: str) -> int:
    if not (port.isascii() and port.isdecimal()) or int(port) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r}: a port is a number from 0 to {MAX_PORT}")
    return int(port)


def parse_origin(text: str) -> str:
    """Reads an origin: "https://example.org", with a port if it has one. Raises
    `ArgumentTypeError`.

    >>> parse_origin("HTTPS://Example.org:8443/")
    'https://example.org:8443'
    """
    plain = text.lower().removesuffix("/")
    scheme, colon, host = plain.partition("://")
    is_plain = colon and host and not any(sign.isspace() or sign in "/?#@" for sign in host)
    try:
        _ = urlsplit(plain).port
    except ValueError:
        is_plain = False
    if scheme not in ("http", "https") or not is_plain:
        raise argparse.ArgumentTypeError(f"{text!r} is no origin such as https://example.org")
    return plain
