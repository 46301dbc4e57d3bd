"""Binds the sockets to serve at, before anything is loaded."""

import errno
import importlib.util
import socket

from app.errors import SinkError
from app.requirements.system_needs import INSTALL_LIVE
from app.server.serve_address import ServeAddress

BACKLOG = 64  # connections that wait to be taken


def check_websockets() -> None:
    """Raises `SinkError` where the library that serves is not installed."""
    if importlib.util.find_spec("websockets") is None:
        raise SinkError(f"--serve needs the package websockets: {INSTALL_LIVE}")


def bind_sockets(address: ServeAddress) -> list[socket.socket]:
    """Binds a socket for each address that a host name stands for.

    Raises:
        SinkError: The host is none of this machine, or the port is taken or not allowed.
    """
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise SinkError(
            f"--serve {address}: the host {address.host} is not known. Name an address of this "
            "machine, or 0.0.0.0 for all of them."
        ) from error
    sockets: list[socket.socket] = []
    failure: OSError | None = None
    port = address.port
    for family, _, _, _, target in dict.fromkeys(found):
        try:
            bound = _bind(family, (target[0], port, *target[2:]))
        except OSError as error:
            failure = error
            if error.errno == errno.EADDRINUSE:
                break
            continue
        sockets.append(bound)
        port = bound.getsockname()[1]  # port 0: the same one for all addresses
    if failure is not None and (not sockets or failure.errno == errno.EADDRINUSE):
        for bound in sockets:
            bound.close()
        raise SinkError(f"--serve {address}: {_explain(failure, address)}") from failure
    return sockets


def _bind(family: int, target: tuple[object, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where others could share the port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:  # a port whose last connections are still closing can be taken again
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(target)
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


def _explain(error: OSError, address: ServeAddress) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"the port is in use. Name another one, such as --serve {address.port + 1}."
    if error.errno == errno.EACCES:
        return "this user may not take the port. Name one above 1023."
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{address.host} is no address of this machine. Name one of its own, or 0.0.0.0 for "
            "all of them."
        )
    return f"it cannot be bound: {error.strerror}."
