"""Checks a model file before ONNX Runtime opens it, because a model may come from anybody.

The check walks ONNX's protobuf messages in place and reads no more of them than necessary. The onnx
package builds every message that it meets: two million empty nodes, 4 MB of file, became 300 MB of
memory. Here the number of fields is bounded and nothing is copied. A model of 11 MB takes a few
milliseconds, and the program needs no further package.
"""

from collections.abc import Iterator
from typing import NoReturn

from app.errors import ModelError
from app.recognition.onnx_fields import (
    ELEMENT_BITS,
    AttributeField,
    DataType,
    DimensionField,
    GraphField,
    ModelField,
    NodeField,
    OpsetField,
    ShapeField,
    TensorField,
    TensorTypeField,
    TypeField,
    ValueInfoField,
    Wire,
)
from app.recognition.protobuf_reader import DamageError, ProtobufReader, Span, to_signed

MAX_FILE_BYTES = 512 << 20
MAX_NODES = 20_000
MAX_METADATA_BYTES = 1 << 20
MAX_DEPTH = 64  # of brackets in a metadata entry
MAX_TYPED_BYTES = 64 << 20  # of numbers that are not raw bytes; they grow up to eightfold
MAX_AXIS = 4096  # of inputs and outputs
MAX_STEP = 4096  # of a convolution's or pooling's paddings, strides, kernels
ENDLESS_ELEMENTS = 1 << 100  # Python's numbers do not overflow, but need not grow without end
OWN_DOMAINS = frozenset({b"", b"ai.onnx"})
STEP_ATTRIBUTES = frozenset(
    {b"pads", b"strides", b"dilations", b"kernel_shape", b"output_padding", b"output_shape"}
)
TYPED_DATA = frozenset(
    {
        TensorField.FLOAT_DATA,
        TensorField.INT32_DATA,
        TensorField.INT64_DATA,
        TensorField.DOUBLE_DATA,
        TensorField.UINT64_DATA,
    }
)


def check_model(content: bytes, name: str) -> None:
    """Checks that an ONNX file is a complete network in itself.

    Such a file takes no data from other files. It has no operators other than ONNX's own, no
    functions or loops, no sparse tensors, and no tensor that claims more elements than the file
    holds.

    Args:
        content: The file.
        name: Its name in errors.

    Raises:
        ModelError: The file is damaged or no such network.
    """
    try:
        with memoryview(content) as view:  # ends here, or the file stays in memory for a while
            _Inspection(view, name).check_model()
    except (DamageError, IndexError) as cause:
        raise ModelError(
            f"{name} is not a model that ONNX Runtime can open: it is damaged or of another kind."
        ) from cause


def check_size(size_bytes: int, name: str) -> None:
    """Checks a file's size before the file is read. Raises `ModelError`."""
    if size_bytes > MAX_FILE_BYTES:
        raise ModelError(
            f"The model {name} is refused: it has {size_bytes >> 20} MB, more than "
            f"{MAX_FILE_BYTES >> 20}. Give a model that training.export wrote."
        )


