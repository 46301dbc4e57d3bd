"""Cameras in the network, small enough for tests: MJPEG over HTTP and H.264 over RTSP."""

import base64
import contextlib
import http.server
import re
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
import cv2
from av.video.frame import VideoFrame

from tests.support.synthetic import level_picture

USER, PASSWORD = "me", "s3cret"
LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SIZE_WH = (64, 48)
PAUSE_S = 0.02


class HttpCamera(http.server.BaseHTTPRequestHandler):
    """`/N`: N pictures and an end; `/login/N` the same for who has the password, and
    `/TYPE/N` with another type than "image_jpeg" ("none": without any), "_" for "/". `/hang` says
    nothing, `/text` something else, `/junk` a picture and then parts that are none, without end,
    `/away` leads to `SERVER.away`."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        words = self.path.partition("?")[0].strip("/").split("/")
        if words[0] == "login" and self.headers.get("Authorization") != LOGIN:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
        elif words[0] == "hang":
            self.server.ended.wait(20)
        elif words[0] == "junk":
            self._film_junk()
        elif words[0] == "text":
            self._answer("text/plain", b"Not a picture.\n" * 99)
        elif words[0] == "list":
            self._answer("application/vnd.apple.mpegurl", b"#EXTM3U\n#EXTINF:1,\n/9\n")
        elif words[0] == "stream":
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            self.wfile.write(self.server.stream)
        elif words[0] == "away":
            self.send_response(302)
            self.send_header("Location", self.server.away)
            self.end_headers()
        elif words[-1].isdigit():
            self._film(int(words[-1]), words[0].replace("_", "/") if words[1:] else "")
        else:
            self.send_error(404)

    def _answer(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if content:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _film_junk(self) -> None:
        self._answer("multipart/x-mixed-replace; boundary=frame", b"")
        part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\nno jpeg!!\r\n"
        jpeg = cv2.imencode(".jpg", level_picture(0, SIZE_WH))[1].tobytes()
        first = part.replace(b"no jpeg!!", jpeg).replace(b" 9", f" {len(jpeg)}".encode())
        with contextlib.suppress(OSError):
            self.wfile.write(first)
            while not self.server.ended.wait(PAUSE_S):
                self.wfile.write(part)

    def _film(self, count: int, kind: str) -> None:
        kind = f"Content-Type: {kind if '/' in kind else 'image/jpeg'}\r\n" * (kind != "none")
        self._answer("multipart/x-mixed-replace; boundary=frame", b"")
        for index in range(count):
            size_wh = SIZE_WH if index < 30 else (96, 80)
            jpeg = cv2.imencode(".jpg", level_picture(index, size_wh))[1].tobytes()
            head = f"--frame\r\n{kind}Content-Length: {len(jpeg)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + jpeg + b"\r\n")
            except OSError:  # who watched has gone
                return
            if self.server.ended.wait(PAUSE_S):
                return


@contextmanager
def http_camera() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), HttpCamera) as server:
        server.daemon_threads = True
        server.asked, server.away, server.stream = [], "", b""
        server.ended = threading.Event()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()


def h264_pictures(count: int) -> list[list[bytes]]:
    """The NAL units of `count` key frames."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = SIZE_WH
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 25)
    encoder.options = {"tune": "zerolatency", "x264-params": "keyint=1:slice-max-size=1200"}
    packets = []
    for index in range(count):
        picture = VideoFrame.from_ndarray(level_picture(index, SIZE_WH), format="bgr24")
        picture.pts = index
        packets += encoder.encode(picture.reformat(format="yuv420p"))
    packets += encoder.encode(None)
    return [re.split(rb"\x00\x00\x00?\x01", bytes(packet))[1:] for packet in packets]


class RtspCamera(socketserver.StreamRequestHandler):
    """Plays its server's `pictures` once, over the connection that asked, to who has the
    password."""

    def handle(self) -> None:
        while request := self._request():
            method, _, headers = request
            self.server.asked.append(method)
            number = f"CSeq: {headers['cseq']}\r\n"
            if method == "DESCRIBE" and headers.get("authorization") != LOGIN:
                self._answer("401 Unauthorized", number, 'WWW-Authenticate: Basic realm="c"\r\n')
            elif method == "DESCRIBE":
                self._answer("200 OK", number, "Content-Type: application/sdp\r\n", self._sdp())
            elif method == "SETUP":
                more = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
                self._answer("200 OK", number, more)
            else:
                self._answer("200 OK", number, "Session: 1\r\nPublic: DESCRIBE, SETUP, PLAY\r\n")
            if method == "PLAY":
                self._play()
                return

    def _request(self) -> tuple[str, str, dict[str, str]] | None:
        first = self.rfile.readline().decode().split()
        if len(first) < 2:
            return None
        headers = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return first[0], first[1], headers

    def _answer(self, status: str, number: str, more: str, body: str = "") -> None:
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self.wfile.write(f"RTSP/1.0 {status}\r\n{number}{more}{length}\r\n{body}".encode())

    def _sdp(self) -> str:
        sets = [unit for unit in self.server.pictures[0] if unit[0] & 31 in (7, 8)]
        texts = ",".join(base64.b64encode(unit).decode() for unit in sets)
        return (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
            "a=rtpmap:96 H264/90000\r\n"
            f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={texts}\r\na=control:track\r\n"
        )

    def _play(self) -> None:
        sequence = 0
        for index, units in enumerate(self.server.pictures):
            for place, unit in enumerate(units):
                last = 128 if place == len(units) - 1 else 0
                packet = struct.pack(">BBHII", 128, 96 | last, sequence, 3600 * index, 7) + unit
                sequence += 1
                try:
                    self.wfile.write(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                except OSError:
                    return
            time.sleep(PAUSE_S)


@contextmanager
def rtsp_camera(count: int) -> Iterator[socketserver.ThreadingTCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), RtspCamera) as server:
        server.daemon_threads = True
        server.asked, server.pictures = [], h264_pictures(count)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
