"""--list-cameras: a line for each camera, whatever its driver does."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.sources.camera_list import (
    CAMERAS_TIMEOUT_S,
    ListedCamera,
    find_cameras,
    find_lasting_path,
    print_cameras,
    read_camera_name,
    run_camera_probe,
)

WORKS = {"opened": True, "backend": "V4L2", "modes": [[640, 480, 30]], "first_ms": 210}
DOWN = "3  brings its driver down; unplug and replug it"


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (WORKS, "3  640 x 480 at 30  V4L2"),
        ({**WORKS, "first_ms": None}, "3  opens but gives no picture; is it in use?"),
        ({"opened": False}, None),
        (subprocess.TimeoutExpired("x", 1), "3  did not answer; unplug and replug it"),
        (
            subprocess.CalledProcessError(-11, "x"),
            "3  brings its driver down; unplug and replug it",
        ),
        (ValueError(), DOWN),
    ],
)
def test_each_camera_is_a_line(answer: Any, line: str | None) -> None:
    def probe(target: int | str, timeout_s: float) -> dict[str, Any]:
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = answer
        return found

    assert [str(one) for one in find_cameras((3,), probe)] == ([] if line is None else [line])


def test_hanging_drivers_take_bounded_time() -> None:
    now = [0.0]

    def hangs(target: int | str, timeout_s: float) -> dict[str, Any]:
        now[0] += timeout_s
        raise subprocess.TimeoutExpired("probe", timeout_s)

    found = list(find_cameras(range(8), hangs, lambda: now[0]))
    assert now[0] == CAMERAS_TIMEOUT_S
    assert [one.detail.split()[0] for one in found] == ["did"] * 3 + ["not"] * 5


def test_linux_knows_names_and_lasting_paths(tmp_path: Path) -> None:
    (tmp_path / "video2").mkdir()
    (tmp_path / "video2" / "name").write_bytes(b"HD\x07 Cam\xff\n")
    (tmp_path / "v4l" / "by-id").mkdir(parents=True)
    link = tmp_path / "v4l" / "by-id" / "usb-HD_Cam-index0"
    link.symlink_to("../../video2")
    assert read_camera_name(2, tmp_path) == "HD Cam\ufffd"
    assert (read_camera_name(0, tmp_path), find_lasting_path(0, tmp_path)) == ("", None)
    assert find_lasting_path(2, tmp_path) == str(link)
    assert find_lasting_path(2, tmp_path / "none") is None


@pytest.mark.parametrize("works", [False, True])
def test_list_says_whether_one_works(works: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        print_cameras([ListedCamera(0, works, (), "A"), ListedCamera(1, False, (), "B")]) is works
    )
    assert capsys.readouterr().out == "0  A\n1  B\n"


@pytest.mark.slow
@pytest.mark.parametrize("target", [97, "/dev/null"])
def test_camera_that_is_not_there_does_not_open(target: int | str) -> None:
    assert run_camera_probe(target, 60)["opened"] is False
