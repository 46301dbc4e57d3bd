"""Videos that `--video` names by an address: files on a server, which are copied, read as any other
file and removed again, and streams, which are read as they come."""

import base64
import contextlib
import http.client
import os
import re
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from app.errors import SourceError
from app.files.hidden import claim_own_file
from app.process.deadlines import run_with_deadline
from app.sources.camera_address import CameraAddress, parse_address

WAIT_S = 8.0  # for a connection, and for whatever comes next
ANSWER_S = 20.0  # until the server begins to send what was asked for, wherever it leads
SLOW_S, SLOW_BYTES = 30.0, 64 << 10  # less than that in such a time is given up
BLOCK_BYTES = 1 << 18
MAX_NAME_BYTES = 160


@dataclass(frozen=True, slots=True)
class WebVideo:
    """As a text it is the address without its password."""

    address: CameraAddress

    @property
    def name(self) -> str:
        """The last part of the address, as a file of this machine may be called."""
        parts = urlsplit(str(self.address.target))
        last = unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname or "stream"
        plain = re.sub(r"[^\w. ()-]+", "_", last).strip(". ").encode()[-MAX_NAME_BYTES:]
        return plain.decode("utf-8", "ignore") or "stream"

    def __str__(self) -> str:
        return self.address.shown


def parse_video(text: str) -> "Path | WebVideo":
    """What one word after `--video` names. Raises `SourceError` for an address that is none."""
    return WebVideo(parse_address(text)) if "://" in text else Path(text)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """A plain address may lead on to a secure one, but never the other way round."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, to: str
    ) -> Any:
        allowed = ("https",) if urlsplit(req.full_url).scheme == "https" else ("http", "https")
        if urlsplit(to).scheme not in allowed:
            raise urllib.error.URLError("it leads on to an address of another kind")
        return super().redirect_request(req, fp, code, msg, headers, to)


class _Lines:
    """The connections of one request, which may be cut from another thread."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self.cut_off = False

    def add(self, made: socket.socket) -> None:
        self._sockets.append(made)
        if self.cut_off:
            self.cut()

    def cut(self) -> None:
        self.cut_off = True
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def opener(self) -> urllib.request.OpenerDirector:
        return urllib.request.build_opener(_Redirects, _Plain(self), _Secure(self))


class _PlainConnection(http.client.HTTPConnection):
    def __init__(self, lines: _Lines, host: str, **more: Any) -> None:
        super().__init__(host, **more)
        self._lines = lines

    def connect(self) -> None:
        super().connect()
        self._lines.add(self.sock)


class _SecureConnection(http.client.HTTPSConnection):
    def __init__(self, lines: _Lines, host: str, **more: Any) -> None:
        super().__init__(host, **more)
        self._lines = lines

    def connect(self) -> None:
        super().connect()
        self._lines.add(self.sock)


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines

    def http_open(self, req: Any) -> Any:
        return self.do_open(partial(_PlainConnection, self._lines), req)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines

    def https_open(self, req: Any) -> Any:
        return self.do_open(partial(_SecureConnection, self._lines), req)


@contextmanager
def fetch_copy(video: WebVideo, beside: Path, *, stop: Callable[[], bool]) -> Iterator[Path | None]:
    """A copy beside `beside` for as long as this lasts; None where the address is that of a stream,
    or where `stop` said so meanwhile. Raises `SourceError`."""
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
    lines = _Lines()
    asked = partial(lines.opener().open, _request(str(video.address.target)), timeout=WAIT_S)
    came: int | None = None
    try:
        answer = _answer(asked, title, stop, lines)
        if answer is None:
            return False
        with answer:
            length = answer.headers.get("Content-Length", "")
            if not length.isdecimal() or answer.headers.get_content_maintype() == "multipart":
                return False
            if int(length) > shutil.disk_usage(copy.parent).free:
                raise SourceError(f"{title} has {int(length):,} bytes; there is no room for them.")
            copying = partial(_copy, answer, copy, title, lambda: lines.cut_off)
            came = run_with_deadline(copying, stop=stop, limit_s=None, give_up=lines.cut)
    except urllib.error.HTTPError as error:
        what = {401: "asks for another user name or password", 403: "does not let this user in"}
        error.close()
        what |= {404: "has nothing at this path", 302: "leads on to another kind of address"}
        why = what.get(error.code, "fails")
        raise SourceError(f"{title} {why} (HTTP {error.code}).") from None
    except TimeoutError:
        raise SourceError(f"{title} sent nothing for {WAIT_S:g} s.") from None
    except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        if isinstance(cause, TimeoutError):
            raise SourceError(f"{title} did not answer within {WAIT_S:g} s.") from None
        # Never the error's own text, which may hold the address.
        number = getattr(cause, "errno", None)
        why = os.strerror(number) if isinstance(number, int) and number > 0 else ""
        why = why or (cause if isinstance(cause, str) else type(cause).__name__)
        raise SourceError(f"{title} cannot be read: {why}.") from None
    if came is None:
        return False
    if came < int(length):
        raise SourceError(f"{title} broke off after {came:,} of {int(length):,} bytes.")
    os.utime(copy, (0, 0))  # so that it is known again, whenever it was copied
    return came == int(length)


def _answer(
    asked: Callable[[], Any], title: str, stop: Callable[[], bool], lines: _Lines
) -> Any | None:
    """The server's answer, of which its header is read; None after `stop`."""
    try:
        return run_with_deadline(asked, stop=stop, limit_s=ANSWER_S, give_up=lines.cut)
    except TimeoutError:
        if not lines.cut_off:
            raise
        raise SourceError(f"{title} sent no video within {ANSWER_S:g} s.") from None


def _copy(answer: Any, copy: Path, title: str, stop: Callable[[], bool]) -> int:
    came = since = 0
    since_s = time.monotonic()
    with copy.open("wb") as file:
        while not stop() and (block := answer.read1(BLOCK_BYTES)):
            file.write(block)
            came += len(block)
            if time.monotonic() - since_s > SLOW_S:
                if came - since < SLOW_BYTES:
                    raise SourceError(f"{title} sends too slowly: {came:,} bytes so far.")
                since, since_s = came, time.monotonic()
    return came


def _request(url: str) -> urllib.request.Request:
    """User and password go into a header of their own."""
    parts = urlsplit(url)
    who, at, host = parts.netloc.rpartition("@")
    headers = {"User-Agent": "expression-recogniser", "Accept-Encoding": "identity"}
    if at:
        headers["Authorization"] = f"Basic {base64.b64encode(unquote(who).encode()).decode()}"
    return urllib.request.Request(urlunsplit(parts._replace(netloc=host)), headers=headers)
