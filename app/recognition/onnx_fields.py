"""Names the fields of ONNX's protobuf messages by their numbers in onnx.proto (IR version 13).

Each enum stands for one message and holds the fields that `app.recognition.onnx_guard` looks at.
Their names are those of onnx.proto in capitals. A test compares both with the onnx package.
"""

from enum import IntEnum


class Wire(IntEnum):
    """The wire types of protobuf: how the value of a field is stored."""

    VARINT = 0
    FIXED64 = 1
    BYTES = 2  # a message, string, bytes or packed numbers, with their length before them
    FIXED32 = 5


class ModelField(IntEnum):
    """Fields of ModelProto."""

    GRAPH = 7
    OPSET_IMPORT = 8
    METADATA_PROPS = 14
    TRAINING_INFO = 20
    FUNCTIONS = 25
    CONFIGURATION = 26


class OpsetField(IntEnum):
    """Fields of OperatorSetIdProto."""

    DOMAIN = 1


class GraphField(IntEnum):
    """Fields of GraphProto."""

    NODE = 1
    INITIALIZER = 5
    INPUT = 11
    OUTPUT = 12
    VALUE_INFO = 13
    QUANTIZATION_ANNOTATION = 14
    SPARSE_INITIALIZER = 15


class NodeField(IntEnum):
    """Fields of NodeProto."""

    ATTRIBUTE = 5
    DOMAIN = 7
    DEVICE_CONFIGURATIONS = 10


class AttributeField(IntEnum):
    """Fields of AttributeProto."""

    NAME = 1
    I = 3  # noqa: E741 - the name in onnx.proto
    T = 5
    G = 6
    INTS = 8
    TENSORS = 10
    GRAPHS = 11
    TP = 14
    TYPE_PROTOS = 15
    SPARSE_TENSOR = 22
    SPARSE_TENSORS = 23


class TensorField(IntEnum):
    """Fields of TensorProto."""

    DIMS = 1
    DATA_TYPE = 2
    FLOAT_DATA = 4
    INT32_DATA = 5
    STRING_DATA = 6
    INT64_DATA = 7
    RAW_DATA = 9
    DOUBLE_DATA = 10
    UINT64_DATA = 11
    EXTERNAL_DATA = 13
    DATA_LOCATION = 14


class ValueInfoField(IntEnum):
    """Fields of ValueInfoProto."""

    TYPE = 2


class TypeField(IntEnum):
    """Fields of TypeProto."""

    TENSOR_TYPE = 1
    SEQUENCE_TYPE = 4
    MAP_TYPE = 5
    SPARSE_TENSOR_TYPE = 8
    OPTIONAL_TYPE = 9


class TensorTypeField(IntEnum):
    """Fields of TypeProto.Tensor."""

    SHAPE = 2


class ShapeField(IntEnum):
    """Fields of TensorShapeProto."""

    DIM = 1


class DimensionField(IntEnum):
    """Fields of TensorShapeProto.Dimension."""

    DIM_VALUE = 1


class DataType(IntEnum):
    """The values of TensorProto.DataType that may occur. STRING and complex numbers may not."""

    FLOAT = 1
    UINT8 = 2
    INT8 = 3
    UINT16 = 4
    INT16 = 5
    INT32 = 6
    INT64 = 7
    BOOL = 9
    FLOAT16 = 10
    DOUBLE = 11
    UINT32 = 12
    UINT64 = 13
    BFLOAT16 = 16
    FLOAT8E4M3FN = 17
    FLOAT8E4M3FNUZ = 18
    FLOAT8E5M2 = 19
    FLOAT8E5M2FNUZ = 20
    UINT4 = 21
    INT4 = 22
    FLOAT4E2M1 = 23
    FLOAT8E8M0 = 24
    UINT2 = 25
    INT2 = 26


# The bits of one element of a tensor.
ELEMENT_BITS = {
    **dict.fromkeys((DataType.UINT2, DataType.INT2), 2),
    **dict.fromkeys((DataType.UINT4, DataType.INT4, DataType.FLOAT4E2M1), 4),
    **dict.fromkeys((DataType.UINT8, DataType.INT8, DataType.BOOL), 8),
    **dict.fromkeys((DataType.FLOAT8E4M3FN, DataType.FLOAT8E4M3FNUZ, DataType.FLOAT8E5M2), 8),
    **dict.fromkeys((DataType.FLOAT8E5M2FNUZ, DataType.FLOAT8E8M0), 8),
    **dict.fromkeys((DataType.UINT16, DataType.INT16, DataType.FLOAT16, DataType.BFLOAT16), 16),
    **dict.fromkeys((DataType.FLOAT, DataType.INT32, DataType.UINT32), 32),
    **dict.fromkeys((DataType.DOUBLE, DataType.INT64, DataType.UINT64), 64),
}
