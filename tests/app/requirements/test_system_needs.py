"""What a bare machine lacks is one line, said before the library that needs it is loaded."""

import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import run_demo
from app.cli import run_one
from app.defaults import ROOT
from app.requirements import import_guard, system_needs
from app.requirements.shared_libraries import LibraryNeeds, find_lacking, list_needed, read_needs
from app.requirements.system_needs import (
    UnfitMachineError,
    explain_import_error,
    find_kernel_problem,
    format_install_line,
    format_libraries_line,
)

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's libraries")
NEEDED, STRING_TABLE, RPATH, RUNPATH = 1, 5, 15, 29


def write_library(path: Path, names: Sequence[str], folders: str = "", tag: int = RUNPATH) -> Path:
    """A file with the tables of a 64-bit ELF library that needs `names`, and nothing else."""
    strings, entries = b"\0", []
    texts = [(NEEDED, name) for name in names] + ([(tag, folders)] if folders else [])
    for kind, text in texts:
        entries.append((kind, len(strings)))
        strings += text.encode() + b"\0"
    start, base = 64 + 2 * 56, 0x1000
    table = b"".join(
        struct.pack("<qQ", *entry)
        for entry in [*entries, (STRING_TABLE, base + start + (len(entries) + 2) * 16), (0, 0)]
    )
    content = table + strings
    size = start + len(content)
    sizes = (64, 56, 2, 0, 0, 0)  # of this header, of a segment's; how many segments
    head = struct.pack("<16sHHIQQQI6H", b"\x7fELF\x02\x01\x01", 3, 62, 1, 0, 64, 0, 0, *sizes)
    loaded = struct.pack("<II6Q", 1, 5, 0, base, base, size, size, 0x1000)
    dynamic = struct.pack("<II6Q", 2, 6, start, base + start, base + start, len(table), 0, 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + loaded + dynamic + content)
    return path


def test_wants_are_read_from_the_file(tmp_path: Path) -> None:
    path = write_library(tmp_path / "a.so", ["libx.so.1", "liby.so.2"], "$ORIGIN/../b:${ORIGIN}")
    assert read_needs(path) == LibraryNeeds(
        ("libx.so.1", "liby.so.2"), (tmp_path / "../b", tmp_path)
    )
    assert read_needs(write_library(tmp_path / "c.so", [], "/opt", RPATH)) == LibraryNeeds(
        (), (Path("/opt"),)
    )


@pytest.mark.parametrize(
    "content", [b"", b"no library", b"\x7fELF\x02\x01", b"\x7fELF\x01\x01" * 40]
)
def test_other_files_want_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert list_needed(tmp_path / "a") == ()


def test_library_cut_short_wants_nothing(tmp_path: Path) -> None:
    whole = write_library(tmp_path / "a.so", ["libx.so.1"]).read_bytes()
    for size in (64, 100, 180):
        (tmp_path / "cut.so").write_bytes(whole[:size])
        assert set(list_needed(tmp_path / "cut.so")) <= {""}


def test_lacking_goes_through_the_libraries_that_a_wheel_brings(tmp_path: Path) -> None:
    """The bundled library itself has no folder to look in: that of its user counts."""
    libs = tmp_path / "libs"
    start = write_library(
        tmp_path / "cv2" / "cv2.so", ["libQt.so.5", "libc.so.6"], "$ORIGIN/../libs"
    )
    write_library(libs / "libQt.so.5", ["libGL.so.1", "libCore.so.5"])
    write_library(libs / "libCore.so.5", ["libgthread-2.0.so.0", "libQt.so.5"])
    asked = []

    def loads(name: str) -> bool:
        asked.append(name)
        return name == "libc.so.6"

    found = {name: path.name for name, path in find_lacking([start], loads).items()}
    assert found == {"libGL.so.1": "libQt.so.5", "libgthread-2.0.so.0": "libCore.so.5"}
    assert sorted(asked) == ["libGL.so.1", "libc.so.6", "libgthread-2.0.so.0"]


@LINUX
def test_installed_packages_are_read_as_they_are() -> None:
    (library,) = system_needs.list_entry_libraries("mediapipe")
    assert {"libEGL.so.1", "libGLESv2.so.2", "libc.so.6"} <= set(list_needed(library))
    names = [path.name for path in system_needs.list_entry_libraries("onnxruntime")]
    assert len(names) == 1  # and none of the optional providers
    assert names[0].startswith("onnxruntime_pybind11_state")
    assert system_needs.list_entry_libraries("nowhere") == []


