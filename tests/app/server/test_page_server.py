"""The server through real sockets on loopback."""

import hashlib
import json
import socket
import struct
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from app.defaults import PORTRAIT_CLIP
from app.errors import SinkError
from app.records.writers import RecordsSink
from app.server.limits import MAX_MESSAGE_BYTES, MAX_PICTURE_BYTES, MAX_VISITORS
from app.server.page_server import OPEN_TIMEOUT_S
from app.sources.video import VideoSource
from app.types import Image
from tests.app.server.conftest import WAIT_S, Served, read_until

Serve = Callable[..., Served]


def watch(client: ClientConnection, source: str) -> None:
    client.send(json.dumps({"type": "watch", "source": source}))
    while read_until(client, "state")["source"] != (None if source == "none" else source):
        pass


def read_all(client: ClientConnection) -> None:
    while True:
        client.recv(WAIT_S)


def press(client: ClientConnection, action: str) -> None:
    client.send(json.dumps({"type": "key", "action": action}))


def pack_picture(sequence: int, time_s: float, image: Image) -> bytes:
    jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    return struct.pack("<BId", 1, sequence, time_s) + jpeg


def fetch(served: Served, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(f"http{served.url[2:]}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


@pytest.fixture(scope="module")
def demo_images() -> list[Image]:
    with VideoSource(PORTRAIT_CLIP) as source:
        return [frame.image for frame, _ in zip(source, range(12), strict=False)]


def test_a_page_is_told_what_it_needs_and_gets_frames_with_their_pictures(serve: Serve) -> None:
    served = serve()
    with served.open() as client:
        hello = json.loads(client.recv(WAIT_S))
        assert hello["type"] == "hello"
        assert hello["labels"] == list(served.labels)
        assert hello["colours"]["happiness"] == "#f0e442"
        assert hello["server_camera"] == {"name": "camera", "size": None, "fps": None}
        watch(client, "server")
        served.show(0)
        event = read_until(client, "frame")
        assert (event["frame"], event["sequence"], event["has_picture"]) == (0, None, True)
        assert event["faces"][0]["label"] == served.labels[0]
        jpeg = client.recv(WAIT_S)
        assert cv2.imdecode(as_codes(jpeg), cv2.IMREAD_COLOR).shape == (48, 64, 3)


def as_codes(data: bytes) -> Image:
    return np.frombuffer(data, np.uint8)


def test_programs_get_one_event_a_frame_and_learn_what_they_missed(serve: Serve) -> None:
    served = serve()
    with served.open("/events") as client:
        wait_for(lambda: served.server.visitors == 1)
        time.sleep(0.05)
        for index in range(200):
            served.show(index)
        frames, missed = [], 0
        while not frames or frames[-1] != 199:
            message = json.loads(client.recv(WAIT_S))
            if message["type"] == "missed":
                missed += message["frames"]
            else:
                frames.append(message["frame"])
        assert frames == sorted(set(frames))
        assert missed + len(frames) == 200
        assert "sequence" not in message
        assert message["faces"][0]["landmarks"]["nose_tip"] == [24.0, 26.56]


def wait_for(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_the_browsers_pictures_are_read_and_each_is_answered(
    serve: Serve, demo_images: list[Image]
) -> None:
    served = serve(with_source=False)
    with served.open() as client:
        watch(client, "browser")
        for sequence, image in enumerate(demo_images[:8], 100):
            client.send(pack_picture(sequence, 5 + sequence / 25, image))
            event = read_until(client, "frame")
            assert event["sequence"] == sequence
            assert event["has_picture"] is False
            assert event["size"] == [640, 480]
        assert event["faces"][0]["label"] in (*served.labels, "unsure")
        assert event["time_s"] == pytest.approx(5 + 107 / 25)


def test_blur_comes_back_as_a_covered_picture(serve: Serve, demo_images: list[Image]) -> None:
    served = serve(with_source=False)
    with served.open() as client:
        press(client, "blur")
        watch(client, "browser")
        client.send(pack_picture(1, 0.0, demo_images[0]))
        event = read_until(client, "frame")
        assert event["has_picture"] is True
        shown = cv2.imdecode(as_codes(client.recv(WAIT_S)), cv2.IMREAD_COLOR)
        face = event["faces"][0]
        x0, y0 = int(face["x"]), int(face["y"])
        part = (slice(y0, y0 + int(face["height"])), slice(x0, x0 + int(face["width"])))
        sharp = cv2.Laplacian(demo_images[0][part], cv2.CV_64F).var()
        assert cv2.Laplacian(shown[part], cv2.CV_64F).var() < sharp / 4


def test_switches_of_one_visitor_are_not_anothers(serve: Serve) -> None:
    served = serve(with_source=False)
    with served.open() as one, served.open() as other:
        watch(one, "browser")
        watch(other, "browser")
        press(one, "map")
        press(one, "calm")
        while not read_until(one, "state")["map"]:
            pass
        other_state = read_until(other, "state")
        assert (other_state["map"], other_state["smoothing_s"]) == (False, 0.5)


def test_the_blur_of_the_server_cannot_be_switched_off(serve: Serve) -> None:
    served = serve(blur=True)
    with served.open() as client:
        watch(client, "server")
        press(client, "blur")
        assert "--blur" in str(read_until(client, "say")["message"])
        assert served.feed.take_actions() == []
        press(client, "map")
        wait_for(lambda: served.feed.take_actions() == ["map"])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("no json", 1008),
        ("[]", 1008),
        ('{"type": "watch", "source": "elsewhere"}', 1008),
        ('{"type": "key", "action": "quit"}', 1008),
        ('{"type": "file", "name": "a", "bytes": true, "kind": "video"}', 1008),
        ('{"type": "file", "name": "a", "bytes": 9, "kind": "video", "number": "x"}', 1008),
        ('{"type": "file", "name": "a", "bytes": 99999999999, "kind": "video"}', 1009),
        ("[" * 60_000, 1008),
        ('{"a": "' + "b" * 70_000 + '"}', 1009),
        (b"", 1008),
        (b"\x07abc", 1008),
        (struct.pack("<BId", 1, 0, 0.0) + b"no jpeg", 1008),
        (struct.pack("<BId", 1, 0, float("nan")) + b"\xff\xd8\xff", 1008),
        (struct.pack("<BId", 1, 0, 0.0) + b"\xff\xd8" * (MAX_PICTURE_BYTES // 2 + 1), 1009),
        (b"\x02" * (MAX_MESSAGE_BYTES + 1), 1009),
    ],
)
def test_a_bad_message_closes_its_visitor_alone(serve: Serve, data: str | bytes, code: int) -> None:
    served = serve()
    with served.open() as bad, served.open() as good:
        watch(good, "server")
        watch(bad, "browser")
        bad.send(data)
        with pytest.raises(ConnectionClosed) as closed:
            read_all(bad)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code
        assert closed.value.rcvd.reason or code == 1009
        served.show(0)
        assert read_until(good, "frame")["frame"] == 0


def test_a_jpeg_that_cannot_be_decoded_closes_its_visitor(
    serve: Serve, demo_images: list[Image]
) -> None:
    served = serve()
    with served.open() as bad:
        watch(bad, "browser")
        whole = pack_picture(1, 0.0, demo_images[0])
        bad.send(whole[:300])
        with pytest.raises(ConnectionClosed) as closed:
            read_all(bad)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "A picture is a JPEG that can be decoded."


def test_a_stalled_visitor_delays_nobody_and_is_told_what_it_missed(serve: Serve) -> None:
    served = serve()
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)  # 250 KB as JPEG
    with served.open(max_queue=1, close_timeout=1) as stalled, served.open() as live:
        watch(stalled, "server")
        watch(live, "server")
        got = []
        for index in range(120):
            served.show(index, noise)
            event = read_until(live, "frame")
            got.append(event["frame"])
        assert got == list(range(120))
        events = missed = 0
        last = -1
        while last != 119:
            data = stalled.recv(WAIT_S)
            message = json.loads(data) if isinstance(data, str) else {"type": "jpeg"}
            if message["type"] == "missed":
                missed += message["frames"]
            elif message["type"] == "frame":
                events += 1
                last = message["frame"]
        assert events + missed == 120
        assert events < 60


def test_a_visitor_who_takes_nothing_gives_the_place_back(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.server.sending.SEND_TIMEOUT_S", 0.2)
    served = serve()
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)  # 250 KB as JPEG
    with served.open(max_queue=1, close_timeout=1) as stalled, served.open() as idle:
        watch(stalled, "server")
        read_until(idle, "hello")
        until_s = time.monotonic() + WAIT_S
        index = 0
        while served.server.visitors == 2 and time.monotonic() < until_s:
            served.show(index, noise)
            index += 1
            time.sleep(0.005)
        assert served.server.visitors == 1


def test_records_equal_the_events_that_were_sent(serve: Serve) -> None:
    served = serve()
    with served.open() as client:
        watch(client, "server")
        press(client, "record")
        while read_until(client, "state")["recording"] is None:
            pass
        events = []
        for index in range(30):
            served.show(index)
            events.append(read_until(client, "frame"))
        press(client, "record")
        files = {str(one["name"]): one for one in read_until(client, "recording")["files"]}
        kinds = [".csv", ".csv", ".json", ".jsonl", ".vtt"]
        assert sorted(Path(name).suffix for name in files) == kinds
        (rows,) = (one for name, one in files.items() if name.endswith(".jsonl"))
        status, headers, body = fetch(served, rows["url"])
        assert status == 200
        assert headers["Content-Disposition"].startswith("attachment")
        assert len(body) == rows["bytes"]
        recorded = [json.loads(line) for line in body.splitlines()]
    names = ("frame", "time_s", "source")
    around = {"source", "frame", "time_s", "schema"}
    for row, event in zip(recorded, events, strict=True):
        assert [row[name] for name in names] == [event[name] for name in names]
        (face,) = event["faces"]
        assert {name: value for name, value in row.items() if name not in around} == face
    wait_for(lambda: not any(served.folder.iterdir()))
    assert fetch(served, rows["url"])[0] == 404


@pytest.mark.slow
def test_a_dropped_video_is_read_with_its_own_times(serve: Serve, tmp_path: Path) -> None:
    content = PORTRAIT_CLIP.read_bytes()
    served = serve(with_source=False)
    with served.open() as client:
        offer = {"type": "file", "name": "../a b.mp4", "bytes": len(content), "kind": "video"}
        client.send(json.dumps(offer))
        assert read_until(client, "file")["state"] == "reading"
        for at in range(0, len(content), 1 << 20):
            client.send(b"\x02" + content[at : at + (1 << 20)])
        times = []
        while True:
            message = json.loads(client.recv(WAIT_S))
            if message["type"] == "frame":
                times.append(message["time_s"])
                assert (message["file"], message["source"]) == (True, "a b.mp4")
            elif message["type"] == "file" and message["state"] != "reading":
                break
        assert (message["state"], message["message"]) == ("done", "240 frames read.")
        assert times == pytest.approx([index / 25 for index in range(240)])
        *_, told = message["files"]
        assert told["name"] == "a b_expressions.run.json"
        _, headers, body = fetch(served, told["url"])
        assert headers["Content-Type"] == "application/json"
        notes = json.loads(body)
        (file,) = notes["input"]["files"]
        assert file == {
            "name": "a b.mp4",
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
        }
        assert notes["counts"]["frames"] == 240
        assert notes["settings"]["end"] == 300.0


@pytest.mark.parametrize(
    ("kind", "content", "line"),
    [
        ("picture", b"no picture at all", "a.png"),
        ("video", b"no video at all", "a.png"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(
    serve: Serve, kind: str, content: bytes, line: str
) -> None:
    served = serve(with_source=False)
    with served.open() as client:
        offer = {"type": "file", "name": "a.png", "bytes": len(content), "kind": kind}
        client.send(json.dumps(offer))
        client.send(b"\x02" + content)
        while (told := read_until(client, "file"))["state"] == "reading":
            pass
        assert told["state"] == "failed"
        assert line in str(told["message"])
        assert "/" not in str(told["message"])
        watch(client, "browser")  # the visitor stays


def test_a_cancelled_file_makes_room_for_the_next(serve: Serve) -> None:
    served = serve(with_source=False)
    with served.open() as client:
        offer = {"type": "file", "name": "a.mp4", "bytes": 1000, "kind": "video"}
        for number in (7, None):
            client.send(json.dumps(offer | {"number": number}))
            told = read_until(client, "file")
            assert (told["state"], told["number"]) == ("reading", number)
            client.send(b"\x02abc")
            client.send(json.dumps({"type": "cancel"}))
            told = read_until(client, "file")
            assert (told["state"], told["message"]) == ("failed", "Cancelled.")
            assert told["number"] == number


def test_a_recording_that_cannot_be_written_is_one_line_and_the_visit_goes_on(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: RecordsSink, *_: object) -> None:
        raise SinkError(f"{self.path} could not be written: No space left on device.")

    served = serve()
    with served.open() as client:
        watch(client, "server")
        press(client, "record")
        while read_until(client, "state")["recording"] is None:
            pass
        monkeypatch.setattr(RecordsSink, "write", fail)
        for index in range(20):
            served.show(index)
            time.sleep(0.02)
        line = str(read_until(client, "error")["message"])
        assert line.startswith("The recording is lost: expressions_")
        assert "/" not in line
        while read_until(client, "state")["recording"] is not None:
            pass
        wait_for(lambda: not list(served.folder.glob("*/*")))
        served.show(999)
        while read_until(client, "frame")["frame"] != 999:
            pass


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/health", {}, 200),
        ("/health", {"Host": "evil.example"}, 421),
        ("/health", {"Host": "evil.example:80@localhost"}, 421),
        ("/../../pyproject.toml", {}, 404),
        ("/static/../gate.py", {}, 404),
        ("/static/%2e%2e/gate.py", {}, 404),
        ("/recordings/a/b", {}, 404),
        ("/nothing", {}, 404),
    ],
)
def test_requests_are_answered_with_safe_headers(
    serve: Serve, path: str, headers: dict[str, str], status: int
) -> None:
    got, sent, body = fetch(serve(), path, **headers)
    assert got == status
    assert sent["Content-Security-Policy"].startswith("default-src 'self';")
    assert (sent["X-Content-Type-Options"], sent["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert b"def " not in body


@pytest.mark.parametrize(
    ("path", "origin", "is_let_in"),
    [
        ("/ws", None, True),
        ("/ws", "http://HOST", True),
        ("/ws", "http://evil.example", False),
        ("/ws", "null", False),
        ("/ws", "https://friend.example", False),
        ("/events", "https://friend.example", True),
        ("/events", "https://friend.example.evil.example", False),
        ("/events", "http://evil.example", False),
    ],
)
def test_only_pages_of_this_server_open_sockets(
    serve: Serve, path: str, origin: str | None, is_let_in: bool
) -> None:
    served = serve(origins=("https://friend.example",))
    here = origin and origin.replace("HOST", served.url.removeprefix("ws://"))
    try:
        with served.open(path, origin=here):
            opened = True
    except InvalidStatus as refused:
        opened = refused.response.status_code != 403
    assert opened is is_let_in


def test_another_host_wants_the_token(serve: Serve) -> None:
    served = serve(host="0.0.0.0", token="s3cret")
    assert fetch(served, "/")[0] == 403
    assert fetch(served, "/health")[0] == 200
    for query in ("", "?token=", "?token=s3cres", "?token=%ff"):
        with pytest.raises(InvalidStatus), served.open(f"/ws{query}"):
            pass
    with served.open("/ws?token=s3cret") as client:
        assert json.loads(client.recv(WAIT_S))["type"] == "hello"


def test_no_more_visitors_than_there_is_room_for(serve: Serve) -> None:
    served = serve()
    with ExitStack() as stack:
        for _ in range(MAX_VISITORS - 1):
            stack.enter_context(served.open())
        with served.open("/events"):
            with pytest.raises(InvalidStatus) as refused, served.open():
                pass
            assert refused.value.response.status_code == 503
        wait_for(lambda: served.server.visitors == MAX_VISITORS - 1)
        with served.open() as client:
            assert json.loads(client.recv(WAIT_S))["type"] == "hello"


def test_memory_is_given_back_once_for_visitors_who_left_together(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    monkeypatch.setattr("app.server.page_server.TIDY_DELAY_S", 0.5)
    served = serve()
    monkeypatch.setattr(
        "app.server.page_server.give_memory_back", lambda: given.append(served.server.visitors)
    )
    with served.open(), served.open(), served.open("/events"):
        wait_for(lambda: served.server.visitors == 3)
        assert given == []
    wait_for(lambda: bool(given))
    assert given == [0]
    with served.open():
        pass
    wait_for(lambda: len(given) == 2)


def test_the_end_of_the_server_is_told_and_leaves_nothing(serve: Serve) -> None:
    served = serve()
    with served.open() as client:
        watch(client, "server")
        press(client, "record")
        while read_until(client, "state")["recording"] is None:
            pass
        served.server.close()
        with pytest.raises(ConnectionClosed) as closed:
            read_all(client)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
    assert not served.folder.exists()


@pytest.mark.slow
def test_a_recording_reaches_a_slow_line_whole(serve: Serve, tmp_path: Path) -> None:
    served = serve()
    file = tmp_path / "r.jsonl"
    content = np.random.default_rng(0).bytes(24 << 20)
    file.write_bytes(content)
    _, (offer,) = served.downloads.add([file])
    with urllib.request.urlopen(f"http{served.url[2:]}{offer['url']}", timeout=WAIT_S) as answer:
        got = b""
        while part := answer.read(4 << 20):
            got += part
            time.sleep(1.1)
    assert got == content


@pytest.mark.slow
def test_a_connection_without_a_request_is_cut(serve: Serve) -> None:
    served = serve()
    host, port = served.url.removeprefix("ws://").split(":")
    with socket.create_connection((host, int(port)), timeout=WAIT_S) as line:
        line.sendall(b"GET / HT")
        began_s = time.monotonic()
        assert line.recv(10) == b""
    assert time.monotonic() - began_s < 2 * OPEN_TIMEOUT_S
