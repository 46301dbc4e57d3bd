"""Serves the page, its sockets and the stream of events, in a thread with an event loop.

The `websockets` library alone does all of it: a request that opens no socket is answered before the
handshake. docs/live_page.md says why no larger framework is used.
"""

import asyncio
import contextlib
import logging
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from app.process.machine import give_memory_back
from app.server.downloads import PREFIX
from app.server.gate import NO_ADDRESS, SOCKETS, Gate
from app.server.limits import MAX_MESSAGE_BYTES, MAX_VISITORS
from app.server.outbox import Outbox
from app.server.sending import send_all
from app.server.serve_address import ServeAddress
from app.server.visitor import Visitor, Visits
from app.server.web_pages import (
    find_static,
    make_download_response,
    make_file_response,
    make_json_response,
    make_text_response,
)
from app.types import Json

# A visitor whose line is dead is gone after an interval, a wait for the answer, and a close.
PING_INTERVAL_S = 4.0
PING_TIMEOUT_S = 4.0
CLOSE_TIMEOUT_S = 1.0
OPEN_TIMEOUT_S = 5.0  # for a request
# For an answer: a recording of 100 MB takes ten minutes on a slow line.
FILE_TIMEOUT_S = 30.0
DOWNLOAD_TIMEOUT_S = 900.0
MAX_DOWNLOADS = 8  # at once, each of which is in memory
# The bytes that the system keeps for a visitor. All in them is old by the time it arrives, so they
# hold a few pictures and no more.
SEND_BUFFER_BYTES = 256 << 10
# After a visitor has left, until the C library gives free memory back. Its heap has holes by then,
# which make the program grow in steps (docs/live_outputs.md). This takes 0.3 to 7 ms.
TIDY_DELAY_S = 5.0
MAX_QUEUED_MESSAGES = 4  # of a visitor; the line holds further ones back
STOP_TIMEOUT_S = 5.0
END_OF_SERVER = "The server has ended."
FULL = f"{MAX_VISITORS} visitors are here already, and no more are taken."
READ_ONLY = 1008  # close code: a message where none is allowed


class _Line(ServerConnection):
    """A connection that is cut if no request comes in time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins to wait for the request."""
        super().connection_made(transport)
        self.loop.call_later(OPEN_TIMEOUT_S, self._end_without_request)

    def _end_without_request(self) -> None:
        if self.request is None:
            self.transport.abort()


