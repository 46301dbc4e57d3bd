"""What stages remember, in values that JSON has, so that a run can be put down and taken up.

A stage with a memory has `state() -> State`, of plain values, and `restore(state)`, after which it
goes on exactly as the one that was asked would have. Numbers come back bit for bit: Python writes
doubles so that they read the same, and single precision fits into double. `restore` raises
`KeyError`, `TypeError` or `ValueError` where the state is not one of its own.
"""

import base64
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.types import LANDMARKS, Face

State: TypeAlias = dict[str, Any]

FLOATS = frozenset({"float32", "float64"})


def dump_array(array: NDArray[Any]) -> State:
    """Of floats of single or double precision, or of bytes."""
    kind = array.dtype.name
    if kind == "uint8":
        values: Any = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
    elif kind in FLOATS:
        values = array.ravel().tolist()
    else:
        raise TypeError(f"arrays of {kind} are not kept")
    return {"kind": kind, "shape": list(array.shape), "values": values}


def load_array(state: State) -> NDArray[Any]:
    kind, shape, values = state["kind"], tuple(state["shape"]), state["values"]
    if kind == "uint8":
        return np.frombuffer(base64.b64decode(values, validate=True), np.uint8).reshape(shape)
    if kind not in FLOATS:
        raise ValueError(f"arrays of {kind!r} are not kept")
    return np.array(values, kind).reshape(shape)


def dump_face(face: Face) -> State:
    return {
        "box_xyxy": [float(side) for side in face.box_xyxy],
        "landmarks": dump_array(face.landmarks),
        "score": float(face.score),
        "seen": face.seen,
        "key": face.key,
    }


def load_face(state: State) -> Face:
    x0, y0, x1, y1 = (float(side) for side in state["box_xyxy"])
    landmarks = load_array(state["landmarks"])
    if landmarks.shape != (len(LANDMARKS), 2):
        raise ValueError(f"landmarks are of the shape {landmarks.shape}")
    key = state.get("key")  # states that were kept before faces had keys lack it
    return Face(
        (x0, y0, x1, y1),
        landmarks,
        float(state["score"]),
        bool(state["seen"]),
        None if key is None else int(key),
    )
