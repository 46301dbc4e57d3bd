"""Protobuf messages are read in place, and damage is noticed."""

from typing import NoReturn

import pytest

from app.recognition.onnx_fields import Wire
from app.recognition.protobuf_reader import DamageError, ProtobufReader


class RefusedError(Exception):
    pass


def refuse(why: str) -> NoReturn:
    raise RefusedError(why)


def reader(content: bytes) -> ProtobufReader:
    return ProtobufReader(memoryview(content), refuse=refuse)


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (b"", []),
        (b"\x08\x96\x01", [(1, Wire.VARINT, 150)]),
        (b"\x12\x02hi", [(2, Wire.BYTES, (2, 4))]),
        (b"\x0d\x00\x00\x00\x00\x10\x05", [(1, Wire.FIXED32, (1, 5)), (2, Wire.VARINT, 5)]),
    ],
)
def test_fields_are_read(content: bytes, fields: list[tuple[int, int, object]]) -> None:
    assert list(reader(content).read_fields((0, len(content)))) == fields


@pytest.mark.parametrize(
    "content", [b"\x08", b"\x12\x05hi", b"\x00\x01", b"\x0b", b"\x08" + 11 * b"\xff"]
)
def test_damage_is_noticed(content: bytes) -> None:
    with pytest.raises(DamageError):
        list(reader(content).read_fields((0, len(content))))


def test_field_that_may_come_once_does_not_come_twice() -> None:
    with pytest.raises(RefusedError, match="twice"):
        list(reader(b"\x3a\x00\x3a\x00").read_fields((0, 4), once=(7,)))


def test_packed_and_single_numbers_are_the_same() -> None:
    content = b"\x01\x02" + 9 * b"\xff" + b"\x01"
    assert list(reader(content).read_numbers(Wire.BYTES, (0, len(content)))) == [1, 2, -1]
    assert list(reader(b"").read_numbers(Wire.VARINT, (1 << 64) - 1)) == [-1]
