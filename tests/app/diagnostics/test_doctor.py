"""Every broken condition has its line with a way out, and a doctor that stumbles goes on."""

import importlib.metadata
import io
import json
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.contract import TrainingData
from app.defaults import ROOT
from app.diagnostics import doctor_models, doctor_packages, doctor_system
from app.diagnostics.check import SEE_ABOVE, Check
from app.diagnostics.doctor import Findings, Group, Style, can_run, examine
from app.errors import SinkError
from app.files.hashing import sha256_of_file
from app.outputs.encoder_trial import Trial
from app.outputs.encoders import Encoder
from app.process.machine import has_nvidia_card
from app.requirements.system_needs import UnfitMachineError, format_install_line
from app.sources import camera_list
from run_demo import main
from tests.support.subprocesses import run_without_packages
from tests.support.tiny_model import tiny_contract, write_tiny_model

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's libraries")


def one(checks: Iterable[Check]) -> Check:
    (check,) = checks
    return check


def versions(**found: str) -> Callable[[str], str]:
    def installed(name: str) -> str:
        try:
            return found[name.replace("-", "_")]
        except KeyError:
            raise importlib.metadata.PackageNotFoundError(name) from None

    return installed


@pytest.mark.parametrize(
    ("version", "status", "detail"),
    [
        ("2.4.6", "ok", "2.4.6"),
        ("2.1.0", "ok", "2.1.0 (tests ran with 2.4.6)"),
        ("1.26.4", "warning", "1.26.4, but >=2.0 is asked"),
        (None, "failed", "is not installed"),
    ],
)
def test_packages_are_held_against_what_is_asked(
    version: str | None, status: str, detail: str
) -> None:
    installed = versions(opencv_python="5", **({"numpy": version} if version else {}))
    check = next(iter(doctor_packages.check_package_versions(["numpy>=2.0"], installed)))
    assert (check.name, check.status, check.detail) == ("numpy", status, detail)
    assert (check.remedy is None) == (status == "ok")


def test_package_of_another_platform_is_not_missed() -> None:
    lines = ["nothing>=1; platform_system == 'Nowhere'"]
    checks = list(doctor_packages.check_package_versions(lines, versions(opencv_python="5")))
    assert [check.name for check in checks] == ["OpenCV"]


@pytest.mark.parametrize(
    ("wheels", "build", "status", "detail", "remedy"),
    [
        ({"opencv_python": "5"}, "  GUI:      QT5\n", "ok", "with windows (QT5)", None),
        (
            {"opencv_python": "5.0.0.93", "opencv_contrib_python": "4.11.0.86"},
            "  GUI: QT5\n",
            "warning",
            "opencv-python 5.0.0.93 and opencv-contrib-python 4.11.0.86",
            "uninstall -y opencv-python opencv-contrib-python",
        ),
        (
            {"opencv_python": "5", "opencv_python_headless": "5"},
            "  GUI:       NONE\n",
            "warning",
            "without windows",
            "uninstall -y opencv-python-headless;",
        ),
    ],
)
def test_opencv_is_one_and_has_windows(
    wheels: dict[str, str], build: str, status: str, detail: str, remedy: str | None
) -> None:
    check = one(doctor_packages.check_opencv(versions(**wheels), build))
    assert check.status == status
    assert detail in check.detail
    assert (remedy or "") in (check.remedy or "")


def test_old_python_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert one(doctor_packages.check_python()).status == "ok"
    monkeypatch.setattr(doctor_packages, "OLDEST_PYTHON", (99, 0))
    assert one(doctor_packages.check_python()).status == "failed"


@pytest.mark.parametrize(
    ("lost", "name"),
    [
        (
            {"libEGL.so.1": ["mediapipe"], "libGL.so.1": ["cv2"]},
            "for mediapipe, opencv-contrib-python",
        ),
        ({"libodd.so.7": ["av"]}, "for av"),
    ],
)
def test_missing_system_library_comes_with_its_package(
    lost: dict[str, list[str]], name: str
) -> None:
    check = one(doctor_system.check_system_libraries(lost))
    assert (check.name, check.status) == (name, "failed")
    assert check.detail == f"{', '.join(lost)} cannot be found"
    assert check.remedy == format_install_line(lost)


