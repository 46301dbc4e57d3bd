"""On how many threads everybody computes; the measurements that chose this are in docs/speed.md.

MediaPipe runs each network on one thread and has no option for it. ONNX Runtime gets the cores, as
`app.classifier` says, for batches of many faces. OpenCV gets one: its work on a frame is too short
to be shared out, and a pool of its own would only stand in the networks' way.
"""

import cv2

OPENCV_THREADS = 1


def set_threads() -> None:
    """For the whole process."""
    cv2.setNumThreads(OPENCV_THREADS)
