"""Copies a video from a server to this machine for as long as it is read.

Streams are not copied; they are read as they come. The errors of the libraries may hold the address
with its password, so no text of theirs reaches the user.
"""

import base64
import contextlib
import http.client
import os
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import Request

from app.errors import SourceError
from app.files.hidden import claim_own_file
from app.process.deadlines import run_with_deadline
from app.sources.remote_video import WebVideo

WAIT_S = 8.0  # for a connection, and for each further piece
ANSWER_S = 20.0  # until the server begins to send the file, wherever it redirects to
# A server that sends less than these bytes in this time is given up.
SLOW_INTERVAL_S = 30.0
SLOW_INTERVAL_BYTES = 64 << 10
BLOCK_BYTES = 1 << 18
# What the common answers of servers that send no file mean.
HTTP_REASONS = {
    302: "leads on to another kind of address",
    401: "asks for another user name or password",
    403: "does not let this user in",
    404: "has nothing at this path",
}


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a plain address to a secure address, but never the other way round."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        allowed = ("https",) if urlsplit(req.full_url).scheme == "https" else ("http", "https")
        if urlsplit(newurl).scheme not in allowed:
            raise urllib.error.URLError("it leads on to an address of another kind")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Connections:
    """Keeps the connections of one request, so that another thread can cut them."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self.is_cut = False

    def add(self, connected: socket.socket) -> None:
        self._sockets.append(connected)
        if self.is_cut:
            self.cut()

    def cut(self) -> None:
        self.is_cut = True
        for connected in self._sockets:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def make_opener(self) -> urllib.request.OpenerDirector:
        return urllib.request.build_opener(_Redirects, _PlainHandler(self), _SecureHandler(self))


class _PlainConnection(http.client.HTTPConnection):
    def __init__(self, kept: _Connections, host: str, **more: Any) -> None:  # the library's own
        super().__init__(host, **more)
        self._kept = kept

    def connect(self) -> None:
        super().connect()
        self._kept.add(self.sock)


class _SecureConnection(http.client.HTTPSConnection):
    def __init__(self, kept: _Connections, host: str, **more: Any) -> None:  # the library's own
        super().__init__(host, **more)
        self._kept = kept

    def connect(self) -> None:
        super().connect()
        self._kept.add(self.sock)


class _PlainHandler(urllib.request.HTTPHandler):
    def __init__(self, kept: _Connections) -> None:
        super().__init__()
        self._kept = kept

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_PlainConnection, self._kept), req)


class _SecureHandler(urllib.request.HTTPSHandler):
    def __init__(self, kept: _Connections) -> None:
        super().__init__()
        self._kept = kept

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_SecureConnection, self._kept), req)


@contextmanager
def fetch_copy(video: WebVideo, beside: Path, *, stop: Callable[[], bool]) -> Iterator[Path | None]:
    """Copies a video into a hidden file, which is removed at the end of the context.

    Args:
        video: The address.
        beside: A path in the folder for the copy, which names the copy, too.
        stop: Asked several times a second; True gives the copy up.

    Yields:
        The path of the copy; None where the address is that of a stream, or `stop` was True.

    Raises:
        SourceError: If the server does not send the whole file, or there is no room for it.
    """
    title = str(video)
    if not str(video.address.target).startswith("http"):
        yield None
        return
    try:
        part = claim_own_file(beside.with_name(beside.stem), ".fetched")
    except OSError as error:
        raise SourceError(
            f"{title} cannot be copied into {beside.parent}: {error.strerror}."
        ) from error
    try:
        yield part.path if _fetch(video, part.path, title, stop) else None
    finally:
        part.discard()


def _fetch(video: WebVideo, copy: Path, title: str, stop: Callable[[], bool]) -> bool:
    """Returns True if the whole file was copied, False for a stream and after `stop`."""
    kept = _Connections()
    ask = partial(kept.make_opener().open, _make_request(str(video.address.target)), timeout=WAIT_S)
    came: int | None = None
    try:
        answer = _wait_for_answer(ask, title, stop, kept)
        if answer is None:
            return False
        with answer:
            length = answer.headers.get("Content-Length", "")
            if not length.isdecimal() or answer.headers.get_content_maintype() == "multipart":
                return False
            if int(length) > shutil.disk_usage(copy.parent).free:
                raise SourceError(f"{title} has {int(length):,} bytes; there is no room for them.")
            copying = partial(_copy, answer, copy, title, lambda: kept.is_cut)
            came = run_with_deadline(copying, stop=stop, limit_s=None, give_up=kept.cut)
    except urllib.error.HTTPError as error:
        error.close()
        why = HTTP_REASONS.get(error.code, "fails")
        raise SourceError(f"{title} {why} (HTTP {error.code}).") from None
    except TimeoutError:
        raise SourceError(f"{title} sent nothing for {WAIT_S:g} s.") from None
    except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
        cause: object = getattr(error, "reason", error)  # errors of URLs, TLS and Unicode have it
        if isinstance(cause, TimeoutError):
            raise SourceError(f"{title} did not answer within {WAIT_S:g} s.") from None
        raise SourceError(f"{title} cannot be read: {_name_cause(cause)}.") from None
    if came is None:
        return False
    if came < int(length):
        raise SourceError(f"{title} broke off after {came:,} of {int(length):,} bytes.")
    os.utime(copy, (0, 0))  # so that --resume knows the video again, whenever it was copied
    return came == int(length)


def _name_cause(cause: object) -> str:
    number = cause.errno if isinstance(cause, OSError) else None
    why = os.strerror(number) if isinstance(number, int) and number > 0 else ""
    return why or (cause if isinstance(cause, str) else type(cause).__name__)


def _wait_for_answer(
    ask: Callable[[], HTTPResponse], title: str, stop: Callable[[], bool], kept: _Connections
) -> HTTPResponse | None:
    """Waits until the server's headers are there. None after `stop`."""
    try:
        return run_with_deadline(ask, stop=stop, limit_s=ANSWER_S, give_up=kept.cut)
    except TimeoutError:
        if not kept.is_cut:
            raise
        raise SourceError(f"{title} sent no video within {ANSWER_S:g} s.") from None


def _copy(answer: HTTPResponse, copy: Path, title: str, stop: Callable[[], bool]) -> int:
    """Copies the body of an answer to `copy`, and returns the number of bytes."""
    came = before = 0
    since_s = time.monotonic()
    with copy.open("wb") as file:
        while not stop() and (block := answer.read1(BLOCK_BYTES)):
            file.write(block)
            came += len(block)
            if time.monotonic() - since_s > SLOW_INTERVAL_S:
                if came - before < SLOW_INTERVAL_BYTES:
                    raise SourceError(f"{title} sends too slowly: {came:,} bytes so far.")
                before, since_s = came, time.monotonic()
    return came


def _make_request(url: str) -> Request:
    """Makes a request with user and password in a header of their own."""
    parts = urlsplit(url)
    who, at, host = parts.netloc.rpartition("@")
    headers = {"User-Agent": "expression-recogniser", "Accept-Encoding": "identity"}
    if at:
        headers["Authorization"] = f"Basic {base64.b64encode(unquote(who).encode()).decode()}"
    return Request(urlunsplit(parts._replace(netloc=host)), headers=headers)
