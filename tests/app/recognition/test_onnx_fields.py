"""The named field numbers are those of ONNX's own protobuf description."""

from enum import IntEnum

import pytest
from onnx import TensorProto, onnx_ml_pb2

from app.recognition import onnx_fields as fields

MESSAGES: dict[type[IntEnum], str] = {
    fields.ModelField: "ModelProto",
    fields.OpsetField: "OperatorSetIdProto",
    fields.GraphField: "GraphProto",
    fields.NodeField: "NodeProto",
    fields.AttributeField: "AttributeProto",
    fields.TensorField: "TensorProto",
    fields.ValueInfoField: "ValueInfoProto",
    fields.TypeField: "TypeProto",
    fields.TensorTypeField: "TypeProto.Tensor",
    fields.ShapeField: "TensorShapeProto",
    fields.DimensionField: "TensorShapeProto.Dimension",
}


@pytest.mark.parametrize("kind", MESSAGES, ids=MESSAGES.values())
def test_fields_have_the_numbers_of_onnx(kind: type[IntEnum]) -> None:
    name, _, nested = MESSAGES[kind].partition(".")
    message = onnx_ml_pb2.DESCRIPTOR.message_types_by_name[name]
    if nested:
        message = message.nested_types_by_name[nested]
    numbers = {field.name.upper(): field.number for field in message.fields}
    assert {one.name: one.value for one in kind}.items() <= numbers.items()


def test_element_types_have_the_numbers_of_onnx_and_each_has_a_size() -> None:
    numbers = dict(TensorProto.DataType.items())
    for one in fields.DataType:
        if one.name in numbers:  # older releases of onnx know fewer
            assert one.value == numbers[one.name]
    assert set(fields.ELEMENT_BITS) == set(fields.DataType)
    assert fields.ELEMENT_BITS[fields.DataType.FLOAT] == 32
    assert fields.ELEMENT_BITS[fields.DataType.INT4] == 4
    assert not {"STRING", "COMPLEX64", "COMPLEX128"} & {one.name for one in fields.DataType}
