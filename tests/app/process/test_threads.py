"""Threads share one heap, so that what opens and closes many of them does not grow."""

import platform
import subprocess
import sys

import cv2
import pytest

from app.process.threads import OPENCV_THREADS, set_threads

HEAPS_OF_EIGHT_THREADS = """
import ctypes, os, sys, threading
from app.process.threads import set_threads
if sys.argv[1] == "set":
    set_threads()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
held = threading.Barrier(8)
def hold():
    place = libc.malloc(100)
    held.wait(20)
    libc.free(place)
threads = [threading.Thread(target=hold) for _ in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
libc.fdopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fdopen(os.dup(1), b"w"))
libc.malloc_info(0, stream)
libc.fflush(stream)
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="heaps of the GNU C library")
@pytest.mark.parametrize(("way", "one"), [("set", True), ("as it is", False)])
def test_threads_share_one_heap(way: str, one: bool) -> None:
    said = subprocess.run(
        [sys.executable, "-c", HEAPS_OF_EIGHT_THREADS, way],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert (said.count("<heap nr=") == 1) == one


def test_opencv_computes_on_one_thread() -> None:
    set_threads()
    assert cv2.getNumThreads() == OPENCV_THREADS
