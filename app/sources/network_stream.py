"""Streams from the network: RTSP cameras, and MJPEG, MPEG-TS or FLV over HTTP.

Nothing is opened but the address that the user gave, with the protocols that its kind needs: files
and other protocols are out of reach, and so are playlists, which name other addresses. What libav
says of an error holds the address with its password, so none of it is passed on as it is.
"""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import av
from av.video.frame import VideoFrame

from app.errors import SourceError
from app.frames.av_versions import open_input
from app.frames.stored_shape import MAX_FRAME_PIXELS, Shape, ShapeChanges
from app.frames.upright import UprightConverter
from app.process.deadlines import run_with_deadline
from app.sources.camera_address import CameraAddress
from app.sources.latest_frame import DELAYS_S, LiveSource, UnreachableError
from app.sources.video_container import find_average_rate, read_packets
from app.types import Image, Json

CONNECT_S, READ_S = 8.0, 5.0
OPEN_S = 20.0  # for all of it, where libav does not keep to its limits, as for a name server
PICTURE_S = 10.0  # of data without a picture that can be decoded
# libav's names. A plain address may lead on to a secure one, but never the other way round.
PROTOCOLS = {
    "rtsp": "tcp",
    "rtsps": "tls,tcp",
    "http": "http,https,tls,tcp",
    "https": "https,tls,tcp",
}
FORMATS = {
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "http": "mpjpeg,mjpeg,mpegts,flv,h264,hevc",
    "https": "mpjpeg,mjpeg,mpegts,flv,h264,hevc",
}
# Begin soon: what is known of the rate does not matter here.
OPTIONS = {
    "fpsprobesize": "0",
    "flags": "low_delay",
    "analyzeduration": "1000000",
    "rtsp_transport": "tcp",
    "max_pixels": str(MAX_FRAME_PIXELS),
}
JPEGS_ALONE = {"analyzeduration": "1"}  # the first picture tells all
REFUSED = (
    (av.error.HTTPUnauthorizedError, "asks for another user name or password"),
    (av.error.HTTPForbiddenError, "does not let this user in"),
    (av.error.HTTPNotFoundError, "has nothing at this path"),
    (av.error.InvalidDataError, "sends something else than a video stream that is read here"),
    (av.error.ProtocolNotFoundError, "leads on to an address of another kind, which is not read"),
)


