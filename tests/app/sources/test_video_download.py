"""Videos on servers: copied as long as they are read, or read as they come."""

import contextlib
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.batch.annotate import annotate
from app.errors import SourceError
from app.outputs.run_metadata import hash_file
from app.runs.networks import LoadedNetworks
from app.runs.plan import OutputPaths, RunPlan, VideoInput
from app.sources import packet_decoder, video_download
from app.sources.camera_address import parse_address
from app.sources.remote_video import WebVideo, parse_video
from app.sources.stream_container import open_stream
from app.sources.video import NO_HASH, VideoSource
from app.sources.video_download import fetch_copy
from tests.support.servers import LOGIN, http_camera, rtsp_camera
from tests.support.synthetic import write_video


class Files(http.server.BaseHTTPRequestHandler):
    """`/clip.mp4` is the server's content, `/short.mp4` ends early, `/locked.mp4` wants a password,
    `/away` leads to a file of this machine. `/drip.mp4` sends its header for ever, `/continue.mp4`
    asks to go on for ever, `/slow.mp4` sends a byte now and then."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        content: bytes = self.server.content  # type: ignore[attr-defined]
        name = self.path.partition("?")[0]
        if name == "/locked.mp4" and self.headers.get("Authorization") != LOGIN:
            self.send_error(401)
        elif name == "/away":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
        elif name == "/slow.mp4":
            self.send_response(200)
            self.send_header("Content-Length", "99999")
            self.end_headers()
            self._repeat(b"x")
        elif name == "/drip.mp4":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            self._repeat(b"x")
        elif name == "/continue.mp4":
            self._repeat(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif name.endswith(".mp4") and name != "/none.mp4":
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if "short" in name else content)
        else:
            self.send_error(404)

    def _repeat(self, part: bytes) -> None:
        with contextlib.suppress(OSError):  # until who asked has gone, or long enough
            for _ in range(200):
                self.wfile.write(part)
                time.sleep(0.02)


@contextmanager
def server(content: bytes) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as files:
        files.content = content  # type: ignore[attr-defined]
        thread = threading.Thread(target=files.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{files.server_port}"
        finally:
            files.shutdown()
            thread.join()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_video(tmp_path / "clip.mp4", frames=8, sound="aac")
    return tmp_path / "clip.mp4"


def read(text: str, folder: Path, blind_networks: LoadedNetworks) -> tuple[Any, dict[str, Any]]:
    video = parse_video(text)
    assert isinstance(video, WebVideo)
    outputs = OutputPaths(folder / "out.mp4", folder / "out.jsonl")
    settings = {"video": [str(video)]}
    plan = RunPlan(VideoInput(Path(video.name), video), outputs, settings=settings, command=[text])
    outcome = annotate(plan, blind_networks, stop=lambda: False)
    return outcome, json.loads((folder / "out.run.json").read_text())


def test_file_on_a_server_is_read_as_one_here(
    clip: Path, tmp_path: Path, blind_networks: LoadedNetworks
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with server(clip.read_bytes()) as host:
        outcome, notes = read(f"http://me:s3cret@{host}/locked.mp4?k=1", folder, blind_networks)
    assert (outcome.frames, outcome.cut_short) == (8, None)
    assert notes["input"]["files"] == [
        {"name": "locked.mp4", "sha256": hash_file(clip), "bytes": clip.stat().st_size}
    ]
    assert notes["input"]["stream"]["has_audio"]
    assert "s3cret" not in json.dumps(notes)
    rows = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert {row["source"] for row in rows} == {"locked.mp4"}
    names = ["out.jsonl", "out.mp4", "out.run.json"]
    assert sorted(one.name for one in folder.iterdir()) == names


def test_streams_are_read_to_their_end_and_have_no_hash(
    tmp_path: Path, blind_networks: LoadedNetworks
) -> None:
    for number, (kind, count) in enumerate((("http", 6), ("rtsp", 8))):
        folder = tmp_path / str(number)
        folder.mkdir()
        with http_camera() as one, rtsp_camera(count) as other:
            addresses = {
                "http": f"http://127.0.0.1:{one.server_port}/6",
                "rtsp": f"rtsp://me:s3cret@127.0.0.1:{other.server_address[1]}/live",
            }
            outcome, notes = read(addresses[kind], folder, blind_networks)
        assert 0 < outcome.frames <= count
        (file,) = notes["input"]["files"]
        assert (file["sha256"], file["why"]) == (None, NO_HASH)
        assert "s3cret" not in json.dumps(notes)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/none.mp4", "has nothing at this path (HTTP 404)."),
        ("/locked.mp4", "asks for another user name or password (HTTP 401)."),
        ("/short.mp4", "bytes."),
        ("/away", "leads on to another kind of address (HTTP 302)."),
    ],
)
def test_what_cannot_be_had_is_one_line(path: str, said: str, clip: Path, tmp_path: Path) -> None:
    with server(clip.read_bytes()) as host:
        video = parse_video(f"http://{host}{path}")
        with (
            pytest.raises(SourceError) as caught,
            fetch_copy(video, tmp_path / "out.mp4", stop=lambda: False),
        ):
            pass
    assert str(caught.value).startswith(f"http://{host}{path} ")
    assert said in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == ["clip.mp4"]


def test_two_runs_on_one_address_have_a_copy_each(clip: Path, tmp_path: Path) -> None:
    with server(clip.read_bytes()) as host:
        video = parse_video(f"http://{host}/talk.mp4")
        beside = tmp_path / "talk.jsonl"
        with fetch_copy(video, beside, stop=lambda: False) as one:
            assert one is not None
            with fetch_copy(video, beside, stop=lambda: False) as other:
                assert other is not None
                assert (one.name, other.name) == (".talk.fetched", ".talk.2.fetched")
                assert other.read_bytes() == clip.read_bytes()
            assert one.read_bytes() == clip.read_bytes()
            assert not other.exists()
    assert [one.name for one in tmp_path.iterdir()] == ["clip.mp4"]


def test_errors_name_the_address_and_not_the_copy(
    tmp_path: Path, blind_networks: LoadedNetworks
) -> None:
    with server(b"no video at all") as host, pytest.raises(SourceError) as caught:
        read(f"http://{host}/talk.mp4", tmp_path, blind_networks)
    assert str(caught.value) == "talk.mp4 is not a video, or is damaged beyond reading."


@pytest.mark.parametrize("path", ["/drip.mp4", "/continue.mp4"])
def test_server_that_never_comes_to_the_point_is_given_up(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_download, "ANSWER_S", 0.2)
    with server(b"") as host:
        video = parse_video(f"http://{host}{path}")
        with (
            pytest.raises(SourceError, match=r"sent no video within 0\.2 s\.$"),
            fetch_copy(video, tmp_path / "out.mp4", stop=lambda: False),
        ):
            pass


@pytest.mark.parametrize("path", ["/drip.mp4", "/continue.mp4", "/slow.mp4"])
def test_ctrl_c_ends_the_wait_for_a_server_at_once(path: str, tmp_path: Path) -> None:
    asked = iter([False, False])
    began_s = time.monotonic()
    with server(b"") as host:
        video = parse_video(f"http://{host}{path}")
        with fetch_copy(video, tmp_path / "out.mp4", stop=lambda: next(asked, True)) as copy:
            assert copy is None
    assert time.monotonic() - began_s < video_download.WAIT_S
    assert list(tmp_path.iterdir()) == []


def test_stream_without_a_further_picture_ends(
    tmp_path: Path, blind_networks: LoadedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packet_decoder, "MAX_PICTURELESS_S", 0.2)
    with http_camera() as camera:
        outcome, _ = read(f"http://127.0.0.1:{camera.server_port}/junk", tmp_path, blind_networks)
    assert (outcome.frames, outcome.interrupted) == (1, False)
    assert outcome.cut_short == "junk broke off or fell silent after 0.0 s."


def test_ctrl_c_ends_a_stream_without_a_further_picture(tmp_path: Path) -> None:
    asked = iter([False] * 4)
    with http_camera() as camera:
        address = parse_address(f"http://127.0.0.1:{camera.server_port}/junk")
        stream = open_stream(address, {})
        with VideoSource(tmp_path / "x", stream=stream, stop=lambda: next(asked, True)) as video:
            assert len(list(video)) == 1
            assert not video.finished


def test_nobody_there_and_silence_end_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_download, "WAIT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for said in ("sent nothing for 0.3 s|did not answer within 0.3 s", "Connection refused"):
            with (
                pytest.raises(SourceError, match=said),
                fetch_copy(
                    parse_video(f"http://127.0.0.1:{port}/a.mp4"),
                    tmp_path / "o",
                    stop=lambda: False,
                ),
            ):
                pass
            silent.close()
