"""Reads the arguments of `--osc` and `--osc-prefix`. Nothing here needs a package."""

import argparse
import re
from dataclasses import dataclass

MAX_PORT = 65_535
RESERVED = " #*,?[]{}"  # signs that OSC gives a meaning in addresses
PLACES = ("{address}", "{name}")


@dataclass(frozen=True, slots=True)
class OscTarget:
    """The host and the port that a receiver of OSC listens at.

    >>> str(OscTarget("::1", 9000))
    '[::1]:9000'
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_osc_target(text: str) -> OscTarget:
    """Reads "HOST:PORT". Raises `ArgumentTypeError`.

    >>> parse_osc_target("127.0.0.1:9000")
    OscTarget(host='127.0.0.1', port=9000)
    """
    host, colon, port = text.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    plain = host[1:-1] if is_bracketed else host
    is_address = bool(plain) and not re.search(r"[\s/?#@\[\]]", plain)
    if not colon or not is_address or (":" in plain and not is_bracketed):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no HOST:PORT, such as 127.0.0.1:9000 or [::1]:9000"
        )
    if not (port.isascii() and port.isdecimal()) or not 0 < int(port) <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r}: a port is a number from 1 to {MAX_PORT}")
    return OscTarget(plain, int(port))


def parse_osc_prefix(text: str) -> str:
    """Reads a template of addresses and returns it with a place for the address. Raises
    `ArgumentTypeError`.

    >>> parse_osc_prefix("/me"), parse_osc_prefix("/avatar/parameters/{name}")
    ('/me/{address}', '/avatar/parameters/{name}')
    """
    bare = text
    for place in PLACES:
        bare = bare.replace(place, "")
    if not text.startswith("/") or any(sign in RESERVED for sign in bare) or not bare.isascii():
        raise argparse.ArgumentTypeError(
            f"{text!r} is no prefix: it begins with / and has neither spaces nor any of "
            "#*,?[]{}, but for {address} and {name}"
        )
    if bare != text:
        return text
    return f"{text.rstrip('/')}/{{address}}"


def fill_osc_prefix(template: str, address: str) -> str:
    """Makes the full address of a value, whose own address has no slash at its beginning.

    >>> fill_osc_prefix("/me/{address}", "face/1/label")
    '/me/face/1/label'
    >>> fill_osc_prefix("/avatar/parameters/{name}", "face/1/label")
    '/avatar/parameters/face_1_label'
    """
    return template.replace("{address}", address).replace("{name}", address.replace("/", "_"))
