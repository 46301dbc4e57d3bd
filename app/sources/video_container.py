"""Opening a video file, and what its headers say of it."""

import contextlib
import errno
import stat
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from app.errors import SourceError
from app.files.original import Original
from app.frames.av_versions import exact, open_input
from app.frames.stored_shape import MAX_FRAME_PIXELS
from app.pictures.header import is_still
from app.pictures.kinds import is_picture

# What is opened is one file and names no other: playlists (hls, dash, concat, sdp) do, and some of
# them the network. By the names of libav's readers.
FORMATS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,mpjpeg,flv,asf,ogg,gif,apng,webp,h264,hevc,vvc,av1,obu,"
    "ivf,m4v,mjpeg,vc1,dv,mxf,nut,rm,wtv,yuv4mpegpipe,swf,amv,nsv,nuv,ipu,avs,cavsvideo,dirac,h261,"
    "h263,live_flv,lmlm4,mlv,gxf,dhav,thp,bink,smk,roq,flic,ty"
)
MOST_BOXES = 100  # of an MP4 that are looked at
UNFINISHED = (
    "its index (moov) is missing, so the recording was not finished. Programs that repair videos "
    "can often make one with the help of another video of the same camera"
)
TEXT_ART = frozenset({"ansi", "bintext", "idf", "xbin"})  # libav would film a text file's letters


def open_container(path: Path) -> InputContainer:
    """Raises `av.FFmpegError` and `OSError`."""
    # Absolute, so that a name with a colon is not taken for a protocol.
    container: InputContainer = open_input(
        str(path.absolute()),
        options={
            "protocol_whitelist": "file",
            "format_whitelist": FORMATS,
            "max_pixels": str(MAX_FRAME_PIXELS),
        },
    )
    return container


def original_of(path: Path, title: str) -> Original:
    """The regular file that `path` leads to; `title` is how errors call it. Raises
    `SourceError`."""
    try:
        _check_regular(path, title)
        original = Original(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, title, error) from error
    if original.bytes == 0:
        original.close()
        raise SourceError(f"{title} is empty.")
    return original


def open_video(path: Path, title: str) -> InputContainer:
    """Raises `SourceError`, which calls it `title`."""
    try:
        _check_regular(path, title)
        if is_still(_beginning(path)):
            raise SourceError(f"{title} is a picture. Use --image.")
        return open_container(path)
    except (OSError, ValueError, av.FFmpegError) as error:
        raise _unreadable(path, title, error) from error


def _check_regular(path: Path, title: str) -> None:
    """What is no file would be waited for without end. Raises `OSError` and `SourceError`."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise SourceError(f"{title} is a folder. Give a video file, or use --image.")
    if not stat.S_ISREG(mode):
        raise SourceError(
            f"{title} is a pipe or a device, not a file. Save the video to a file first; cameras "
            "and streams are named to --camera."
        )


def _unreadable(path: Path, title: str, error: Exception) -> SourceError:
    number = getattr(error, "errno", None)
    if isinstance(error, FileNotFoundError):
        return SourceError(f"{title} does not exist.")
    if isinstance(error, av.FFmpegError) and number not in (errno.EACCES, errno.EIO):
        if is_picture(_beginning(path)):
            return SourceError(f"{title} is a picture. Use --image.")
        why = f": {UNFINISHED}" if _lacks_index(path) else ""
        return SourceError(f"{title} is not a video, or is damaged beyond reading{why}.")
    return SourceError(f"{title} cannot be read: {getattr(error, 'strerror', None) or error}.")


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError:
        return b""


def _lacks_index(path: Path) -> bool:
    """Whether it is an MP4 or MOV without `moov`, which cameras write at the very end."""
    kinds: list[bytes] = []
    with contextlib.suppress(OSError, struct.error), path.open("rb") as file:
        end = file.seek(0, 2)
        at = 0
        while at < end and len(kinds) < MOST_BOXES:
            file.seek(at)
            size, kind = struct.unpack(">I4s", file.read(8))
            if size == 1:  # it follows
                (size,) = struct.unpack(">Q", file.read(8))
            kinds.append(kind)
            at = at + size if size >= 8 else end
    return b"ftyp" in kinds[:1] and b"mdat" in kinds and b"moov" not in kinds


def films_of(container: InputContainer) -> list[VideoStream]:
    """The video tracks, without covers and thumbnails, which are kept as such."""
    covers = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    return [s for s in container.streams.video if not s.disposition & covers]


def picture_stream(container: InputContainer, title: str) -> VideoStream:
    pictures = films_of(container)
    if not pictures:
        if container.streams.audio:
            raise SourceError(f"{title} has sound but no picture.")
        raise SourceError(f"{title} is not a video, or is damaged beyond reading.")
    best = container.streams.best("video")
    stream = next((s for s in pictures if s is best), pictures[0])
    if stream.codec_context is None:
        raise SourceError(f"{title} is in a video format that cannot be decoded.")
    if stream.codec_context.name in TEXT_ART:
        raise SourceError(f"{title} is not a video.")
    _check_size(stream, title)
    return stream


def _check_size(stream: VideoStream, title: str) -> None:
    context = stream.codec_context
    if context.width * context.height > MAX_FRAME_PIXELS:
        raise SourceError(
            f"{title} is too large to be read: {context.width} x {context.height} px. Videos may "
            f"have {MAX_FRAME_PIXELS // 1_000_000} million pixels a frame; scale it down."
        )
    context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}  # a stream may change its size


def average_rate(stream: VideoStream) -> Fraction:
    for rate in map(exact, (stream.average_rate, stream.guessed_rate)):
        if rate is not None and 0 < rate <= 1000:
            return rate
    return Fraction(25)


def own_duration_s(stream: VideoStream) -> float | None:
    """How long the header says that the pictures last, None when it does not say."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    # Matroska: "00:00:03.200000000", the time of the end (libav) or the length (mkvmerge).
    tag = stream.metadata.get("DURATION", "")
    try:
        hours, minutes, seconds = tag.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None


def packets(container: InputContainer, *streams: Stream) -> Iterator[Any]:
    """Packets of `streams`, without any of all of them. Those of a stream that begins in the middle
    of the file are left out: PyAV fails at each of them, and goes on behind it."""
    while True:
        try:
            yield from container.demux(*streams)
            return
        except IndexError:
            continue


def reach_s(path: Path) -> float:
    """Seconds from the start of the file to the end of its last packet of any kind."""
    end_s = 0.0
    with open_container(path) as container, contextlib.suppress(av.FFmpegError):
        for packet in packets(container):
            if packet.pts is not None and packet.time_base:
                end_s = max(end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        end_s -= (container.start_time or 0) / av.time_base
    return end_s


def duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    own_s = own_duration_s(stream)
    if own_s is None and container.duration is not None:
        return container.duration / av.time_base
    return own_s


def announced_end_s(container: InputContainer, stream: VideoStream) -> float | None:
    """When the pictures end, as the header says, in the file's own times. Matroska has ends and no
    lengths; where mkvmerge has written a length the end is said too early, which misses nothing
    that is not there."""
    length_s = duration_s(container, stream)
    if length_s is None or "matroska" in container.format.name:
        return length_s
    return length_s + float((stream.start_time or 0) * (stream.time_base or 0))
