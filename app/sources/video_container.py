"""Opens a video file and chooses the track to read, or says why the file cannot be read."""

import contextlib
import errno
import stat
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TypeVar, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from app.errors import SourceError
from app.files.original import Original
from app.frames.av_versions import open_input, to_fraction
from app.frames.stored_shape import MAX_FRAME_PIXELS
from app.pictures.header import is_still
from app.pictures.kinds import is_picture

# libav's names of the formats that are read. Each is one file. Playlists (hls, dash, concat, sdp)
# are missing, because they name other files, and some of them addresses in the network.
FORMATS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,mpjpeg,flv,asf,ogg,gif,apng,webp,h264,hevc,vvc,av1,obu,"
    "ivf,m4v,mjpeg,vc1,dv,mxf,nut,rm,wtv,yuv4mpegpipe,swf,amv,nsv,nuv,ipu,avs,cavsvideo,dirac,h261,"
    "h263,live_flv,lmlm4,mlv,gxf,dhav,thp,bink,smk,roq,flic,ty"
)
MAX_INDEX_BOXES = 100  # boxes of an MP4 that are searched for its index
UNFINISHED = (
    "its index (moov) is missing, so the recording was not finished. Programs that repair videos "
    "can often make one with the help of another video of the same camera"
)
# Codecs with which libav makes a video of the letters of a text file.
TEXT_CODECS = frozenset({"ansi", "bintext", "idf", "xbin"})

StreamKind = TypeVar("StreamKind", bound=Stream)


def open_container(path: Path) -> InputContainer:
    """Opens a video file with libav. Raises `av.FFmpegError` and `OSError`."""
    # Absolute, so that a name with a colon is not taken for a protocol.
    return open_input(
        str(path.absolute()),
        options={
            "protocol_whitelist": "file",
            "format_whitelist": FORMATS,
            "max_pixels": str(MAX_FRAME_PIXELS),
        },
    )


def open_original(path: Path, title: str) -> Original:
    """Opens the regular file that `path` leads to, so that its hash can be asked for later.

    `title` names the file in errors. Raises `SourceError`.
    """
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
    """Opens a video file. `title` names the file in errors. Raises `SourceError`."""
    try:
        _check_regular(path, title)
        if is_still(_beginning(path)):
            raise SourceError(f"{title} is a picture. Use --image.")
        return open_container(path)
    except (OSError, ValueError, av.FFmpegError) as error:
        raise _unreadable(path, title, error) from error


def _check_regular(path: Path, title: str) -> None:
    """Refuses pipes and devices, which may never end. Raises `OSError` and `SourceError`."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise SourceError(f"{title} is a folder. Give a video file, or use --image.")
    if not stat.S_ISREG(mode):
        raise SourceError(
            f"{title} is a pipe or a device, not a file. Save the video to a file first; cameras "
            "and streams are named to --camera."
        )


def _unreadable(path: Path, title: str, error: Exception) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return SourceError(f"{title} does not exist.")
    if isinstance(error, av.FFmpegError) and error.errno not in (errno.EACCES, errno.EIO):
        if is_picture(_beginning(path)):
            return SourceError(f"{title} is a picture. Use --image.")
        why = f": {UNFINISHED}" if _lacks_index(path) else ""
        return SourceError(f"{title} is not a video, or is damaged beyond reading{why}.")
    reason = error.strerror if isinstance(error, OSError | av.FFmpegError) else None
    return SourceError(f"{title} cannot be read: {reason or error}.")


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError:
        return b""


def _lacks_index(path: Path) -> bool:
    """Tells whether a file is an MP4 or MOV without `moov`, which cameras write at the very end."""
    kinds: list[bytes] = []
    with contextlib.suppress(OSError, struct.error), path.open("rb") as file:
        end = file.seek(0, 2)
        at = 0
        while at < end and len(kinds) < MAX_INDEX_BOXES:
            file.seek(at)
            size, kind = struct.unpack(">I4s", file.read(8))
            if size == 1:  # the real size follows
                (size,) = struct.unpack(">Q", file.read(8))
            kinds.append(kind)
            at = at + size if size >= 8 else end
    return b"ftyp" in kinds[:1] and b"mdat" in kinds and b"moov" not in kinds


def list_video_streams(container: InputContainer) -> list[VideoStream]:
    """Lists the video tracks, without covers and thumbnails, which files keep as tracks, too."""
    covers = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    return [s for s in container.streams.video if not s.disposition & covers]


def choose_picture_stream(container: InputContainer, title: str) -> VideoStream:
    """Chooses the video track that libav holds for the best one.

    `title` names the file in errors. Raises `SourceError` where no track can be decoded.
    """
    pictures = list_video_streams(container)
    if not pictures:
        if container.streams.audio:
            raise SourceError(f"{title} has sound but no picture.")
        raise SourceError(f"{title} is not a video, or is damaged beyond reading.")
    best = container.streams.best("video")
    stream = next((s for s in pictures if s is best), pictures[0])
    if stream.codec_context is None:
        raise SourceError(f"{title} is in a video format that cannot be decoded.")
    if stream.codec_context.name in TEXT_CODECS:
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


def find_average_rate(stream: VideoStream) -> Fraction:
    """Gives the rate in frames/s that the header says or libav guesses, or else 25."""
    for rate in map(to_fraction, (stream.average_rate, stream.guessed_rate)):
        if rate is not None and 0 < rate <= 1000:
            return rate
    return Fraction(25)


def read_packets(container: InputContainer, stream: StreamKind) -> Iterator["Packet[StreamKind]"]:
    """Yields the packets of one stream.

    The packets of a stream that begins in the middle of the file are left out: PyAV fails at each
    of them and goes on behind it.
    """
    return cast("Iterator[Packet[StreamKind]]", _demux(container, stream))


def read_all_packets(container: InputContainer) -> Iterator["Packet[Stream]"]:
    """Yields the packets of all streams, except those that `read_packets` leaves out."""
    return _demux(container)


def _demux(container: InputContainer, *streams: Stream) -> Iterator["Packet[Stream]"]:
    while True:
        try:
            yield from container.demux(*streams)
            return
        except IndexError:
            continue
