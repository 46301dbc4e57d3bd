"""Calls MediaPipe's face detector in the caller's own thread.

MediaPipe's Python package hands each call to a thread of its own and waits for it, twice a picture.
That takes 0.06 ms of the 0.87 ms of a look, and where other threads run Python, it waits for the
interpreter four times. A detector of this project is used by one thread at a time anyway.

The way around uses names that MediaPipe keeps to itself. They are looked at before the first call:
where a name is missing, or a function does not take exactly the arguments that it takes today,
there is no direct call, and the public one serves.
"""

import ctypes
from collections.abc import Callable
from typing import Any

Detect = Callable[[Any], Any]  # from MediaPipe's image to its result; it has no type hints


def find_direct_detect(detector: Any, result_type: Any) -> Detect | None:  # no type hints
    """Finds a function that does what `detector.detect` does, in the caller's thread.

    Args:
        detector: A MediaPipe Tasks `FaceDetector` for single images.
        result_type: MediaPipe's `FaceDetectorResult`.

    Returns:
        The function, which must not be called after the detector was closed, nor by two threads at
        once; None where this version of MediaPipe is built in another way.
    """
    try:
        library, handle = detector._lib._lib, detector._handle
        detect, close = library.MpFaceDetectorDetectImage, library.MpFaceDetectorCloseResult
        options, result, message = detect.argtypes[2:]
        make_result = result._type_
        free_message = library.MpErrorFree
        read = result_type.from_ctypes
        is_known = (
            isinstance(library, ctypes.CDLL)
            and isinstance(handle, ctypes.c_void_p)
            and detect.argtypes[:2] == [ctypes.c_void_p, ctypes.c_void_p]
            and options._type_.__name__ == "MpImageProcessingOptionsC"
            and [name for name, _ in make_result._fields_] == ["detections", "detections_count"]
            and message is ctypes.POINTER(ctypes.c_char_p)
            and detect.restype is ctypes.c_int
            and list(close.argtypes) == [result]
            and free_message.argtypes == [ctypes.c_void_p]
        )
    except (AttributeError, TypeError, ValueError):
        return None
    if not is_known:
        return None

    def detect_here(image: Any) -> Any:  # MediaPipe's image and result
        found, error = make_result(), ctypes.c_char_p()
        status = detect(handle, image._image_ptr, None, ctypes.byref(found), ctypes.byref(error))
        if status != 0:
            if error.value is not None:
                free_message(error)
            return detector.detect(image)  # which raises the error that belongs to the status
        try:
            return read(found)
        finally:
            close(ctypes.byref(found))

    return detect_here