class PageServer:
    """Serves until `close`.

    Args:
        sockets: Bound sockets.
        gate: Decides which requests are answered.
        visits: What the visitors share. Its folder is removed at the end.
    """

    def __init__(self, sockets: Sequence[socket.socket], gate: Gate, visits: Visits) -> None:
        self._sockets = sockets
        self._gate = gate
        self._visits = visits
        self._count = 0
        self._downloads: set[ServerConnection] = set()
        self._is_to_tidy = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._is_ready = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="page server", daemon=True)
        self._thread.start()
        self._is_ready.wait()
        if self._failure is not None:
            raise self._failure

    @property
    def visitors(self) -> int:
        """The number of open sockets."""
        return self._count

    def close(self) -> None:
        """Sends all visitors away and ends the thread. A second call does nothing."""
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                loop.call_soon_threadsafe(stop.set)
        self._thread.join(STOP_TIMEOUT_S)
        shutil.rmtree(self._visits.folder, ignore_errors=True)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # a thread's failure belongs to who started it
            self._failure = error
        finally:
            self._is_ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            for each in self._sockets:
                await stack.enter_async_context(self._serve_on(each))
            self._is_ready.set()
            await self._stop.wait()
            if self._visits.feed is not None and self._visits.feed.ended is None:
                self._visits.feed.end(END_OF_SERVER)

    def _serve_on(self, bound: socket.socket) -> AbstractAsyncContextManager[Server]:
        return serve(
            self._handle,
            sock=bound,
            process_request=self._answer,
            compression=None,
            server_header=None,
            create_connection=_Line,
            open_timeout=None,  # it would also cut answers off
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_MESSAGE_BYTES,
            max_queue=MAX_QUEUED_MESSAGES,
            logger=_make_silent_logger(),
        )

    # Requests

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answers a request; None lets a socket open."""
        host = _find_header(request, "Host")
        try:
            path = urlsplit(request.path).path
        except ValueError:
            return make_text_response(400, NO_ADDRESS)
        is_socket = path in SOCKETS
        refusal = self._gate.judge(
            request.path, host=host, origin=_find_header(request, "Origin"), is_socket=is_socket
        )
        if refusal is not None or host is None:
            status, line = (400, "") if refusal is None else (refusal.status, refusal.line)
            return make_text_response(status, line)
        if not is_socket:
            connection.close_timeout = FILE_TIMEOUT_S
        if is_socket:
            if path == "/events" and self._visits.feed is None:
                return make_text_response(404, "This server reads no camera or video.", host=host)
            if self._count >= MAX_VISITORS:
                return make_text_response(503, FULL, host=host)
            return None
        if path == "/health":
            return make_json_response(self._describe_health(), host=host)
        if path.startswith(PREFIX):
            file = self._visits.downloads.find(path)
            if file is not None:
                if len(self._downloads) >= MAX_DOWNLOADS:
                    return make_text_response(503, "Too many files are fetched now.", host=host)
                self._downloads.add(connection)
                connection.connection_lost_waiter.add_done_callback(
                    lambda _: self._downloads.discard(connection)
                )
                connection.close_timeout = DOWNLOAD_TIMEOUT_S
                with contextlib.suppress(OSError):  # its visitor is leaving at this moment
                    return await asyncio.to_thread(make_download_response, file, host=host)
        static = find_static(path)
        if static is None:
            return make_text_response(404, "There is nothing here.", host=host)
        known = _find_header(request, "If-None-Match")
        return make_file_response(static, host=host, known_tag=known)

    def _describe_health(self) -> Json:
        feed = self._visits.feed
        frames = None if feed is None else feed.frames
        return {"status": "ok", "visitors": self._count, "frames": frames}

    # Sockets

    async def _handle(self, connection: ServerConnection) -> None:
        if self._count >= MAX_VISITORS:  # several came at the same moment
            await connection.close(1013, FULL)
            return
        self._count += 1
        try:
            _limit_buffers(connection)
            request = connection.request
            if request is not None and urlsplit(request.path).path == "/events":
                await self._send_events(connection)
            else:
                await Visitor(self._visits, connection).stay()
        finally:
            self._count -= 1
            if not self._is_to_tidy:
                self._is_to_tidy = True
                connection.loop.call_later(TIDY_DELAY_S, self._tidy, connection.loop)

    def _tidy(self, loop: asyncio.AbstractEventLoop) -> None:
        """Gives memory back, once for all who have left meanwhile."""
        self._is_to_tidy = False
        loop.run_in_executor(None, give_memory_back)

    async def _send_events(self, connection: ServerConnection) -> None:
        feed = self._visits.feed
        assert feed is not None  # `_answer` refuses the socket
        outbox = Outbox(asyncio.get_running_loop())
        feed.add_program(outbox)
        tasks = [
            asyncio.create_task(send_all(connection, outbox)),
            asyncio.create_task(_refuse_messages(connection)),
        ]
        try:  # a program also leaves while no frame comes
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            feed.remove(outbox)
            outbox.close()
            for task in tasks:
                task.cancel()


async def _refuse_messages(connection: ServerConnection) -> None:
    """Waits until the connection closes, and closes it at the first message."""
    with contextlib.suppress(ConnectionClosed):
        await connection.recv()
        await connection.close(READ_ONLY, "This stream takes no messages.")


def _limit_buffers(connection: ServerConnection) -> None:
    line = connection.transport.get_extra_info("socket")
    if line is not None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def _find_header(request: Request, name: str) -> str | None:
    """Returns a header that is there once; None for none, and for several of them, of which a
    proxy and this server may take different ones."""
    values = request.headers.get_all(name)
    return values[0] if len(values) == 1 else None


def _make_silent_logger() -> logging.Logger:
    """Makes a logger that writes nothing: broken handshakes come from anywhere, and stderr belongs
    to the run."""
    logger = logging.Logger("page server", logging.CRITICAL)
    logger.addHandler(logging.NullHandler())
    return logger


def make_visits_folder() -> Path:
    """Makes the folder of the visitors' files, which only this user may read."""
    return Path(tempfile.mkdtemp(prefix="expressions-page-"))


def make_page_url(
    sockets: Sequence[socket.socket], address: ServeAddress, token: str | None
) -> str:
    """Words the address of the page, with the port that was bound and with the token."""
    port = sockets[0].getsockname()[1]
    query = f"?{urlencode({'token': token})}" if token is not None else ""
    return f"http://{ServeAddress(name_host(address), port)}/{query}"


def name_host(address: ServeAddress) -> str:
    """Names a host by which the page can be reached: for a server of all addresses, this machine's
    own."""
    if address.host not in ("0.0.0.0", "::"):
        return address.host
    return find_own_ip() or ("127.0.0.1" if address.host == "0.0.0.0" else "::1")


def find_own_ip(
    make_socket: Callable[[int, int], socket.socket] = socket.socket,
) -> str | None:
    """Finds the address of this machine in its network, without sending anything; None for none."""
    with make_socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of documentation (RFC 5737); UDP sends nothing yet
        except OSError:
            return None
        name: str = probe.getsockname()[0]
        return name
