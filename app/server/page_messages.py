"""Reads what a page sends. docs/live_page.md describes the messages."""

import json
import math
import struct
from dataclasses import dataclass
from typing import Literal, cast, get_args

from app.live.keys import Action
from app.pictures.header import read_header
from app.server.limits import (
    MAX_CHUNK_BYTES,
    MAX_FILE_BYTES,
    MAX_PICTURE_BYTES,
    MAX_SIDE_PX,
    MAX_TEXT_BYTES,
)

WatchedSource = Literal["server", "browser", "none"]
FileKind = Literal["picture", "video"]
PAGE_ACTIONS: tuple[Action, ...] = ("blur", "map", "neutral", "quick", "calm", "record")
PICTURE_MARK = 1  # the first byte of a binary message with a picture
CHUNK_MARK = 2  # the first byte of a binary message with a part of a file
_PICTURE_HEAD = struct.Struct("<BId")  # mark, sequence, capture time in s
MAX_NAME_CHARACTERS = 255
MALFORMED = 1008  # close codes of RFC 6455: a message breaks the rules
TOO_LARGE = 1009


class PageMessageError(Exception):
    """A message that a page of this program does not send. `code` is the code of the close."""

    def __init__(self, line: str, code: int = MALFORMED) -> None:
        super().__init__(line)
        self.code = code


@dataclass(frozen=True, slots=True)
class Watch:
    """The page wants the events of a source."""

    source: WatchedSource


@dataclass(frozen=True, slots=True)
class KeyPress:
    """The page turns a switch."""

    action: Action


@dataclass(frozen=True, slots=True)
class FileOffer:
    """The page is about to send a file. `number` comes back in all that the page is told of it."""

    name: str
    size_bytes: int
    kind: FileKind
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """The page gives up the file."""


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A picture of the browser's camera. `time_s` counts from the beginning of the page."""

    sequence: int
    time_s: float
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class FileChunk:
    """A part of the file that was offered."""

    content: bytes


PageMessage = Watch | KeyPress | FileOffer | Cancel | PagePicture | FileChunk


def parse_page_message(data: str | bytes) -> PageMessage:
    """Reads a message of a page. Raises `PageMessageError`.

    >>> parse_page_message('{"type": "watch", "source": "server"}')
    Watch(source='server')
    >>> parse_page_message(bytes([2]) + b"part")
    FileChunk(content=b'part')
    """
    return _parse_text(data) if isinstance(data, str) else _parse_binary(data)


def _parse_text(text: str) -> PageMessage:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
        raise PageMessageError(f"A text message has at most {MAX_TEXT_BYTES} bytes.", TOO_LARGE)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PageMessageError("A text message is one JSON object.") from error
    if not isinstance(value, dict):
        raise PageMessageError("A text message is one JSON object.")
    match value:
        case {"type": "watch", "source": str(source)} if source in get_args(WatchedSource):
            return Watch(cast("WatchedSource", source))
        case {"type": "key", "action": str(action)} if action in PAGE_ACTIONS:
            return KeyPress(action)
        case {"type": "file", "name": str(name), "bytes": int(size), "kind": str(kind)}:
            if kind not in get_args(FileKind) or isinstance(size, bool) or size < 1:
                raise PageMessageError("A file is a picture or a video of at least a byte.")
            if size > MAX_FILE_BYTES:
                raise PageMessageError(f"A file has at most {MAX_FILE_BYTES >> 20} MB.", TOO_LARGE)
            number = value.get("number")
            if number is not None and not (isinstance(number, int) and abs(number) < 2**53):
                raise PageMessageError("A file's number is a whole number.")
            return FileOffer(name[:MAX_NAME_CHARACTERS], size, cast("FileKind", kind), number)
        case {"type": "cancel"}:
            return Cancel()
    raise PageMessageError("This type of message, or a value in it, is unknown.")


def _parse_binary(data: bytes) -> PageMessage:
    if data[:1] == bytes([CHUNK_MARK]):
        if not 1 < len(data) <= MAX_CHUNK_BYTES + 1:
            raise PageMessageError(f"A part of a file has 1 to {MAX_CHUNK_BYTES} bytes.", TOO_LARGE)
        return FileChunk(data[1:])
    if data[:1] != bytes([PICTURE_MARK]) or len(data) <= _PICTURE_HEAD.size:
        raise PageMessageError("A binary message is a picture (1) or a part of a file (2).")
    _, sequence, time_s = _PICTURE_HEAD.unpack_from(data)
    jpeg = data[_PICTURE_HEAD.size :]
    if len(jpeg) > MAX_PICTURE_BYTES:
        raise PageMessageError(f"A picture has at most {MAX_PICTURE_BYTES >> 10} KB.", TOO_LARGE)
    if not (math.isfinite(time_s) and time_s >= 0):
        raise PageMessageError("A picture's time is a number of seconds of at least 0.")
    header = read_header(jpeg)
    if header is None or header.kind != "JPEG":
        raise PageMessageError("A picture is a JPEG.")
    if not 1 <= min(header.size_wh) <= max(header.size_wh) <= MAX_SIDE_PX:
        raise PageMessageError(f"A picture has sides of 1 to {MAX_SIDE_PX} px.", TOO_LARGE)
    return PagePicture(sequence, time_s, jpeg)
