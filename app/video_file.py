"""Opening a video file, and what its headers say of it."""

import contextlib
import errno
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from app.types import SourceError

# What is opened is one file and names no other: playlists (hls, dash, concat, sdp) do, and some of
# them the network. By the names of libav's readers.
FORMATS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,mpjpeg,flv,asf,ogg,gif,apng,webp,h264,hevc,vvc,av1,obu,"
    "ivf,m4v,mjpeg,vc1,dv,mxf,nut,rm,wtv,yuv4mpegpipe,swf,amv,nsv,nuv,ipu,avs,cavsvideo,dirac,h261,"
    "h263,live_flv,lmlm4,mlv,gxf,dhav,thp,bink,smk,roq,flic,ty"
)
MAX_FRAME_PIXELS = 40_000_000  # 8K is 33
TEXT_ART = frozenset({"ansi", "bintext", "idf", "xbin"})  # libav would film a text file's letters


def open_container(path: Path) -> InputContainer:
    """Raises `av.FFmpegError` and `OSError`."""
    # Absolute, so that a name with a colon is not taken for a protocol.
    return av.open(
        str(path.absolute()),
        options={
            "protocol_whitelist": "file",
            "format_whitelist": FORMATS,
            "max_pixels": str(MAX_FRAME_PIXELS),
        },
        metadata_errors="replace",  # titles of old recorders are no UTF-8
    )


def open_video(path: Path) -> InputContainer:
    try:
        if path.is_dir():
            raise SourceError(f"{path} is a folder. Give a video file, or use --image.")
        if path.stat().st_size == 0 and path.is_file():
            raise SourceError(f"{path} is empty.")
        return open_container(path)
    except FileNotFoundError as error:
        raise SourceError(f"{path} does not exist.") from error
    except av.FFmpegError as error:
        if error.errno in (errno.EACCES, errno.EIO):
            raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
        raise SourceError(f"{path} is not a video, or is damaged beyond reading.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SourceError(f"{path} cannot be read: {reason}.") from error


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    covers = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    pictures = [s for s in container.streams.video if not s.disposition & covers]
    if not pictures:
        if container.streams.audio:
            raise SourceError(f"{path} has sound but no picture.")
        raise SourceError(f"{path} is not a video, or is damaged beyond reading.")
    best = container.streams.best("video")
    stream = next((s for s in pictures if s is best), pictures[0])
    if stream.codec_context is None:
        raise SourceError(f"{path} is in a video format that cannot be decoded.")
    if stream.codec_context.name in TEXT_ART:
        raise SourceError(f"{path} is not a video.")
    _check_size(stream, path)
    return stream


def _check_size(stream: VideoStream, path: Path) -> None:
    context = stream.codec_context
    if context.width * context.height > MAX_FRAME_PIXELS:
        raise SourceError(
            f"{path} is too large to be read: {context.width} x {context.height} px. Videos may "
            f"have {MAX_FRAME_PIXELS // 1_000_000} million pixels a frame; scale it down."
        )
    context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}  # a stream may change its size


def average_rate(stream: VideoStream) -> Fraction:
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate is not None and 0 < rate <= 1000:
            return rate
    return Fraction(25)


def own_duration_s(stream: VideoStream) -> float | None:
    """How long the header says that the pictures last, None when it does not say."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    # Matroska: "00:00:03.200000000". libav writes the time of the end there, mkvmerge the length;
    # they differ where the pictures begin late, and then the shorter one is never wrongly missed.
    tag = stream.metadata.get("DURATION", "")
    try:
        hours, minutes, seconds = tag.split(":")
        end_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None
    return end_s - float((stream.start_time or 0) * (stream.time_base or 0))


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
