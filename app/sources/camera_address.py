"""Reads the argument of `--camera`: a number, the path of a device, or the address of a stream.

Addresses hold passwords. Show and store `CameraAddress.shown` or the result of `mask_addresses`.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SCHEMES = ("rtsp", "rtsps", "http", "https")
HIDDEN = "***"
# A camera's number. OpenCV reads a number from 100 on as the name of a driver.
_NUMBER = re.compile(r"[0-9]{1,2}")
# An address. All up to the last @ counts as user and password, which may hold any sign.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(\S*@)?([^\s?#]*)(\?[^\s#]*)?(#\S*)?")
# A secret in the path of an address, where some cameras have the password.
_SECRET = re.compile(
    r"(?i)\b(user|username|usr|login|pass|passwd|password|pwd|psw|token|auth|key|secret)"
    r"=[^&/;?\s]*"
)
KINDS = (
    "Give a camera's number (0 to 99), a device such as /dev/video0, or the address of a stream "
    "(rtsp://, rtsps://, http:// or https://)."
)


@dataclass(frozen=True, slots=True)
class CameraAddress:
    """The address of a camera or a stream.

    `target` is the number, the path or the address with its password. `str()` of the value hides
    the password.

    >>> str(CameraAddress("rtsp://me:secret@cam/live")), CameraAddress(0).name
    ('rtsp://***@cam/live', 'camera:0')
    """

    target: int | str = field(repr=False)

    @property
    def is_stream(self) -> bool:
        """True for the address of a network stream, False for a camera of this machine."""
        return isinstance(self.target, str) and "://" in self.target

    @property
    def shown(self) -> str:
        """The target without its password."""
        return mask_addresses(str(self.target))

    @property
    def name(self) -> str:
        """The name in the records: `camera:0`, or the masked address of a stream."""
        return self.shown if self.is_stream else f"camera:{self.shown}"

    @property
    def title(self) -> str:
        """The beginning of a sentence about the camera: `Camera 0`, or the masked address."""
        return self.shown if self.is_stream else f"Camera {self.shown}"

    def __str__(self) -> str:
        return self.shown


def mask_addresses(text: str) -> str:
    """Hides user, password, query and fragment of every address in `text`.

    >>> mask_addresses("--camera rtsp://me:secret@cam/live?key=1")
    '--camera rtsp://***@cam/live?***'
    """

    def hide(match: re.Match[str]) -> str:
        scheme, user, rest, query, fragment = match.groups()
        rest = _SECRET.sub(rf"\1={HIDDEN}", rest)
        return (
            f"{scheme}://{f'{HIDDEN}@' if user else ''}{rest}"
            f"{f'?{HIDDEN}' if query else ''}{f'#{HIDDEN}' if fragment else ''}"
        )

    return _ADDRESS.sub(hide, text)


def parse_address(text: str) -> CameraAddress:
    """Reads the argument of `--camera`. Raises `SourceError` with the reason in one line for a text
    that can be no camera.

    >>> parse_address("1").target, parse_address("RTSP://cam/live").target
    (1, 'rtsp://cam/live')
    """
    if _NUMBER.fullmatch(text):
        return CameraAddress(int(text))
    scheme, colon, _ = text.partition("://")
    if not colon and text.startswith(("/", "./", "../")):
        return CameraAddress(text)
    from app.errors import SourceError

    if not colon:
        shown = text.encode("unicode_escape", "replace").decode("ascii")
        raise SourceError(f"'{shown}' is no camera. {KINDS}")
    if scheme.lower() == "file":
        raise SourceError("A file is no camera. Give its path to --video.")
    if scheme.lower() not in SCHEMES or not scheme.isascii():
        raise SourceError(f"Streams of this kind ({scheme[:20]!a}) are not read. {KINDS}")
    try:
        parts = urlsplit(text)
        good = bool(parts.hostname) and parts.port != 0 and text.isprintable() and " " not in text
    except ValueError:  # a port that is no number, brackets that do not close
        good = False
    if not good:
        shown = mask_addresses("".join(c for c in text if c.isprintable() and c != " "))
        raise SourceError(
            f"{shown} is not a complete address. It looks like {scheme.lower()}://host:port/path."
        )
    return CameraAddress(f"{scheme.lower()}://{text.partition('://')[2]}")