def test_missing_file_of_the_kernel_is_a_failed_line() -> None:
    libraries, kernel = doctor_system.check_system_libraries({}, "/sys is not there. Mount it.")
    assert libraries.status == "ok"
    assert (kernel.status, kernel.detail, kernel.remedy) == (
        *("failed", "/sys is not there", "Mount it."),
    )


def test_display_is_optional() -> None:
    def none() -> None:
        raise SinkError("There is no display to open a window on. Add --no-window.")

    check = one(doctor_system.check_window(none))
    assert check == Check(
        "display", "warning", "there is no display to open a window on", "Add --no-window."
    )
    assert one(doctor_system.check_window(lambda: None)).status == "ok"


GOOD_CAMERA = {"opened": True, "backend": "V4L2", "modes": [[640, 480, 30]], "first_ms": 210}


@pytest.mark.parametrize(
    ("answer", "as_asked", "as_found", "detail"),
    [
        (GOOD_CAMERA, "ok", "ok", "640 × 480 at 30 · V4L2, first picture after 210 ms"),
        ({**GOOD_CAMERA, "first_ms": None}, "failed", "warning", "gives no picture"),
        (subprocess.TimeoutExpired("x", 1), "failed", "warning", "did not answer within 12 s"),
        (subprocess.CalledProcessError(-11, "x"), "failed", "warning", "brings its driver down"),
        ({"opened": False}, "failed", "warning", ""),
    ],
)
def test_camera_is_asked_but_not_trusted(
    answer: Any, as_asked: str, as_found: str, detail: str
) -> None:
    def probe(index: int, timeout_s: float) -> dict[str, Any]:
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = answer
        return found

    asked = one(doctor_system.check_cameras(2, None, probe))
    assert (asked.name, asked.status) == ("camera 2", as_asked)
    assert detail in asked.detail
    found = list(doctor_system.check_cameras(None, (0,), probe))
    assert found[0].status == as_found


def test_stream_that_does_not_open_says_why_without_its_password() -> None:
    def probe(target: int | str, timeout_s: float) -> dict[str, Any]:
        assert target == "rtsp://me:pw@cam/"
        return {"opened": False, "why": "rtsp://***@cam/ has nothing at this path."}

    check = one(doctor_system.check_cameras("rtsp://me:pw@cam/", None, probe))
    assert (check.name, check.status) == ("camera rtsp://***@cam/", "failed")
    assert check.detail == "rtsp://***@cam/ has nothing at this path."
    assert check.remedy is not None
    assert check.remedy.startswith("See --list-cameras")


def test_hanging_cameras_take_bounded_time() -> None:
    now = [0.0]

    def hangs(index: int, timeout_s: float) -> dict[str, Any]:
        now[0] += timeout_s
        raise subprocess.TimeoutExpired("probe", timeout_s)

    checks = list(doctor_system.check_cameras(None, range(8), hangs, lambda: now[0]))
    assert now[0] == doctor_system.CAMERAS_TIMEOUT_S
    assert [c.detail.split()[0] for c in checks] == ["did"] * 3 + ["not"] * 5 + ["none"]


