"""Libraries that report to their makers are kept from it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.defaults import ROOT
from app.process.telemetry_off import NOBODY, PROXY

CLASSIFY = """
import numpy as np
from app.recognition.classifier import Classifier
classifier = Classifier(device="cpu")
side = classifier.contract.size_px
classifier.predict(np.zeros((1, side, side, 3), np.uint8))
"""
DETECT = """
import sys, time
import numpy as np
import app.process.telemetry_off as no_reports
no_reports.lead_mediapipe_reports.__defaults__ = (sys.argv[1],)
from app.detection.mediapipe_detector import Detector
with Detector() as detector:
    detector.detect(np.zeros((128, 128, 3), np.uint8))
    time.sleep(3)
"""
IN_NATIVE_CODE = """
import ctypes, os
from app.process.mediapipe_tasks import import_vision_task
from app.process.telemetry_off import PROXY
import_vision_task("face_detector")
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
print(getenv(PROXY.encode()).decode(), PROXY in os.environ)
"""


def started(code: str, *words: str, home: Path) -> subprocess.Popen[str]:
    """A process that nothing tells it is a test's."""
    strange = {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME", PROXY}
    environment = {k: v for k, v in os.environ.items() if k not in strange} | {"HOME": str(home)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_onnx_runtime_keeps_no_reports(tmp_path: Path) -> None:
    with started(CLASSIFY, home=tmp_path) as process:
        assert process.wait(60) == 0
    assert not list(tmp_path.rglob("*onnxruntime*"))
    assert not list(tmp_path.rglob("deviceid"))


@pytest.mark.slow
def test_reports_of_mediapipe_go_where_they_are_led(tmp_path: Path) -> None:
    """Here, to this test; in the program, to a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
        with started(DETECT, proxy, home=tmp_path) as process:
            connection, _ = server.accept()
            with connection:
                request = connection.recv(200)
            assert process.wait(60) == 0
    assert request.startswith(b"CONNECT play.googleapis.com:443")


@pytest.mark.slow
def test_they_are_led_to_nobody_and_python_sees_no_proxy(tmp_path: Path) -> None:
    with started(IN_NATIVE_CODE, home=tmp_path) as process:
        said, _ = process.communicate(timeout=60)
    assert said.split() == [NOBODY, "False"]


def test_nobody_listens_there() -> None:
    host, port = NOBODY.removeprefix("http://").split(":")
    with socket.socket() as asked:
        asked.settimeout(2)
        assert asked.connect_ex((host, int(port))) != 0


@pytest.mark.slow
def test_what_mediapipe_imports_does_not_complain_of_the_users_folder(tmp_path: Path) -> None:
    """Matplotlib would, in a container whose home cannot be written to."""
    (tmp_path / "file").touch()
    code = "from app.process.telemetry_off import import_mediapipe; import_mediapipe()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "MPLCONFIGDIR": str(tmp_path / "file" / "x")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "atplotlib" in done.stderr) == (0, False)
