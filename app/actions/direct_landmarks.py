"""Calls MediaPipe's face landmarker in the caller's own thread, and reads its answer as arrays.

MediaPipe's Python package hands each call to a thread of its own, and makes an object of each of
the 478 points. That takes 0.5 ms of the 5.5 ms of a face, and more where other threads run Python.

The way around uses names that MediaPipe keeps to itself, as `app.detection.direct_calls` does. They
are looked at before the first call: where a name is missing, or a structure is not built as it is
today, there is no direct call, and the public one serves.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Points (N, 2) as shares of the picture's sides, and coefficients (52,); None where no face is.
MeshArrays = tuple[NDArray[np.float64], NDArray[np.float64]] | None
ReadMesh = Callable[[Any], MeshArrays]  # from MediaPipe's image, which has no type hints

_RESULT_FIELDS = [
    "face_landmarks",
    "face_landmarks_count",
    "face_blendshapes",
    "face_blendshapes_count",
    "facial_transformation_matrixes",
    "facial_transformation_matrixes_count",
]


def find_direct_read(landmarker: Any) -> ReadMesh | None:  # no type hints
    """Finds a function that reads one face in the caller's thread.

    Args:
        landmarker: A MediaPipe Tasks `FaceLandmarker` for single images.

    Returns:
        The function, which must not be called after the landmarker was closed, nor by two threads
        at once; None where this version of MediaPipe is built in another way.
    """
    try:
        library, handle = landmarker._lib._lib, landmarker._handle
        detect, close = library.MpFaceLandmarkerDetectImage, library.MpFaceLandmarkerCloseResult
        options, result, message = detect.argtypes[2:]
        make_result = result._type_
        fields = dict(make_result._fields_)
        points = dict(fields["face_landmarks"]._type_._fields_)
        shares = dict(fields["face_blendshapes"]._type_._fields_)
        point_type, share_type = points["landmarks"]._type_, shares["categories"]._type_
        free_message = library.MpErrorFree
        is_known = (
            isinstance(library, ctypes.CDLL)
            and isinstance(handle, ctypes.c_void_p)
            and detect.argtypes[:2] == [ctypes.c_void_p, ctypes.c_void_p]
            and options._type_.__name__ == "MpImageProcessingOptionsC"
            and list(fields) == _RESULT_FIELDS
            and [points["landmarks_count"], shares["categories_count"]] == [ctypes.c_uint32] * 2
            and point_type._fields_[:2] == [("x", ctypes.c_float), ("y", ctypes.c_float)]
            and share_type._fields_[1] == ("score", ctypes.c_float)
            and message is ctypes.POINTER(ctypes.c_char_p)
            and detect.restype is ctypes.c_int
            and list(close.argtypes) == [result]
            and free_message.argtypes == [ctypes.c_void_p]
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None
    if not is_known:
        return None
    point_floats = np.dtype(
        {
            "names": ["x", "y"],
            "formats": ["<f4", "<f4"],
            "offsets": [point_type.x.offset, point_type.y.offset],
            "itemsize": ctypes.sizeof(point_type),
        }
    )
    share_floats = np.dtype(
        {
            "names": ["score"],
            "formats": ["<f4"],
            "offsets": [share_type.score.offset],
            "itemsize": ctypes.sizeof(share_type),
        }
    )

    def read_here(image: Any) -> MeshArrays:  # MediaPipe's image
        found, error = make_result(), ctypes.c_char_p()
        status = detect(handle, image._image_ptr, None, ctypes.byref(found), ctypes.byref(error))
        if status != 0:
            if error.value is not None:
                free_message(error)
            return read_publicly(landmarker, image)  # which raises the error of the status
        try:
            if not found.face_landmarks_count or not found.face_blendshapes_count:
                return None
            marks, levels = found.face_landmarks[0], found.face_blendshapes[0]
            if not marks.landmarks_count or not levels.categories_count:
                return None
            places = np.frombuffer(
                ctypes.string_at(
                    marks.landmarks, marks.landmarks_count * ctypes.sizeof(point_type)
                ),
                point_floats,
            )
            scores = np.frombuffer(
                ctypes.string_at(
                    levels.categories, levels.categories_count * ctypes.sizeof(share_type)
                ),
                share_floats,
            )
            return (
                np.column_stack([places["x"], places["y"]]).astype(np.float64),
                scores["score"].astype(np.float64),
            )
        finally:
            close(ctypes.byref(found))

    return read_here


def read_publicly(landmarker: Any, image: Any) -> MeshArrays:  # MediaPipe has no type hints
    """Does the same by MediaPipe's public call."""
    found = landmarker.detect(image)
    if not found.face_landmarks or not found.face_blendshapes:
        return None
    return (
        np.array([(p.x, p.y) for p in found.face_landmarks[0]], np.float64),
        np.array([one.score for one in found.face_blendshapes[0]], np.float64),
    )
