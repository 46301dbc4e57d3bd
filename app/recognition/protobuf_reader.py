"""Reads protobuf messages in place, without copying or building anything.

The wire format is described in "Encoding", protobuf.dev. The number of fields that are read is
bounded, because a small file can hold millions.
"""

from collections.abc import Callable, Iterator
from typing import NoReturn, TypeAlias

from app.recognition.onnx_fields import Wire

MAX_FIELDS = 200_000  # read in all messages together
MAX_FIELD_NUMBER = (1 << 29) - 1  # protobuf's own limit
MAX_VARINT_BITS = 70  # ten bytes of seven bits

Span: TypeAlias = tuple[int, int]  # the first byte of a message, and the byte behind its last
Field: TypeAlias = tuple[int, int, int | Span]  # number, wire type, a whole number or its bytes


class DamageError(Exception):
    """The bytes are no protobuf message."""


class ProtobufReader:
    """Reads the messages in `content`.

    `refuse` raises the error for a file that must not be used, from the reason as a clause. The
    methods raise `DamageError` or `IndexError` for bytes that are no message.
    """

    def __init__(self, content: memoryview, *, refuse: Callable[[str], NoReturn]) -> None:
        self._content = content
        self._refuse = refuse
        self._fields = 0

    def _count_one(self) -> None:
        self._fields += 1
        if self._fields > MAX_FIELDS:
            self._refuse(f"it has more than {MAX_FIELDS:,} entries")

    def _read_varint(self, at: int, end: int) -> tuple[int, int]:
        """Returns the number at `at`, and the place behind it."""
        value = shift = 0
        while at < end and shift < MAX_VARINT_BITS:
            byte = self._content[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value & (1 << 64) - 1, at
            shift += 7
        raise DamageError

    def read_fields(self, span: Span, once: tuple[int, ...] = ()) -> Iterator[Field]:
        """Yields (number, wire type, a whole number or the span of the bytes) for each field of the
        message in `span`. Refuses a file in which a field of `once` comes twice, because parsers
        merge the messages in it."""
        at, end = span
        seen: set[int] = set()
        while at < end:
            self._count_one()
            tag, at = self._read_varint(at, end)
            number, wire = tag >> 3, tag & 7
            if not 0 < number <= MAX_FIELD_NUMBER:
                raise DamageError
            if number in once and wire == Wire.BYTES:
                if number in seen:
                    self._refuse("an entry that belongs there once stands there twice")
                seen.add(number)
            value: int | Span
            if wire == Wire.VARINT:
                value, at = self._read_varint(at, end)
            else:
                if wire == Wire.BYTES:
                    length, at = self._read_varint(at, end)
                elif wire in (Wire.FIXED64, Wire.FIXED32):
                    length = 8 if wire == Wire.FIXED64 else 4
                else:
                    raise DamageError  # groups, which ONNX does not use
                if length > end - at:
                    raise DamageError
                value = (at, at + length)
                at += length
            yield number, wire, value

    def read_messages(self, span: Span, once: tuple[int, ...] = ()) -> Iterator[tuple[int, Span]]:
        """Yields (number, span) for the fields of `span` that are messages, strings or bytes."""
        for number, wire, value in self.read_fields(span, once):
            if wire == Wire.BYTES and isinstance(value, tuple):
                yield number, value

    def read_numbers(self, wire: int, value: int | Span) -> Iterator[int]:
        """Yields the values of a repeated whole number, which are stored one by one or packed."""
        if wire == Wire.VARINT and isinstance(value, int):
            yield to_signed(value)
        elif wire == Wire.BYTES and isinstance(value, tuple):
            at, end = value
            while at < end:
                self._count_one()
                one, at = self._read_varint(at, end)
                yield to_signed(one)


def to_signed(value: int) -> int:
    """Reads the 64 bits of a protobuf number as a signed number.

    >>> to_signed(5), to_signed((1 << 64) - 1)
    (5, -1)
    """
    return value - (1 << 64) if value >> 63 else value
