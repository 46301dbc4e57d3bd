"""Turns what stages remember into values that JSON has, so that a run can be put down and taken up.

A stage with a memory has `state() -> State` and `restore(state: SavedState)`. A restored stage goes
on exactly as the saved one would have. Numbers come back bit for bit: Python writes doubles so that
they read the same, and single precision fits into double. `restore` raises `KeyError`, `TypeError`
or `ValueError` for the state of another stage.
"""

import base64
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.types import LANDMARKS, Face, Json, JsonValue

State: TypeAlias = Json
SavedState: TypeAlias = dict[str, Any]  # parsed from a file: whoever reads a value checks its type
StateArray: TypeAlias = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.uint8]

FLOAT_KINDS = frozenset({"float32", "float64"})


def dump_array(array: StateArray) -> State:
    """Turns an array of any shape into a state. Raises `TypeError` for other numbers than float32,
    float64 and uint8.

    >>> dump_array(np.array([[0.5, 1.0]], np.float32))
    {'kind': 'float32', 'shape': [1, 2], 'values': [0.5, 1.0]}
    """
    kind = array.dtype.name
    values: JsonValue
    if kind == "uint8":
        values = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
    elif kind in FLOAT_KINDS:
        values = array.ravel().tolist()
    else:
        raise TypeError(f"arrays of {kind} are not kept")
    return {"kind": kind, "shape": list(array.shape), "values": values}


def load_array(state: SavedState) -> NDArray[Any]:  # the kind of numbers is known at run time only
    """Turns a state of `dump_array` into an array of the same shape and numbers.

    >>> load_array({"kind": "float64", "shape": [2], "values": [1.0, 2.0]})
    array([1., 2.])
    """
    kind, shape, values = state["kind"], tuple(state["shape"]), state["values"]
    if kind == "uint8":
        return np.frombuffer(base64.b64decode(values, validate=True), np.uint8).reshape(shape)
    if kind not in FLOAT_KINDS:
        raise ValueError(f"arrays of {kind!r} are not kept")
    return np.array(values, kind).reshape(shape)


def dump_face(face: Face) -> State:
    """Turns a face into a state."""
    return {
        "box_xyxy": [float(side) for side in face.box_xyxy],
        "landmarks": dump_array(face.landmarks),
        "score": float(face.score),
        "seen": face.seen,
        "key": face.key,
    }


def load_face(state: SavedState) -> Face:
    """Turns a state of `dump_face` into a face."""
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