def open_stream(
    address: CameraAddress,
    options: Mapping[str, str],
    open_container: Callable[..., Any] = open_input,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> Any:
    """libav's container for what is at the address, with time limits. Raises `SourceError`, also as
    soon as `stop` says so."""
    url = str(address.target)
    scheme = url.partition("://")[0]
    limits = {"protocol_whitelist": PROTOCOLS[scheme], "format_whitelist": FORMATS[scheme]}

    def opened(further: Mapping[str, str], **more: Any) -> Any:
        return open_container(
            url,
            timeout=(CONNECT_S, READ_S),
            options={**options, **limits, **further},
            **more,
        )

    try:
        container = run_with_deadline(
            partial(_container, address, opened), stop=stop, limit_s=OPEN_S
        )
    except TimeoutError:
        raise UnreachableError(f"{address.title} did not answer within {OPEN_S:g} s.") from None
    if container is None:
        raise SourceError(f"{address.title} was not read to its end.")
    return container


def _container(address: CameraAddress, opened: Callable[..., Any]) -> Any:
    """What `opened`, called with further options, finds at the address. Raises `SourceError`."""
    try:
        container = opened({})
        if container.format.name != "mpjpeg" or _is_known(container):
            return container
        container.close()
        refusal = _refusal(address.title, av.error.InvalidDataError(0, ""))
    except (av.FFmpegError, OSError, ValueError) as error:
        refusal = _refusal(address.title, error)
        web = str(address.target).startswith("http")
        if not (web and isinstance(error, av.error.InvalidDataError)):
            raise refusal from None
    # Some cameras send JPEGs in parts of another type than image/jpeg, or of none. libav refuses
    # those; it finds the pictures when it looks for nothing else.
    with contextlib.suppress(av.FFmpegError, OSError, ValueError):
        container = opened(JPEGS_ALONE, format_name="mjpeg")
        if _is_known(container):
            return container
        container.close()
    raise refusal from None


def _is_known(container: Any) -> bool:
    """True where a picture was found in it."""
    pictures = container.streams.video
    return bool(pictures and pictures[0].codec_context.width)


def _refusal(title: str, error: Exception) -> SourceError:
    for kind, why in REFUSED:
        if isinstance(error, kind):
            return SourceError(f"{title} {why}.")
    if isinstance(error, av.error.ExitError):
        return UnreachableError(f"{title} did not answer within {CONNECT_S:g} s.")
    return UnreachableError(f"{title} cannot be reached ({_reason(error)}).")


class StreamFeed:
    """The pictures of an open stream. `rate` (frames/s) is what it says, and often guesses;
    `open_container` stands in for `open_input` in tests; `see` hears the shape of each picture."""

    def __init__(
        self,
        address: CameraAddress,
        open_container: Callable[..., Any] = open_input,
        see: Callable[[Shape], object] = lambda shape: None,
    ) -> None:
        self._title = address.title
        self._see = see
        self._container: Any = open_stream(address, OPTIONS, open_container)
        try:
            self.format_name = str(self._container.format.name)
            self._frames = self._decode()
        except (av.FFmpegError, OSError, ValueError) as error:
            raise _refusal(self._title, error) from None

    def _decode(self) -> Iterator[VideoFrame]:
        pictures = self._container.streams.video
        if not pictures or pictures[0].codec_context is None:
            self.close()
            raise SourceError(f"{self._title} has no picture that can be decoded.")
        stream = pictures[0]
        self.rate = round(float(find_average_rate(stream)), 2)
        for other in self._container.streams:
            if other is not stream:
                other.discard = av.stream.Discard.all
        self._upright = UprightConverter(stream)
        stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}

        def frames() -> Iterator[VideoFrame]:
            since_s = time.monotonic()
            for packet in read_packets(self._container, stream):
                try:
                    decoded = packet.decode()
                except av.FFmpegError:
                    decoded = []  # a damaged picture; the next key frame mends it
                if decoded:
                    yield from decoded
                    since_s = time.monotonic()
                elif time.monotonic() - since_s > PICTURE_S:
                    raise SourceError(
                        f"{self._title} sent data for {PICTURE_S:g} s, but no picture that can be "
                        "decoded."
                    )

        return frames()

    def read(self) -> Image:
        try:
            frame = next(self._frames, None)
            if frame is None:
                raise SourceError(f"{self._title} ended.")
            shape = self._upright.find_shape(frame)
            self._see(shape)
            return self._upright.picture(frame, shape)
        except av.error.ExitError:
            raise SourceError(f"{self._title} sent nothing for {READ_S:g} s.") from None
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceError(f"{self._title} broke off ({_reason(error)}).") from None

    def close(self) -> None:
        if self._container is not None:
            container, self._container = self._container, None
            self._frames = iter(())
            container.close()


def _reason(error: Exception) -> str:
    """What the system calls it; never libav's own text, which may hold the address."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number in errno.errorcode:
        return os.strerror(number)
    return type(error).__name__


class StreamSource(LiveSource):
    """The stream at `address`. Opens in the reader's thread, so nothing waits here; what does not
    answer is asked again for `patience_s`. The rest is `LiveSource`'s."""

    def __init__(
        self,
        address: CameraAddress,
        *,
        open_container: Callable[..., Any] = open_input,
        clock: Callable[[], float] = time.monotonic,
        patience_s: float = 15.0,
        stall_s: float = READ_S + 1,
        delays_s: Sequence[float] = DELAYS_S,
        rest: Callable[[float], object] | None = None,
    ) -> None:
        self._shapes: ShapeChanges | None = None
        self._began_s = 0.0
        self._now: Callable[[], float] = clock
        super().__init__(
            lambda: StreamFeed(address, open_container, self._take_shape),
            name=address.name,
            title=address.title,
            remedy="See whether it plays elsewhere.",
            patience_s=patience_s,
            stall_s=stall_s,
            delays_s=delays_s,
            clock=clock,
            rest=rest,
        )

    def _take_shape(self, shape: Shape) -> None:
        """In the reader's thread."""
        if self._shapes is None:
            self._shapes, self._began_s = ShapeChanges(shape), self._now()
        self._shapes.note(shape, self._now() - self._began_s)

    @property
    def picture_facts(self) -> Json:
        """How the pictures are sent and what is made of them, in values that JSON has."""
        return {} if self._shapes is None else self._shapes.describe()

    def describe_stream(self) -> Json:
        return self.picture_facts | super().describe_stream()

    @property
    def remarks(self) -> list[str]:
        """What whoever uses the results must know, in lines; nothing of it is a fault."""
        return [] if self._shapes is None else self._shapes.remarks(self.name)
