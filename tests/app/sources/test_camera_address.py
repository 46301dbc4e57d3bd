"""What --camera may be, and that no password of it is ever shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import SourceError
from app.sources.camera_address import SCHEMES, CameraAddress, mask_addresses, parse_address


@pytest.mark.parametrize(
    ("text", "target", "name", "title"),
    [
        ("0", 0, "camera:0", "Camera 0"),
        ("07", 7, "camera:7", "Camera 7"),
        ("/dev/video2", "/dev/video2", "camera:/dev/video2", "Camera /dev/video2"),
        ("rtsp://cam/live", "rtsp://cam/live", "rtsp://cam/live", "rtsp://cam/live"),
        (
            "RTSPS://me:pw@cam:322/a?k=v",
            "rtsps://me:pw@cam:322/a?k=v",
            "rtsps://***@cam:322/a?***",
            "rtsps://***@cam:322/a?***",
        ),
        ("http://[::1]:8080/", "http://[::1]:8080/", "http://[::1]:8080/", "http://[::1]:8080/"),
    ],
)
def test_cameras_are_numbers_devices_and_streams(
    text: str, target: int | str, name: str, title: str
) -> None:
    address = parse_address(text)
    assert (address.target, address.name, address.title) == (target, name, title)
    assert address.is_stream == ("://" in text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no camera"),
        ("-1", "'-1' is no camera"),
        ("100", "'100' is no camera"),  # OpenCV's name of a driver
        ("²", r"'\xb2' is no camera"),
        ("front", "'front' is no camera. Give a camera's number"),
        ("a\x1b[2Jb", r"'a\x1b[2Jb' is no camera"),
        ("file:///etc/passwd", "Give its path to --video."),
        ("udp://@:5000", "Streams of this kind ('udp') are not read"),
        ("concat://a|b", "('concat') are not read"),
        ("http://", "http:// is not a complete address"),
        ("http://me:pw@", "http://***@ is not a complete address"),
        ("http://me:pw@host:99999/", "http://***@host:99999/ is not a complete address"),
        ("rtsp://me:p w@host/", "rtsp://***@host/ is not a complete address"),
        ("rtsp://me:pw@ho\nst/", "is not a complete address"),
        ("rtsp://[::1/live", "is not a complete address"),
    ],
)
def test_what_can_be_no_camera_is_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_address(text)
    said = str(caught.value)
    assert message in said
    assert said.isprintable()
    assert "pw" not in said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://cam:554/h264", "rtsp://cam:554/h264"),
        ("rtsp://me:pw@cam/a", "rtsp://***@cam/a"),
        ("rtsp://me@cam/a", "rtsp://***@cam/a"),
        ("rtsp://me:p@ss/w?o#rd@cam/a", "rtsp://***@cam/a"),
        ("http://cam/v.cgi?user=me&pwd=pw#x", "http://cam/v.cgi?***#***"),
        ("rtsp://cam/user=me&password=pw&channel=1", "rtsp://cam/user=***&password=***&channel=1"),
        (
            "--camera=rtsp://me:pw@cam/a and http://u:v@b",
            "--camera=rtsp://***@cam/a and http://***@b",
        ),
        ("no address, me:pw@home", "no address, me:pw@home"),
        ("/dev/video0", "/dev/video0"),
    ],
)
def test_passwords_are_masked(text: str, shown: str) -> None:
    assert mask_addresses(text) == shown


SIGNS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


@given(st.sampled_from(SCHEMES), SIGNS, SIGNS)
def test_no_password_survives(scheme: str, user: str, password: str) -> None:
    address = CameraAddress(f"{scheme}://{user}:{password}@host/path")
    for text in (str(address), repr(address), address.name, address.title):
        assert "host/path" in text or "CameraAddress()" in text
        assert f":{password}@" not in text
    assert address.shown == f"{scheme}://***@host/path"
