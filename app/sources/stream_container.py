"""Opens network streams with libav: RTSP cameras, and MJPEG, MPEG-TS or FLV over HTTP.

Only the address that the user gave is opened, with the protocols that its kind needs. Files, other
protocols and playlists, which name other addresses, are out of reach. libav's own texts on errors
hold the address with its password, so none of them reaches the user.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeAlias

import av
from av.container import InputContainer

from app.errors import SourceError
from app.frames.av_versions import open_input
from app.frames.stored_shape import MAX_FRAME_PIXELS
from app.process.deadlines import run_with_deadline
from app.sources.camera_address import CameraAddress
from app.sources.latest_frame import UnreachableError

# An address that does not answer would else block for as long as the system tries, often minutes.
CONNECT_TIMEOUT_S = 8.0
READ_TIMEOUT_S = 5.0  # a longer silence counts as a lost connection, which is made anew
# For all of the opening, where libav does not keep to its limits, as with a slow name server.
OPEN_TIMEOUT_S = 20.0
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
# Options to begin soon: libav need not find out the rate of a live stream.
LIVE_OPTIONS = {
    "fpsprobesize": "0",
    "flags": "low_delay",
    "analyzeduration": "1000000",
    "rtsp_transport": "tcp",
    "max_pixels": str(MAX_FRAME_PIXELS),
}
BARE_JPEG_OPTIONS = {"analyzeduration": "1"}  # the first picture tells all
REFUSALS = (
    (av.error.HTTPUnauthorizedError, "asks for another user name or password"),
    (av.error.HTTPForbiddenError, "does not let this user in"),
    (av.error.HTTPNotFoundError, "has nothing at this path"),
    (av.error.InvalidDataError, "sends something else than a video stream that is read here"),
    (av.error.ProtocolNotFoundError, "leads on to an address of another kind, which is not read"),
)
AVError: TypeAlias = av.FFmpegError | OSError | ValueError
AV_ERRORS = (av.FFmpegError, OSError, ValueError)


class OpenContainer(Protocol):
    """Opens an address as `open_input` does."""

    def __call__(
        self,
        file: str,
        /,
        *,
        format_name: str | None = None,
        options: dict[str, str] | None = None,
        timeout: tuple[float, float] | None = None,
    ) -> InputContainer: ...


def open_stream(
    address: CameraAddress,
    options: Mapping[str, str],
    open_container: OpenContainer = open_input,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> InputContainer:
    """Opens the stream at an address, within `OPEN_TIMEOUT_S`.

    Args:
        address: The address of a stream.
        options: libav's options, such as `LIVE_OPTIONS`.
        open_container: Stands in for `open_input` in tests.
        stop: Asked several times a second; True gives up.

    Raises:
        UnreachableError: If the server does not answer, which it may do a little later.
        SourceError: If the answer is no stream that is read, or `stop` was True.
    """
    work = partial(_find_container, address, options, open_container)
    try:
        container = run_with_deadline(work, stop=stop, limit_s=OPEN_TIMEOUT_S)
    except TimeoutError:
        raise UnreachableError(
            f"{address.title} did not answer within {OPEN_TIMEOUT_S:g} s."
        ) from None
    if container is None:
        raise SourceError(f"{address.title} was not read to its end.")
    return container


def _find_container(
    address: CameraAddress, options: Mapping[str, str], open_container: OpenContainer
) -> InputContainer:
    url = str(address.target)
    scheme = url.partition("://")[0]
    limits = {"protocol_whitelist": PROTOCOLS[scheme], "format_whitelist": FORMATS[scheme]}
    open_here = partial(open_container, url, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S))
    try:
        container = open_here(options={**options, **limits})
        if container.format.name != "mpjpeg" or _has_picture(container):
            return container
        container.close()
        refusal = explain_refusal(address.title, av.error.InvalidDataError(0, ""))
    except AV_ERRORS as error:
        refusal = explain_refusal(address.title, error)
        is_web = url.startswith("http")
        if not (is_web and isinstance(error, av.error.InvalidDataError)):
            raise refusal from None
    # Some cameras send JPEGs in parts of another type than image/jpeg, or of none. libav refuses
    # those; it finds the pictures when it looks for nothing else.
    with contextlib.suppress(*AV_ERRORS):
        container = open_here(
            options={**options, **limits, **BARE_JPEG_OPTIONS}, format_name="mjpeg"
        )
        if _has_picture(container):
            return container
        container.close()
    raise refusal from None


def _has_picture(container: InputContainer) -> bool:
    pictures = container.streams.video
    return bool(pictures and pictures[0].codec_context.width)


def explain_refusal(title: str, error: AVError) -> SourceError:
    """Turns an error of libav into one for users. `title` names the address that was opened."""
    for kind, why in REFUSALS:
        if isinstance(error, kind):
            return SourceError(f"{title} {why}.")
    if isinstance(error, av.error.ExitError):
        return UnreachableError(f"{title} did not answer within {CONNECT_TIMEOUT_S:g} s.")
    return UnreachableError(f"{title} cannot be reached ({name_cause(error)}).")


def name_cause(error: AVError) -> str:
    """Names an error as the system does, or by its kind. libav's own text may hold the address."""
    number = error.errno if isinstance(error, OSError | av.FFmpegError) else None
    if isinstance(number, int) and number in errno.errorcode:
        return os.strerror(number)
    return type(error).__name__
