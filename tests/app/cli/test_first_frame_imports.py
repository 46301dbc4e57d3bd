"""A run imports only what its first annotated frame needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.defaults import PORTRAIT_CLIP, ROOT

# Packages that a dependency brings, and the parts of this program for other runs than this one.
NEVER = (
    *("matplotlib", "mpl_toolkits", "sounddevice", "scipy", "PIL", "pandas", "torch", "tensorflow"),
    *("mediapipe", "tqdm", "multiprocessing", "http.client", "ssl", "urllib.request", "email"),
    *("importlib.metadata", "xml.etree.ElementTree", "tomllib"),
    *("app.report.page", "app.episodes.finder", "app.pictures.reader", "app.pages.charts"),
    *("app.sources.camera", "app.sources.network_stream", "app.sources.video_download"),
    *("app.sources.images", "app.live.window", "app.records.reader", "app.batch.workers"),
)
LIST_AT_FIRST_FRAME = """
import json, sys
import app.outputs.video
import run_demo

class FirstFrame(app.outputs.video.VideoSink):
    def write(self, result, canvas):
        loaded = [name for name in sys.modules if sys.modules[name] is not None]
        print(json.dumps([len(result.faces), loaded]), flush=True)
        super().write(result, canvas)

app.outputs.video.VideoSink = FirstFrame
raise SystemExit(run_demo.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules that are loaded when the first frame of the portrait clip goes to the video."""
    line = (
        f"--video {PORTRAIT_CLIP} --end 0.001 -o a.mp4 --records a.jsonl --no-window --device cpu"
    )
    done = subprocess.run(
        [sys.executable, "-c", LIST_AT_FIRST_FRAME, *line.split()],
        cwd=tmp_path_factory.mktemp("run"),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    faces, modules = json.loads(done.stdout.splitlines()[0])
    assert faces == 1
    return set(modules)


def test_the_first_frame_of_a_video_imports_nothing_that_it_does_not_need(loaded: set[str]) -> None:
    assert loaded & set(NEVER) == set()


def test_what_it_needs_is_imported(loaded: set[str]) -> None:
    assert {"cv2", "av", "onnxruntime", "app.detection.search", "app.records.writers"} <= loaded


def test_the_names_are_those_of_modules() -> None:
    for name in NEVER:
        if name.startswith("app."):
            assert Path(ROOT, *name.split(".")).with_suffix(".py").is_file(), name