def test_camera_that_hangs_is_really_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app" / "sources").mkdir(parents=True)
    (tmp_path / "app" / "sources" / "camera_probe.py").write_text("import time; time.sleep(60)")
    monkeypatch.setattr(camera_list, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        camera_list.run_camera_probe(0, 0.5)


def test_missing_encoder_is_named() -> None:
    def can(name: str, mode: str) -> None:
        if name in ("libx264", "prores"):
            raise ValueError(name)

    writing, reading = doctor_system.check_codecs(can)
    assert (writing.status, reading.status) == ("warning", "warning")
    assert "lacks libx264" in writing.detail
    assert "lacks prores" in reading.detail
    assert [check.status for check in doctor_system.check_codecs()] == ["ok", "ok"]


def test_encoders_that_work_are_listed() -> None:
    def attempt(encoder: Encoder) -> Trial:
        works = encoder.name in ("libx264", "mpeg4", "h264_nvenc")
        return Trial(encoder, None if works else "no such device")

    software, hardware = doctor_system.check_encoders(attempt)
    assert software.detail == "h264 (libx264), mpeg4 (mpeg4)"
    assert hardware.detail == "h264_nvenc"


@pytest.mark.parametrize(("free", "status"), [(1 << 20, "warning"), (5 << 30, "ok")])
def test_full_disk_is_warned_of(tmp_path: Path, free: int, status: str) -> None:
    usage = namedtuple("usage", "free")
    assert one(doctor_system.check_disk(tmp_path, lambda _: usage(free))).status == status


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A models folder with what the demo needs, listed in its card."""
    write_tiny_model(tmp_path / "dacl.onnx", tiny_contract())
    write_tiny_model(tmp_path / doctor_models.FACE_CHECK, tiny_contract())
    for name in doctor_models.DETECTORS:
        (tmp_path / name).write_bytes(b"detector")
    hashes = {f"`{p.name}`": f"`{sha256_of_file(p)}`" for p in sorted(tmp_path.iterdir())}
    model = hashes.pop("`dacl.onnx`")
    rows = [f"| {name} | something | MIT | {digest} |" for name, digest in hashes.items()]
    (tmp_path / "dacl.pt").write_bytes(b"to go on from")
    network = f"`{sha256_of_file(tmp_path / 'dacl.pt')}`"
    rows.append(f"| `dacl.onnx`, `dacl.pt` | two in a row | MIT | {model}, {network} |")
    (tmp_path / "README.md").write_text("\n".join(rows) + "\n")
    return tmp_path


def statuses(shelf: Path, given: Path | None = None) -> dict[str, tuple[str, str]]:
    return {c.name: (c.status, c.detail) for c in doctor_models.check_models(given, shelf)}


def test_models_are_what_their_card_says(shelf: Path) -> None:
    found = statuses(shelf)
    assert {name: status for name, (status, _) in found.items()} == {
        **dict.fromkeys(("dacl.onnx", "dacl.pt"), "ok"),
        **dict.fromkeys((*doctor_models.DETECTORS, doctor_models.FACE_CHECK), "ok"),
    }
    assert found["dacl.onnx"][1].endswith("2 labels, grey, 16 px")
    assert all(detail.startswith("as its card says · ") for _, detail in found.values())


def test_accuracy_is_told_with_the_faces_that_it_is_of(tmp_path: Path) -> None:
    metrics = {"accuracy": 0.8712, "split": "validation", "faces": 3199}
    contract = replace(
        tiny_contract(), metrics=metrics, training_data=TrainingData("FER+", "key", ())
    )
    write_tiny_model(tmp_path / "dacl.onnx", contract)
    detail = statuses(tmp_path)["dacl.onnx"][1]
    assert detail.endswith(", accuracy 0.871 on 3,199 faces of FER+ validation")


def test_broken_models_fail_where_the_demo_needs_them(shelf: Path) -> None:
    (shelf / "face_detection_short_range.tflite").write_bytes(b"another")
    (shelf / "dacl.onnx").unlink()
    write_tiny_model(shelf / "mine.onnx", None)
    found = statuses(shelf)
    assert found["dacl.onnx"] == ("failed", "is missing")
    assert found["face_detection_short_range.tflite"][0] == "failed"
    assert "is not what its card says" in found["face_detection_short_range.tflite"][1]
    assert found["mine.onnx"][0] == "warning"
    assert "has no contract" in found["mine.onnx"][1]


def test_model_that_was_named_has_to_work(shelf: Path) -> None:
    mine = write_tiny_model(shelf / "mine.onnx", tiny_contract())
    (shelf / "dacl.onnx").unlink()
    found = statuses(shelf, mine)
    assert found["dacl.onnx"][0] == "warning"
    assert found[str(mine)][0] == "ok"
    assert statuses(shelf, shelf / "no.onnx")[str(shelf / "no.onnx")][0] == "failed"


ANSWER = {
    "provider": "CPU",
    "fallback": None,
    "faces": 1,
    "label": "happiness",
    "start_ms": 1200.0,
    "stages": {"decode": 1.0, "detect": 9.0},
}


@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        (ANSWER, "ok", "happiness; first result after 1.2 s"),
        ({**ANSWER, "faces": 0}, "failed", "its face was not found"),
        ({"error": "It is broken. Mend it."}, "failed", "It is broken"),
        (subprocess.TimeoutExpired("x", 90), "failed", "no result within 90 s"),
        (subprocess.CalledProcessError(-11, "x"), "failed", "crashed with SIGSEGV"),
        (
            subprocess.CalledProcessError(1, "x", stderr="Trace\nImportError: libX\n"),
            "failed",
            "ImportError: libX",
        ),
    ],
)
def test_frame_tells_how_it_went(answer: Any, status: str, detail: str) -> None:
    def probe(model: Path | None) -> dict[str, Any]:
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = answer
        return found

    first, *rest = doctor_models.check_frame(None, probe)
    assert first.status == status
    assert detail in first.detail
    assert [c.status for c in rest] == (["ok", "ok"] if status == "ok" else [])


def test_slow_frame_is_a_warning() -> None:
    slow = {**ANSWER, "stages": {"detect": 900.0}, "fallback": "CUDA does not work here"}
    _, stages, where = doctor_models.check_frame(None, lambda _: slow)
    assert stages.status == "warning"
    assert where.detail == "CPU (CUDA does not work here)"


@LINUX
@pytest.mark.parametrize(
    ("lost", "status", "detail"),
    [
        (set(), "ok", "its libraries are there"),
        ({"libcudnn.so.9"}, "warning", "cannot be used: libcudnn.so.9 not found"),
        ({"libcuda.so.1"}, "ok", "no NVIDIA GPU here, so the CPU is used"),
        ({"libcuda.so.1", "libcudnn.so.9"}, "ok", "no NVIDIA GPU here, so the CPU is used"),
    ],
)
def test_cuda_libraries_are_missed_by_name(lost: set[str], status: str, detail: str) -> None:
    _, cuda = doctor_models.check_providers(
        ["CUDAExecutionProvider", "CPUExecutionProvider"],
        Path(sys.executable).resolve(),
        lambda name: name not in lost,
        lambda: False,
    )
    assert cuda.status == status
    assert cuda.detail == detail


@LINUX
def test_card_without_a_driver_is_a_warning() -> None:
    _, cuda = doctor_models.check_providers(
        ["CUDAExecutionProvider", "CPUExecutionProvider"],
        Path(sys.executable).resolve(),
        lambda name: name != "libcuda.so.1",
        lambda: True,
    )
    assert cuda.status == "warning"
    assert "has no driver (libcuda.so.1)" in cuda.detail
    assert cuda.remedy is not None
    assert cuda.remedy.startswith("Install NVIDIA's driver")


@pytest.mark.parametrize(
    ("vendor", "kind", "has_card"),
    [
        ("0x10de", "0x030000", True),
        ("0x10de", "0x030200", True),
        ("0x10de", "0x040300", False),
        ("0x1002", "0x030000", False),
    ],
)
def test_cards_are_found_on_the_bus(vendor: str, kind: str, has_card: bool, tmp_path: Path) -> None:
    (tmp_path / "0000:00:00.0").mkdir()  # a device that tells nothing
    device = tmp_path / "0000:01:00.0"
    device.mkdir()
    (device / "vendor").write_text(vendor + "\n")
    (device / "class").write_text(kind + "\n")
    assert has_nvidia_card(tmp_path) == has_card
    assert not has_nvidia_card(tmp_path / "missing")


def test_build_without_cuda_has_nothing_to_miss() -> None:
    check = one(doctor_models.check_providers(["CPUExecutionProvider"]))
    assert (check.status, check.detail) == ("ok", "built with CPU")


def test_group_that_crashes_is_a_failed_line_and_the_rest_goes_on() -> None:
    def half() -> Iterable[Check]:
        yield Check("first", "ok", "there")
        raise KeyError("lost\nkey")

    seen: list[Findings] = []
    wanted = [Group("A", False, half), Group("B", True, lambda: [Check("b", "ok", "fine")])]
    found = examine(wanted, seen.append)
    assert found == seen
    assert [c.status for c in found[0].checks] == ["ok", "failed"]
    assert "KeyError" in found[0].checks[1].detail
    assert found[1].checks[0].status == "ok"
    assert can_run(found)
    assert not can_run(examine([Group("A", True, half)], seen.append))


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ModuleNotFoundError("x", name="av"), "av is not installed"),
        (UnfitMachineError("libGL is missing"), "not all that it needs is there"),
        (
            ImportError("libz.so:\nno such file"),
            "a package cannot be loaded: libz.so: no such file",
        ),
    ],
)
@pytest.mark.parametrize(("essential", "status"), [(True, "failed"), (False, "warning")])
def test_package_that_cannot_be_loaded_is_no_fault_of_the_program(
    error: ImportError, why: str, essential: bool, status: str
) -> None:
    def look() -> Iterable[Check]:
        raise error

    (found,) = examine([Group("Video", essential, look)], lambda _: None)
    assert one(found.checks) == Check("Video", status, f"not looked at: {why}", SEE_ABOVE)


FOUND = Findings(
    "Models",
    True,
    (
        Check("dacl.onnx", "ok", "as its card says · 8 labels, " + "word " * 20),
        Check("a_name_that_is_longer_than_its_column.tflite", "warning", "is missing", "Restore."),
        Check("x", "failed", "broken…", "python -m pip install " + "y" * 90),
    ),
)


@pytest.mark.parametrize("marks", [True, False])
def test_answer_fits_80_columns(marks: bool) -> None:
    text = Style(columns=80, has_colour=False, has_marks=marks).render(FOUND)
    assert max(map(len, text.splitlines())) <= 80
    assert text.isascii() != marks
    details = [line for line in text.splitlines() if "is missing" in line or "as its" in line]
    assert len({line.index("is missing" if "is m" in line else "as its") for line in details}) == 1


def test_colour_is_for_terminals_that_want_it() -> None:
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    assert Style.choose(Terminal(), {}).has_colour
    assert not Style.choose(Terminal(), {"NO_COLOR": "1"}).has_colour
    assert not Style.choose(io.StringIO(), {}).has_colour
    painted = Style(80, has_colour=True, has_marks=True).render(FOUND)
    assert "\x1b[32m✓ ok\x1b[0m" in painted
    assert "\x1b[31m✗ failed\x1b[0m" in painted


@pytest.mark.parametrize("package", ["onnxruntime", "mediapipe", "av"])
def test_doctor_sees_what_the_demo_uses(package: str) -> None:
    """A frame of the demo cannot come out well where one of its packages is missing."""
    done = run_without_packages(
        package, "from app.diagnostics.frame_probe import probe_frame; probe_frame(None)"
    )
    assert f"No module named '{package}" in done.stderr


@pytest.mark.slow
def test_real_machine_is_examined(capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["--doctor", "--json"])
    said = capfd.readouterr()
    checks = json.loads(said.out)
    assert said.err == ""
    assert code == 0, checks
    assert all(set(check) == {"name", "status", "detail", "remedy"} for check in checks)
    names = [check["name"] for check in checks]
    assert len(set(names)) == len(names)
    assert {"Python", "numpy", "dacl.onnx", "portrait clip", "runs on", "display"} <= set(names)
    assert all(check["remedy"] for check in checks if check["status"] == "failed")


def test_missing_packages_are_said_not_stumbled_over() -> None:
    code = "import run_demo; raise SystemExit(run_demo.main(['--doctor', '--camera', '97']))"
    done = run_without_packages("numpy cv2 av mediapipe onnxruntime scipy tqdm packaging", code)
    assert done.returncode == 1
    assert done.stderr == ""
    assert "Python" in done.stdout
    assert "please report" not in done.stdout
    assert "The demo cannot run here yet" in done.stdout


@pytest.mark.slow
def test_reader_that_has_had_enough_is_no_error() -> None:
    line = [sys.executable, "run_demo.py", "--doctor"]
    with subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.readline()
        command.stdout.close()
        assert command.stderr.read() == b""
        assert command.wait(60) == 1


def test_json_goes_with_doctor_or_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--json"])
    assert ended.value.code == 2
    assert "--json goes with --doctor" in capsys.readouterr().err
