"""Streams from the network: what is read, what is refused, and what nobody gets to see."""

import json
import socket
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from app.errors import SourceError
from app.outputs.run_metadata import RunNotes
from app.sources import network_stream as stream
from app.sources.camera_address import CameraAddress
from app.sources.camera_probe import probe_address
from app.sources.latest_frame import UnreachableError
from app.sources.network_stream import StreamFeed, StreamSource
from app.sources.stream_container import FORMATS, PROTOCOLS
from app.types import Frame, Silence
from tests.support.servers import PASSWORD, SIZE_WH, USER, http_camera, rtsp_camera
from tests.support.synthetic import index_of, write_turned_h264, write_video
from tests.support.tiny_model import tiny_contract


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with http_camera() as running:
        yield running


def address(server: Any, path: str, login: str = "", scheme: str = "http") -> CameraAddress:
    return CameraAddress(f"{scheme}://{login}127.0.0.1:{server.server_address[1]}{path}")


def open_feed(where: CameraAddress) -> StreamFeed:
    """A feed whose packets are never late, however busy the machine is."""
    return StreamFeed(where, clock=lambda: 0.0)


def read_all(feed: StreamFeed) -> tuple[list[np.ndarray], str]:
    """The pictures until it ends, and how it says that."""
    images = []
    while True:
        try:
            image = feed.read().make()
            if image is not None:
                images.append(image)
        except SourceError as error:
            feed.close()
            return images, str(error)


def test_mjpeg_over_http_is_read_picture_by_picture(server: Any) -> None:
    images, end = read_all(open_feed(address(server, "/33")))
    assert [image.shape[1::-1] for image in images[:29]] == [SIZE_WH] * 29
    assert images[-1].shape[1::-1] == (96, 80)  # the size may change at any time
    assert [index_of(image) for image in images[:29]] == [i % 16 for i in range(29)]
    assert images[0].dtype == np.uint8
    port = server.server_address[1]
    assert end.startswith(f"http://127.0.0.1:{port}/33 ")


def test_notes_tell_how_a_stream_is_sent(server: Any, tmp_path: Path) -> None:
    write_video(tmp_path / "wide.ts", frames=20, pixel_aspect=Fraction(2))
    server.stream = (tmp_path / "wide.ts").read_bytes()
    with StreamSource(address(server, "/stream")) as source:
        next(item for item in source if isinstance(item, Frame))
        facts, (remark,) = source.picture_facts, source.remarks
    assert (facts["size_wh"], facts["stored_size_wh"]) == ([128, 48], [64, 48])
    assert remark.endswith(
        "has pixels of 2:1, not square ones: it was read at 128 x 48 px, as players show it; "
        "coordinates are in these."
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["none", "image_jpg", "image_jpeg;charset=binary", "image_pjpeg"])
def test_parts_of_another_type_are_read_as_well(server: Any, kind: str) -> None:
    images, _ = read_all(open_feed(address(server, f"/{kind}/16")))
    assert [index_of(image) for image in images] == list(range(len(images)))
    assert len(images) >= 15
    assert images[0].shape == (*SIZE_WH[::-1], 3)


def test_h264_over_rtsp_is_read_with_its_password() -> None:
    with rtsp_camera(25) as camera:
        feed = open_feed(address(camera, "/live", f"{USER}:{PASSWORD}@", "rtsp"))
        images, end = read_all(feed)
        assert camera.asked[:4] == ["OPTIONS", "DESCRIBE", "DESCRIBE", "SETUP"]
    assert len(images) >= 20
    assert {image.shape for image in images} == {(*SIZE_WH[::-1], 3)}
    assert [index_of(image) for image in images] == [i % 16 for i in range(len(images))]
    assert PASSWORD not in end


