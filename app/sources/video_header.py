"""Reads the facts of a video that are known before its first picture is decoded."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from app.frames.av_versions import to_fraction
from app.sources.video_container import choose_picture_stream, find_average_rate, list_video_streams


@dataclass(frozen=True, slots=True, eq=False)
class VideoHeader:
    """The tracks of an open video.

    `stream` is the video track that is read, and `sounds` are the audio tracks that can be decoded.
    `time_base` is the seconds of a tick, and `rate` the frames per second on average.
    """

    stream: VideoStream
    sounds: Sequence[AudioStream]
    time_base: Fraction
    rate: Fraction


def read_video_header(container: InputContainer, title: str) -> VideoHeader:
    """Chooses the video track to read, and tells libav to leave out the packets of all others.

    `title` names the video in errors. Raises `SourceError` where no track can be decoded.
    """
    stream = choose_picture_stream(container, title)
    for other in container.streams:
        # In a file that was cut short, reading ends where any stream that is read ends.
        if other is not stream:
            other.discard = av.stream.Discard.all
    time_base = to_fraction(stream.time_base)
    assert time_base is not None
    return VideoHeader(
        stream,
        [sound for sound in container.streams.audio if sound.codec_context is not None],
        time_base,
        find_average_rate(stream),
    )


def describe_unread_streams(container: InputContainer, stream: VideoStream, name: str) -> list[str]:
    """Says in a line which video tracks besides `stream` are not read. The list is empty if there
    are none. `name` is the video's name for users."""
    others = [other for other in list_video_streams(container) if other is not stream]
    if not others:
        return []
    sizes = ", ".join(f"{other.width} x {other.height}" for other in others)
    return [
        f"{name} has {len(others) + 1} video tracks: the one of {stream.width} x "
        f"{stream.height} px was read, and not that of {sizes} px."
    ]


def find_origin_ticks(header: VideoHeader, first_ticks: int, *, is_start_wrong: bool) -> int:
    """Finds the earliest start of picture and sound, in whole ticks of the video track: times that
    are shifted by whole ticks keep their exact distances.

    Args:
        header: The tracks.
        first_ticks: The time of the first frame.
        is_start_wrong: True if the track's own start may be a wrong time, which is left out.
    """
    tracks = [*([] if is_start_wrong else [header.stream]), *header.sounds]
    starts = [
        Fraction(track.start_time) * base
        for track in tracks
        if track.start_time is not None and (base := to_fraction(track.time_base)) is not None
    ]
    return floor(min([*starts, first_ticks * header.time_base]) / header.time_base)
