"""Videos that are named by their address."""

from pathlib import Path

import pytest

from app.errors import SourceError
from app.sources.find_videos import find_videos, is_one_file
from app.sources.remote_video import WebVideo, parse_video


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("http://host/a/talk.mp4?key=1", "talk.mp4"),
        ("https://me:pw@host/My%20talk.mov", "My talk.mov"),
        ("rtsp://host:8554/live/", "live"),
        ("http://host", "host"),
        ("http://host/..%2F..%2Fetc%2Fpasswd", "_.._etc_passwd"),
        ("http://host/.hidden", "hidden"),
    ],
)
def test_results_are_named_after_the_last_part(text: str, name: str) -> None:
    video = parse_video(text)
    assert isinstance(video, WebVideo)
    assert video.name == name
    assert "pw" not in f"{video}{video!r}"
    assert find_videos([video, video]) == [video]
    assert is_one_file([video])


def test_words_without_a_scheme_are_paths() -> None:
    assert parse_video("a/b.mp4") == Path("a/b.mp4")
    with pytest.raises(SourceError, match="Streams of this kind"):
        parse_video("ftp://host/a.mp4")


def test_long_names_of_addresses_leave_room_for_endings() -> None:
    for letter in "té表":
        video = parse_video(f"http://host/{letter * 300}.mp4")
        assert isinstance(video, WebVideo)
        assert video.name.endswith(f"{letter}.mp4")
        assert len(video.name.encode()) <= 160