@pytest.mark.parametrize(
    ("libraries", "managers", "line"),
    [
        (["libGL.so.1"], {"apt-get"}, "apt-get update && apt-get install -y libgl1"),
        (
            ["libglib-2.0.so.0", "libgthread-2.0.so.0", "libEGL.so.1"],
            {"apt-get", "dnf"},
            "apt-get update && apt-get install -y libegl1 libglib2.0-0",
        ),
        (["libGL.so.1", "libEGL.so.1"], {"dnf"}, "dnf install -y libglvnd-egl libglvnd-glx"),
        (["libodd.so.7"], {"dnf"}, "dnf install -y 'libodd.so.7()(64bit)'"),
        (
            ["libodd.so.7"],
            {"apt-get"},
            "install the packages that have libodd.so.7 (apt-file search NAME)",
        ),
        (
            ["libSM.so.6"],
            set(),
            "apt-get update && apt-get install -y libsm6 (Debian, Ubuntu), dnf install -y libSM "
            "(Fedora)",
        ),
    ],
)
def test_line_that_installs_is_that_of_the_system(
    libraries: list[str], managers: set[str], line: str
) -> None:
    assert format_install_line(libraries, managers.__contains__) == line


def test_missing_libraries_are_named_with_who_needs_them() -> None:
    lost = {"libEGL.so.1": ["mediapipe"], "libGL.so.1": ["cv2"]}
    assert format_libraries_line(lost).startswith(
        "libEGL.so.1, libGL.so.1 are missing on this system, and mediapipe and "
        "opencv-contrib-python cannot be loaded without them. As root: "
    )
    assert " is missing on this system, and mediapipe cannot be loaded without it." in (
        format_libraries_line({"libEGL.so.1": ["mediapipe"]})
    )


@LINUX
def test_missing_file_of_the_kernel_is_said_where_mediapipe_would_end(tmp_path: Path) -> None:
    files = {str(tmp_path / "possible"): "mount it"}
    assert find_kernel_problem(files, lambda: True) is None
    line = find_kernel_problem(files, lambda: False)
    assert line is not None
    assert line.startswith(f"{tmp_path}/possible is not there, and mediapipe would end the program")
    assert line.endswith("or as root: mount it")
    (tmp_path / "possible").write_text("0-1\n")
    assert find_kernel_problem(files, lambda: False) is None


@pytest.fixture
def lost_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(packages: Sequence[str] = system_needs.GUARDED) -> dict[str, list[str]]:
        return {"libGL.so.1": ["cv2"]} if "cv2" in packages else {}

    monkeypatch.setattr(system_needs, "map_missing_libraries", lost)


@pytest.mark.usefixtures("lost_library")
def test_first_import_is_stopped_and_only_of_who_lacks_something() -> None:
    guard = import_guard._ImportGuard()
    for _ in range(2):
        with pytest.raises(UnfitMachineError, match=r"^libGL\.so\.1 is missing"):
            guard.find_spec("cv2")
    assert guard.find_spec("mediapipe") is guard.find_spec("numpy") is None
    guard.is_paused = True
    assert guard.find_spec("cv2") is None


@pytest.mark.usefixtures("lost_library")
def test_program_ends_in_one_line_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_one, "run_one", lambda options: pytest.fail("went on"))
    assert run_demo.main(["--demo", "--no-window", "-o", "out.mp4"]) == 2
    assert capfd.readouterr().err.startswith("error: libGL.so.1 is missing on this system")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "start", "end"),
    [
        (UnfitMachineError("It lacks."), "It lacks.", ""),
        (
            ModuleNotFoundError("", name="av"),
            f"av is not installed for {sys.executable}.",
            "python -m pip install -c constraints.txt -e .",
        ),
        (
            ModuleNotFoundError("", name="torch"),
            "torch",
            "python -m pip install -c constraints.txt -e '.[training]'",
        ),
    ],
)
def test_failed_imports_say_what_to_do(error: ImportError, start: str, end: str) -> None:
    line = explain_import_error(error)
    assert line is not None
    assert line.startswith(start)
    assert line.endswith(end)


@pytest.mark.parametrize("error", [ModuleNotFoundError("", name="app.nowhere"), ImportError("x")])
def test_other_failed_imports_stay_errors_of_the_program(error: ImportError) -> None:
    assert explain_import_error(error) is None


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("module", ["app.report", "training.retrain"])
def test_every_command_ends_in_that_line(tmp_path: Path, module: str) -> None:
    """An OpenCV that needs a library which nobody has lies before the real one."""
    if module.startswith("training"):
        pytest.importorskip("torch")
    write_library(tmp_path / "cv2" / "cv2.so", ["libodd.so.7"])
    (tmp_path / "cv2" / "__init__.py").write_text("raise RuntimeError('was loaded')")
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "error: libodd.so.7 is missing on this system, and opencv-contrib-python cannot"
    )
