"""On how many threads everybody computes, and out of how many heaps; the measurements that chose
this are in docs/speed.md.

MediaPipe runs each network on one thread and has no option for it. ONNX Runtime gets the cores, as
`app.recognition.classifier` says, for batches of many faces. OpenCV gets one: its work on a frame
is too short to be shared out, and a pool of its own would only stand in the networks' way.

The GNU C library gives threads heaps of their own, up to eight a core, and what one of them has
taken hardly ever goes back. Every decoder that is opened brings new threads, so memory would grow
with the number of files and of lost connections. A few threads share one heap well.
"""

import ctypes
import platform

import cv2

OPENCV_THREADS = 1
HEAPS = 1
M_ARENA_MAX = -8  # the C library's number of the setting


def set_threads() -> None:
    """For the whole process; before other threads have begun, as far as heaps go."""
    cv2.setNumThreads(OPENCV_THREADS)
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)
