"""Plays a film as a network camera does: `python -m tools.film_server FILM`

Prints the address, which serves the film again and again at 30 frames a second to one client after
the other: JPEGs in parts (as MJPEG cameras do) or bare H.264, without encoding anything. A client
that reads too slowly loses pictures: pictures that are `MAX_LATE_S` late are left out, of H.264 up
to the next key frame. `ADDRESS/times` lists [number, time.monotonic()] of every picture that was
sent to the latest client; the time is that at which the picture was due.
"""

import contextlib
import http.server
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext
from av.video.stream import VideoStream

from app.defaults import ROOT
from app.errors import DataError

FPS = 30
# Of pictures that depend on those before, some lateness is made up for; the others need not wait.
MAX_LATE_S = {"mjpeg": 1 / FPS, "h264": 1.0}
SEND_BUFFER_BYTES = 1 << 18  # small, so that a slow client is noticed soon
START_S = 20.0  # for the server to begin
Packet = tuple[bool, bytes]  # whether it can be decoded alone, content


def loop_packets(film: Path) -> Iterator[Packet]:
    """Yields the packets of a film again and again, H.264 with start codes."""
    while True:
        with av.open(str(film)) as container:
            stream: VideoStream = container.streams.video[0]
            is_h264 = stream.codec_context.name == "h264"
            convert = BitStreamFilterContext("h264_mp4toannexb", stream) if is_h264 else None
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                for ready in convert.filter(packet) if convert else [packet]:
                    yield bool(ready.is_keyframe), bytes(ready)


def find_codec(film: Path) -> str:
    """Returns libav's name of a film's codec. Raises `DataError` for one that is not served."""
    with av.open(str(film)) as container:
        name = container.streams.video[0].codec_context.name
    if name not in MAX_LATE_S:
        raise DataError(f"{film} is {name}; only {' and '.join(MAX_LATE_S)} are served.")
    return name


class FilmServer(http.server.ThreadingHTTPServer):
    """Serves one film. `times` are those of the latest client."""

    daemon_threads = True

    def __init__(self, film: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.film = film
        self.codec = find_codec(film)
        self.times: list[tuple[int, float]] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: FilmServer

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        """Answers one client."""
        if self.path.endswith("/times"):
            content = json.dumps(self.server.times).encode()
            self._begin("application/json", len(content))
            self.wfile.write(content)
            return
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        is_mjpeg = self.server.codec == "mjpeg"
        self._begin("multipart/x-mixed-replace; boundary=frame" if is_mjpeg else "video/h264")
        with contextlib.suppress(OSError):  # the client has gone
            self._play(is_mjpeg)

    def _begin(self, kind: str, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _play(self, is_mjpeg: bool) -> None:
        times = self.server.times = []
        max_late_s = MAX_LATE_S[self.server.codec]
        began_s, skipping = time.monotonic(), False
        for number, (is_key, content) in enumerate(loop_packets(self.server.film)):
            due_s = began_s + number / FPS
            wait_s = due_s - time.monotonic()
            if wait_s < -max_late_s:
                skipping = True
            elif is_key:
                skipping = False
            if skipping:
                continue
            if wait_s > 0:
                time.sleep(wait_s)
            times.append((number, due_s))
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
            self.wfile.write(head.encode() + content + b"\r\n" if is_mjpeg else content)


class RunningServer:
    """A server in another process. `address` is what a client opens."""

    def __init__(self, address: str) -> None:
        self.address = address

    def read_times(self) -> list[tuple[int, float]]:
        """Returns number and due time of every picture that was sent."""
        with urllib.request.urlopen(f"{self.address}times", timeout=START_S) as answer:
            return [(int(number), float(due_s)) for number, due_s in json.load(answer)]


@contextmanager
def serve_film(film: Path) -> Iterator[RunningServer]:
    """Serves a film in another process until the end. Raises `DataError` where it does not
    begin."""
    words = [sys.executable, "-m", "tools.film_server", str(film)]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                raise DataError(f"The server of {film} does not begin.")
            yield RunningServer(address)
        finally:
            process.kill()


def main() -> int:
    """Serves a film until the process is ended."""
    with FilmServer(Path(sys.argv[1])) as server:
        print(f"http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
