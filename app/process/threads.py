"""Sets the number of threads and of heaps. docs/speed.md has the measurements behind both.

MediaPipe runs each network on one thread and has no option for this. ONNX Runtime gets the cores,
for batches of many faces (`app.recognition.classifier`). OpenCV gets one thread: its work on a
frame is too short to be divided, and a pool of its own would only hinder the networks.

The GNU C library gives threads heaps of their own, up to eight a core, and hardly ever returns
their memory. Every open decoder brings new threads, so memory would grow with the number of files
and of lost connections. A few threads share one heap well.
"""

import ctypes
import platform

import cv2

OPENCV_THREADS = 1
HEAPS = 1
M_ARENA_MAX = -8  # the C library's number of the setting


def set_threads() -> None:
    """Sets both for the whole process. Only threads that start later share the heap."""
    cv2.setNumThreads(OPENCV_THREADS)
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)
