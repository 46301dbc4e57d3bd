"""Looks a model file over before ONNX Runtime sees it, because a model may come from anybody.

It walks ONNX's protobuf messages in place and reads no more of them than it must. The onnx package
would do too, were it not for its parser, which builds every message it meets: two million empty
nodes, 4 MB of file, became 300 MB of memory. Here what is looked at is bounded, nothing is copied,
a model of 11 MB takes a few milliseconds, and the program needs no further package.
Field numbers are those of onnx.proto (ONNX IR version 13).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from app.errors import ModelError

MAX_FILE_BYTES = 512 << 20
MAX_FIELDS = 200_000  # that are looked at, in all messages together
MAX_NODES = 20_000
MAX_METADATA_BYTES = 1 << 20
MAX_DEPTH = 64  # of brackets in a metadata entry
MAX_TYPED_BYTES = 64 << 20  # of numbers that are not raw bytes; they grow up to eightfold
MAX_AXIS = 4096  # of inputs and outputs
MAX_STEP = 4096  # of a convolution's or pooling's paddings, strides, kernels
OWN_DOMAINS = frozenset({b"", b"ai.onnx"})

# Bits of one element by TensorProto.DataType. Strings (8) and complex numbers are left out.
_BITS = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64}
_BITS |= {16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _DamageError(Exception):
    """What is there is no protobuf message."""


@dataclass(slots=True)
class _Tally:
    """What was seen so far of one file."""

    fields: int = 0
    nodes: int = 0
    metadata_bytes: int = 0
    typed_bytes: int = 0


def check_model(content: bytes, name: str) -> None:
    """Raises `ModelError` unless `content`, an ONNX file called `name` in errors, is a network that
    is whole in itself: no data in other files, no operators but ONNX's own, no functions or loops,
    no sparse tensors, no tensor that says to be larger than what the file holds of it."""
    try:
        _Look(memoryview(content), name).model()
    except (_DamageError, IndexError) as cause:
        raise ModelError(
            f"{name} is not a model that ONNX Runtime can open: it is damaged or of another kind."
        ) from cause


def check_size(size_bytes: int, name: str) -> None:
    """Before a file is read. Raises `ModelError`."""
    if size_bytes > MAX_FILE_BYTES:
        raise ModelError(
            f"The model {name} is refused: it has {size_bytes >> 20} MB, more than "
            f"{MAX_FILE_BYTES >> 20}. Give a model that training.export wrote."
        )


class _Look:
    def __init__(self, content: memoryview, name: str) -> None:
        self._content = content
        self._name = name
        self._tally = _Tally()

    def _refuse(self, why: str) -> NoReturn:
        raise ModelError(
            f"The model {self._name} is refused: {why}. Give a model that training.export wrote, "
            "from somebody you trust."
        )

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        value = shift = 0
        while at < end and shift < 70:
            byte = self._content[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value & (1 << 64) - 1, at
            shift += 7
        raise _DamageError

    def _fields(
        self, span: tuple[int, int], once: tuple[int, ...] = ()
    ) -> Iterator[tuple[int, int, int | tuple[int, int]]]:
        """(number, wire type, a number or the span of the bytes) of each field of the message in
        `span`. Parsers merge messages that come twice where one belongs; `once` are not to."""
        at, end = span
        seen: set[int] = set()
        while at < end:
            self._tally.fields += 1
            if self._tally.fields > MAX_FIELDS:
                self._refuse(f"it has more than {MAX_FIELDS:,} entries")
            tag, at = self._varint(at, end)
            number, wire = tag >> 3, tag & 7
            if not 0 < number < 1 << 29:
                raise _DamageError
            if number in once and wire == _BYTES:
                if number in seen:
                    self._refuse("an entry that belongs there once stands there twice")
                seen.add(number)
            value: int | tuple[int, int]
            if wire == _VARINT:
                value, at = self._varint(at, end)
            else:
                if wire == _BYTES:
                    length, at = self._varint(at, end)
                elif wire in (_FIXED64, _FIXED32):
                    length = 8 if wire == _FIXED64 else 4
                else:
                    raise _DamageError  # groups, which ONNX does not use
                if length > end - at:
                    raise _DamageError
                value = (at, at + length)
                at += length
            yield number, wire, value

    def _messages(
        self, span: tuple[int, int], once: tuple[int, ...] = ()
    ) -> Iterator[tuple[int, tuple[int, int]]]:
        """The fields of `span` that are messages, strings or bytes."""
        for number, wire, value in self._fields(span, once):
            if wire == _BYTES and isinstance(value, tuple):
                yield number, value

    def _numbers(self, wire: int, value: int | tuple[int, int]) -> Iterator[int]:
        """A repeated whole number, alone or packed."""
        if wire == _VARINT and isinstance(value, int):
            yield _signed(value)
        elif wire == _BYTES and isinstance(value, tuple):
            at, end = value
            while at < end:
                self._tally.fields += 1
                if self._tally.fields > MAX_FIELDS:
                    self._refuse(f"it has more than {MAX_FIELDS:,} entries")
                one, at = self._varint(at, end)
                yield _signed(one)

    def model(self) -> None:
        graphs = 0
        for number, span in self._messages((0, len(self._content)), once=(7,)):
            if number == 7:
                graphs += 1
                self._graph(span)
            elif number == 8:
                for field, part in self._messages(span):
                    if field == 1:
                        self._own_domain(part)
            elif number == 14:
                self._metadata(span)
            elif number == 20:
                self._refuse("it carries a way to train, which nothing here needs")
            elif number == 25:
                self._refuse("it defines functions of its own")
            elif number == 26:
                self._count(span)
        if not graphs:
            raise _DamageError

    def _own_domain(self, span: tuple[int, int]) -> None:
        domain = bytes(self._content[slice(*span)])
        if domain not in OWN_DOMAINS:
            self._refuse(f"it needs operators that are not ONNX's own ({_shown(domain)})")

    def _count(self, span: tuple[int, int]) -> None:
        """A message of no interest, whose fields count nevertheless."""
        for _ in self._fields(span):
            pass

    def _metadata(self, span: tuple[int, int]) -> None:
        self._tally.metadata_bytes += span[1] - span[0]
        if self._tally.metadata_bytes > MAX_METADATA_BYTES:
            self._refuse(f"its metadata has more than {MAX_METADATA_BYTES >> 20} MB")
        depth = 0
        for byte in bytes(self._content[slice(*span)]):
            depth += (byte in b"[{") - (byte in b"]}")
            if depth > MAX_DEPTH:
                self._refuse(f"its metadata is nested more than {MAX_DEPTH} deep")

    def _graph(self, span: tuple[int, int]) -> None:
        for number, part in self._messages(span):
            if number == 1:
                self._tally.nodes += 1
                if self._tally.nodes > MAX_NODES:
                    self._refuse(f"it has more than {MAX_NODES:,} operations")
                self._node(part)
            elif number == 5:
                self._tensor(part)
            elif number in (11, 12, 13):
                self._value(part, bounded=number != 13)
            elif number == 14:
                self._count(part)
            elif number == 15:
                self._refuse("it has sparse tensors")

    def _node(self, span: tuple[int, int]) -> None:
        for number, part in self._messages(span):
            if number == 5:
                self._attribute(part)
            elif number == 7:
                self._own_domain(part)
            elif number == 10:
                self._refuse("it is laid out for several devices")

    def _attribute(self, span: tuple[int, int]) -> None:
        name = b""
        largest = 0
        for number, wire, value in self._fields(span, once=(5, 6, 22)):
            if number in (3, 8):
                largest = max([largest, *(abs(one) for one in self._numbers(wire, value))])
            if wire != _BYTES or not isinstance(value, tuple):
                continue
            if number == 1:
                name = bytes(self._content[value[0] : min(value[1], value[0] + 40)])
            elif number in (5, 10):
                self._tensor(value)
            elif number in (6, 11):
                self._refuse("it has loops or branches")
            elif number in (22, 23):
                self._refuse("it has sparse tensors")
            elif number in (14, 15):
                self._refuse("it has operations that are told types")
        steps = (b"pads", b"strides", b"dilations", b"kernel_shape", b"output_padding")
        if largest > MAX_STEP and name in (*steps, b"output_shape"):
            self._refuse(f"its {_shown(name)} are of an absurd size, {largest:,}")

    def _tensor(self, span: tuple[int, int]) -> None:
        elements, kind, raw, typed = 1, 0, 0, 0
        for number, wire, value in self._fields(span):
            size = value[1] - value[0] if isinstance(value, tuple) else 0
            if number == 1:
                for axis in self._numbers(wire, value):
                    if axis < 0:
                        self._refuse("a tensor has an axis of negative length")
                    # Python's numbers do not overflow, but they need not grow without end either.
                    elements = min(elements * axis, 1 << 100)
            elif number == 2 and isinstance(value, int):
                kind = value
            elif number == 6:
                self._refuse("it has tensors of text")
            elif number == 9:
                raw = size
            elif number in (4, 5, 7, 10, 11):
                typed += size if wire == _BYTES else 1
            elif number == 13 or (number == 14 and value != 0):
                self._refuse("it takes data from other files")
        self._tally.typed_bytes += typed
        if self._tally.typed_bytes > MAX_TYPED_BYTES:
            self._refuse("its numbers are not stored as bytes")
        if kind not in _BITS:
            self._refuse(f"it has tensors of the kind {kind}, which nothing here needs")
        held = raw * 8 // _BITS[kind] if raw else 8 * typed
        if elements > held:
            self._refuse(
                f"a tensor says that it has {elements:,} elements, and the file holds fewer"
                if elements < 1 << 100
                else "a tensor says that it has endless elements"
            )

    def _value(self, span: tuple[int, int], *, bounded: bool) -> None:
        """An input, output or what is between: name and type. Only tensors, with no absurd axes
        where `bounded`."""
        for number, part in self._messages(span, once=(2,)):
            if number != 2:
                continue
            for kind, tensor in self._messages(part, once=(1,)):
                if kind in (4, 5, 8, 9):
                    self._refuse("it has values that are not tensors")
                for field, shape in self._messages(tensor, once=(2,)) if kind == 1 else ():
                    for axis in self._axes(shape) if field == 2 else ():
                        if bounded and not 0 <= axis <= MAX_AXIS:
                            self._refuse(f"its inputs or outputs are of an absurd size, {axis:,}")

    def _axes(self, span: tuple[int, int]) -> Iterator[int]:
        for number, dimension in self._messages(span):
            for field, _, value in self._fields(dimension) if number == 1 else ():
                if field == 1 and isinstance(value, int):
                    yield _signed(value)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _shown(text: bytes) -> str:
    """What a file says, fit for one line of a terminal."""
    return ascii(text[:40].decode("utf-8", "replace"))[1:-1]