class _Inspection:
    """The walk through one file. The walk raises `ModelError` for a forbidden part of the file, and
    `DamageError` for bytes that are no protobuf message."""

    def __init__(self, content: memoryview, name: str) -> None:
        self._content = content
        self._name = name
        self._reader = ProtobufReader(content, refuse=self._refuse)
        self._nodes = self._metadata_bytes = self._typed_bytes = 0

    def _refuse(self, why: str) -> NoReturn:
        raise ModelError(
            f"The model {self._name} is refused: {why}. Give a model that training.export wrote, "
            "from somebody you trust."
        )

    def check_model(self) -> None:
        graphs = 0
        for number, span in self._reader.read_messages(
            (0, len(self._content)), once=(ModelField.GRAPH,)
        ):
            if number == ModelField.GRAPH:
                graphs += 1
                self._check_graph(span)
            elif number == ModelField.OPSET_IMPORT:
                for field, part in self._reader.read_messages(span):
                    if field == OpsetField.DOMAIN:
                        self._check_domain(part)
            elif number == ModelField.METADATA_PROPS:
                self._check_metadata(span)
            elif number == ModelField.TRAINING_INFO:
                self._refuse("it carries a way to train, which nothing here needs")
            elif number == ModelField.FUNCTIONS:
                self._refuse("it defines functions of its own")
            elif number == ModelField.CONFIGURATION:
                self._count_fields(span)
        if not graphs:
            raise DamageError

    def _check_domain(self, span: Span) -> None:
        domain = bytes(self._content[slice(*span)])
        if domain not in OWN_DOMAINS:
            self._refuse(f"it needs operators that are not ONNX's own ({_printable(domain)})")

    def _count_fields(self, span: Span) -> None:
        """Counts the fields of a message that is not checked any further."""
        for _ in self._reader.read_fields(span):
            pass

    def _check_metadata(self, span: Span) -> None:
        self._metadata_bytes += span[1] - span[0]
        if self._metadata_bytes > MAX_METADATA_BYTES:
            self._refuse(f"its metadata has more than {MAX_METADATA_BYTES >> 20} MB")
        depth = 0
        for byte in bytes(self._content[slice(*span)]):
            depth += (byte in b"[{") - (byte in b"]}")
            if depth > MAX_DEPTH:
                self._refuse(f"its metadata is nested more than {MAX_DEPTH} deep")

    def _check_graph(self, span: Span) -> None:
        for number, part in self._reader.read_messages(span):
            if number == GraphField.NODE:
                self._nodes += 1
                if self._nodes > MAX_NODES:
                    self._refuse(f"it has more than {MAX_NODES:,} operations")
                self._check_node(part)
            elif number == GraphField.INITIALIZER:
                self._check_tensor(part)
            elif number in (GraphField.INPUT, GraphField.OUTPUT):
                self._check_value(part, is_bounded=True)
            elif number == GraphField.VALUE_INFO:
                self._check_value(part, is_bounded=False)
            elif number == GraphField.QUANTIZATION_ANNOTATION:
                self._count_fields(part)
            elif number == GraphField.SPARSE_INITIALIZER:
                self._refuse("it has sparse tensors")

    def _check_node(self, span: Span) -> None:
        for number, part in self._reader.read_messages(span):
            if number == NodeField.ATTRIBUTE:
                self._check_attribute(part)
            elif number == NodeField.DOMAIN:
                self._check_domain(part)
            elif number == NodeField.DEVICE_CONFIGURATIONS:
                self._refuse("it is laid out for several devices")

    def _check_attribute(self, span: Span) -> None:
        name = b""
        largest = 0
        single = (AttributeField.T, AttributeField.G, AttributeField.SPARSE_TENSOR)
        for number, wire, value in self._reader.read_fields(span, once=single):
            if number in (AttributeField.I, AttributeField.INTS):
                largest = max(
                    [largest, *(abs(one) for one in self._reader.read_numbers(wire, value))]
                )
            if wire != Wire.BYTES or not isinstance(value, tuple):
                continue
            if number == AttributeField.NAME:
                name = bytes(self._content[value[0] : min(value[1], value[0] + 40)])
            elif number in (AttributeField.T, AttributeField.TENSORS):
                self._check_tensor(value)
            elif number in (AttributeField.G, AttributeField.GRAPHS):
                self._refuse("it has loops or branches")
            elif number in (AttributeField.SPARSE_TENSOR, AttributeField.SPARSE_TENSORS):
                self._refuse("it has sparse tensors")
            elif number in (AttributeField.TP, AttributeField.TYPE_PROTOS):
                self._refuse("it has operations that are told types")
        if largest > MAX_STEP and name in STEP_ATTRIBUTES:
            self._refuse(f"its {_printable(name)} are of an absurd size, {largest:,}")

    def _check_tensor(self, span: Span) -> None:
        elements, kind, raw_bytes, typed_bytes = 1, 0, 0, 0
        for number, wire, value in self._reader.read_fields(span):
            size = value[1] - value[0] if isinstance(value, tuple) else 0
            if number == TensorField.DIMS:
                for axis in self._reader.read_numbers(wire, value):
                    if axis < 0:
                        self._refuse("a tensor has an axis of negative length")
                    elements = min(elements * axis, ENDLESS_ELEMENTS)
            elif number == TensorField.DATA_TYPE and isinstance(value, int):
                kind = value
            elif number == TensorField.STRING_DATA:
                self._refuse("it has tensors of text")
            elif number == TensorField.RAW_DATA:
                raw_bytes = size
            elif number in TYPED_DATA:
                typed_bytes += size if wire == Wire.BYTES else 1
            elif number == TensorField.EXTERNAL_DATA or (
                number == TensorField.DATA_LOCATION and value != 0
            ):
                self._refuse("it takes data from other files")
        self._typed_bytes += typed_bytes
        if self._typed_bytes > MAX_TYPED_BYTES:
            self._refuse("its numbers are not stored as bytes")
        if kind not in ELEMENT_BITS:
            self._refuse(f"it has tensors of the kind {kind}, which nothing here needs")
        most = raw_bytes * 8 // ELEMENT_BITS[DataType(kind)] if raw_bytes else 8 * typed_bytes
        if elements > most:
            self._refuse(
                f"a tensor says that it has {elements:,} elements, and the file holds fewer"
                if elements < ENDLESS_ELEMENTS
                else "a tensor says that it has endless elements"
            )

    def _check_value(self, span: Span, *, is_bounded: bool) -> None:
        """Checks the type of an input, output or value between: a tensor, whose axes have a limit
        if `is_bounded`."""
        for number, part in self._reader.read_messages(span, once=(ValueInfoField.TYPE,)):
            if number != ValueInfoField.TYPE:
                continue
            for kind, tensor in self._reader.read_messages(part, once=(TypeField.TENSOR_TYPE,)):
                if kind == TypeField.TENSOR_TYPE:
                    self._check_axes(tensor, is_bounded=is_bounded)
                elif kind in (
                    TypeField.SEQUENCE_TYPE,
                    TypeField.MAP_TYPE,
                    TypeField.SPARSE_TENSOR_TYPE,
                    TypeField.OPTIONAL_TYPE,
                ):
                    self._refuse("it has values that are not tensors")

    def _check_axes(self, span: Span, *, is_bounded: bool) -> None:
        for number, shape in self._reader.read_messages(span, once=(TensorTypeField.SHAPE,)):
            for axis in self._axes(shape) if number == TensorTypeField.SHAPE else ():
                if is_bounded and not 0 <= axis <= MAX_AXIS:
                    self._refuse(f"its inputs or outputs are of an absurd size, {axis:,}")

    def _axes(self, span: Span) -> Iterator[int]:
        for number, dimension in self._reader.read_messages(span):
            for field, _, value in (
                self._reader.read_fields(dimension) if number == ShapeField.DIM else ()
            ):
                if field == DimensionField.DIM_VALUE and isinstance(value, int):
                    yield to_signed(value)


def _printable(text: bytes) -> str:
    """Makes text from a file fit for one line of a terminal."""
    return ascii(text[:40].decode("utf-8", "replace"))[1:-1]