def test_stream_that_gives_no_more_picture_is_given_up(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_PICTURELESS_S", 0.2)
    images, end = read_all(open_feed(address(server, "/junk")))
    assert len(images) == 1
    assert end.endswith("/junk sent data for 0.2 s, but no picture that can be decoded.")


def test_streams_are_turned_and_have_square_pixels(server: Any, tmp_path: Path) -> None:
    path = tmp_path / "clip.ts"
    write_turned_h264(path)
    write_video(tmp_path / "wide.ts", frames=6, pixel_aspect=Fraction(2))
    for file, size_wh in ((path, (48, 64)), (tmp_path / "wide.ts", (128, 48))):
        server.stream = file.read_bytes()
        images, _ = read_all(open_feed(address(server, "/stream")))
        assert [image.shape[1::-1] for image in images] == [size_wh] * 6
    server.stream = path.read_bytes()
    turned = read_all(open_feed(address(server, "/stream")))[0]
    for image in turned:  # the white block is stored at the top left
        assert image[5, -5].min() > 240
        assert image[-5, 5].max() < 100


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/login/9", "asks for another user name or password."),
        ("/nothing", "has nothing at this path."),
        ("/text", "sends something else than a video stream that is read here."),
        ("/list", "sends something else than a video stream that is read here."),
    ],
)
def test_what_is_no_stream_is_refused_at_once(server: Any, path: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        StreamFeed(address(server, path, "me:wr0ng@"))
    assert not isinstance(caught.value, UnreachableError)
    assert str(caught.value) == f"http://***@127.0.0.1:{server.server_address[1]}{path} {message}"
    assert caught.value.__cause__ is None  # libav's own words hold the password
    assert caught.value.__suppress_context__


def test_videos_on_a_server_are_no_streams(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", frames=4)
    assert not {"mov", "matroska", "hls", "dash", "concat", "sdp", "image2"} & {
        name for names in FORMATS.values() for name in names.split(",")
    }
    assert not {"file", "concat", "data", "pipe", "crypto", "udp"} & {
        name for names in PROTOCOLS.values() for name in names.split(",")
    }


def test_redirection_reaches_no_files(server: Any, tmp_path: Path) -> None:
    secret = tmp_path / "clip.ts"
    write_video(secret, frames=4)
    server.away = f"file://{secret}"
    with pytest.raises(SourceError, match=r"leads on to|cannot be reached|something else"):
        StreamFeed(address(server, "/away"))
    server.away = f"http://127.0.0.1:{server.server_address[1]}/5"
    assert len(read_all(open_feed(address(server, "/away")))[0]) >= 4


def test_damaged_pictures_and_odd_errors_do_not_show_the_address() -> None:
    class Refuses:
        def __call__(self, url: str, **_: Any) -> Any:
            raise ValueError(f"cannot parse {url}")

    with pytest.raises(UnreachableError) as caught:
        StreamFeed(CameraAddress("http://me:s3cret@host/x"), Refuses())
    assert str(caught.value) == "http://***@host/x cannot be reached (ValueError)."


def nowhere() -> CameraAddress:
    """Where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return CameraAddress(f"http://me:s3cret@127.0.0.1:{port}/live?key=s3cret")


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def test_stream_that_does_not_answer_is_waited_for_and_then_given_up() -> None:
    clock = Clock()
    where = nowhere()
    with StreamSource(where, clock=clock, patience_s=15, delays_s=(0.0,)) as source:
        items = iter(source)
        said = next(item for item in items if isinstance(item, Silence) and item.why)
        assert said.why == f"{where.shown} cannot be reached (Connection refused)."
        clock.now += 16
        with pytest.raises(SourceError, match="Connection refused"):
            next(items)
    assert "s3cret" not in source.name + said.why


def test_dropped_stream_comes_back_with_later_times(server: Any) -> None:
    server.asked.clear()
    with StreamSource(address(server, "/12"), delays_s=(0.0,)) as source:
        frames: list[Frame] = []
        silences: list[Silence] = []
        for item in source:
            if isinstance(item, Silence):
                silences += [item] if item.why else []
            else:
                frames.append(item)
            if len(source.gaps) == 2 and isinstance(item, Frame) and item.index > 3:
                break
    assert server.asked[:3] == ["/12"] * 3
    assert len(silences) >= 2
    times_s = [frame.time_s for frame in frames]
    assert times_s == sorted(set(times_s))
    assert [frame.index for frame in frames] == list(range(len(frames)))
    for gap in source.gaps[:2]:
        (after,) = [t for t in times_s if t == pytest.approx(gap.after_s)]
        next_s = times_s[times_s.index(after) + 1]
        assert next_s - after == pytest.approx(gap.seconds)


def test_time_that_a_stream_may_take_is_limited(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sources.stream_container.CONNECT_TIMEOUT_S", 0.3)
    with pytest.raises(UnreachableError, match=r"did not answer within 0.3 s"):
        StreamFeed(address(server, "/hang"))


def test_libav_gets_time_limits_and_allowed_protocols() -> None:
    asked: dict[str, Any] = {}

    def opening(url: str, **options: Any) -> Any:
        asked.update(options, url=url)
        raise av.error.ConnectionRefusedError(111, "refused", url)

    with pytest.raises(UnreachableError):
        StreamFeed(CameraAddress("rtsps://me:pw@cam/live"), opening)
    assert asked["url"] == "rtsps://me:pw@cam/live"
    assert asked["timeout"] == (8.0, 5.0)
    assert asked["options"]["protocol_whitelist"] == "tls,tcp"
    assert asked["options"]["format_whitelist"] == "rtsp"
    assert asked["options"]["rtsp_transport"] == "tcp"


def test_probe_says_what_a_stream_gives(server: Any) -> None:
    found = probe_address(address(server, "/9"))
    assert (found["opened"], found["backend"], found["modes"][0][:2]) == (True, "mpjpeg", (64, 48))
    assert found["first_ms"] > 0
    lost = probe_address(nowhere())
    assert lost["opened"] is False
    assert "s3cret" not in json.dumps(lost)


def test_notes_of_a_run_hold_no_password(server: Any, tmp_path: Path) -> None:
    where = address(server, "/9", f"{USER}:{PASSWORD}@")
    (tmp_path / "m.onnx").write_bytes(b"model")
    with StreamSource(where) as source:
        next(item for item in source if isinstance(item, Frame))
        notes = RunNotes(
            None,
            source=source,
            model=tmp_path / "m.onnx",
            contract=tiny_contract(),
            provider="CPU",
            settings={"camera": where},
            interrupted=lambda: False,
            dropped=lambda: {"out.mp4": 3},
            overwrite=False,
            command=["run_demo.py", "--camera", str(where.target), f"--camera={where.target}"],
        )
        text = json.dumps(notes.describe())
    assert PASSWORD not in text
    assert json.loads(text)["settings"]["camera"] == where.shown
    assert json.loads(text)["dropped"] == {"out.mp4": 3}
    assert json.loads(text)["gaps"] == []
