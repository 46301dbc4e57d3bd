"""One task of MediaPipe is imported alone, and the package stays whole for everybody else."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.defaults import ROOT

NATIVE_LOG = re.compile(r"WARNING: Logging before InitGoogle|W\d{4} [\d:.]+ +\d+ \w+\.cc:\d+\]")
DETECT = """
import json, sys, threading
import numpy as np
from app.detection.mediapipe_detector import Detector
from app.process.mediapipe_tasks import import_vision_task

def search(detector):
    with detector:
        assert detector.detect(np.zeros((64, 64, 3), np.uint8)) == ()

def list_loaded(*names):
    return [name for name in names if name in sys.modules]
"""


def run(code: str, path: Path | None = None) -> object:
    """Runs the code in a process of its own; `path` comes before all packages. Returns the JSON
    that it prints."""
    found = f"{path}{os.pathsep}{ROOT}" if path is not None else str(ROOT)
    done = subprocess.run(
        [sys.executable, "-c", DETECT + code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": found},
        capture_output=True,
        text=True,
        check=False,
    )
    # Rarely, a tensor of MediaPipe lies badly in memory, and its native code says so.
    said = [line for line in done.stderr.splitlines() if not NATIVE_LOG.match(line)]
    assert (done.returncode, said) == (0, [])
    return json.loads(done.stdout)


def test_a_detector_leaves_nothing_of_mediapipe_to_be_found() -> None:
    code = """
search(Detector())
print(json.dumps(list_loaded("mediapipe", "matplotlib", "sounddevice", "mediapipe.tasks.c")))
"""
    assert run(code) == []


@pytest.mark.slow
def test_mediapipe_is_whole_for_those_who_import_it_later() -> None:
    code = """
before = Detector()
import mediapipe as mp
after = Detector()
search(before)
search(after)
task = import_vision_task("face_detector")
print(json.dumps([
    mp.tasks.vision.drawing_utils.__name__,
    mp.tasks.vision.FaceDetector is task.module.FaceDetector,
    mp.Image is task.images.Image,
    list_loaded("matplotlib.pyplot"),
]))
"""
    drawing = "mediapipe.tasks.python.vision.drawing_utils"
    assert run(code) == [drawing, True, True, ["matplotlib.pyplot"]]


@pytest.mark.slow
def test_a_thread_that_imports_mediapipe_at_the_same_moment_gets_all_of_it() -> None:
    code = """
found = []

def import_at_once():
    while "mediapipe" not in sys.modules:
        pass
    import mediapipe
    from mediapipe.tasks.python import vision
    found.append([mediapipe.__version__ > "1", vision.drawing_utils is not None])

sys.setswitchinterval(1e-5)
thread = threading.Thread(target=import_at_once)
thread.start()
search(Detector())
thread.join()
print(json.dumps(found))
"""
    assert run(code) == [[True, True]]


def test_a_second_task_shares_what_the_first_imported() -> None:
    code = """
faces, marks = import_vision_task("face_detector"), import_vision_task("face_landmarker")
print(json.dumps([
    marks.module.FaceLandmarker.__name__, faces.images is marks.images, list_loaded("matplotlib")
]))
"""
    assert run(code) == ["FaceLandmarker", True, []]


@pytest.mark.slow
@pytest.mark.parametrize(
    "spoil",
    [
        "tasks.importlib = Spoilt()",
        "tasks.PathFinder = Spoilt()",
    ],
    ids=["another layout", "another way of packing"],
)
def test_a_version_that_cannot_be_imported_in_parts_is_imported_whole(spoil: str) -> None:
    code = f"""
import importlib
import app.process.mediapipe_tasks as tasks

class Spoilt:
    util = importlib.util

    def find_spec(self, name, path=None):
        raise AttributeError(name)

    def import_module(self, name):
        if "mediapipe" not in sys.modules or name.endswith("c_bindings"):
            raise ModuleNotFoundError(name)
        return importlib.import_module(name)

{spoil}
search(Detector())
print(json.dumps(list_loaded("mediapipe", "matplotlib")))
"""
    assert run(code) == ["mediapipe", "matplotlib"]


def test_tensorflow_is_not_imported_for_its_marks_on_documentation(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("raise RuntimeError('was imported')\n")
    code = """
search(Detector())
try:
    import tensorflow
except RuntimeError as error:
    print(json.dumps(str(error)))
"""
    assert run(code, tmp_path) == "was imported"
