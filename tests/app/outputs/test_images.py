"""Annotated pictures get names of their own, which are settled before the first is written."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import SinkError
from app.outputs.images import ImagesSink, list_targets
from app.outputs.picture_writer import write_picture
from app.sources.images import ImageSource
from app.types import FrameResult
from tests.support.synthetic import LABELS, frame_result, level_picture


def write_pictures(folder: Path, *names: str) -> list[Path]:
    for name in names:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix, level_picture(3, (30, 20)))[1].tobytes())
    return [folder / name for name in names]


def run_pictures(target: Path | None, paths: list[Path], *, overwrite: bool = False) -> Path:
    source = ImageSource(paths)
    sink = ImagesSink(target, source, overwrite=overwrite)
    for frame in source:
        sink.write(FrameResult(frame, (), LABELS), frame.image)
    sink.close()
    sink.abort()
    return sink.path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_pictures_go_into_a_folder_that_is_made(tmp_path):
    paths = write_pictures(tmp_path, "x/a.png", "x/b.jpg", "y/a.png")
    out = tmp_path / "out"
    assert run_pictures(out, paths) == out
    assert names(out) == ["a_annotated.png", "a_annotated_2.png", "b_annotated.jpg"]
    image = cv2.imread(str(out / "a_annotated.png"))
    assert np.array_equal(image, level_picture(3, (30, 20)))


@pytest.mark.parametrize("name", ["out.pdf", "out.mp4", "out.GIF", "out.heic"])
def test_no_folder_is_made_under_the_name_of_another_file(tmp_path: Path, name: str) -> None:
    paths = write_pictures(tmp_path, "a.png")
    with pytest.raises(SinkError, match="is not a picture that can be written"):
        run_pictures(tmp_path / name, paths)
    assert names(tmp_path) == ["a.png"]
    assert run_pictures(tmp_path / "out.v2", paths) == tmp_path / "out.v2" / "a_annotated.png"


def test_pictures_without_a_target_go_beside_themselves(tmp_path):
    paths = write_pictures(tmp_path, "x/a.png", "x/b.jpg")
    assert run_pictures(None, paths) == tmp_path / "x"
    assert names(tmp_path / "x") == ["a.png", "a_annotated.png", "b.jpg", "b_annotated.jpg"]
    (alone,) = write_pictures(tmp_path, "y/c.bmp")
    assert run_pictures(None, [alone]) == tmp_path / "y" / "c_annotated.bmp"


def test_single_picture_may_name_its_file(tmp_path):
    paths = write_pictures(tmp_path, "a.png", "b.png")
    out = tmp_path / "out.jpg"
    assert run_pictures(out, paths[:1]) == out
    assert out.read_bytes()[:3] == b"\xff\xd8\xff"
    with pytest.raises(SinkError, match="is one picture, but there are 2 to write"):
        run_pictures(tmp_path / "other.png", paths)


def test_suffix_that_cannot_be_written_becomes_png(tmp_path):
    source = SimpleNamespace(files={"a.xyz": tmp_path / "a.xyz"})
    sink = ImagesSink(None, source, overwrite=False)
    sink.write(frame_result(source="a.xyz"), level_picture(0, (30, 20)))
    assert names(tmp_path) == ["a_annotated.png"]


def test_existing_picture_is_refused_before_the_first_is_written(tmp_path):
    paths = write_pictures(tmp_path, "a.png", "b.png")
    out = tmp_path / "out"
    out.mkdir()
    (out / "b_annotated.png").write_text("mine")
    with pytest.raises(SinkError, match=r"b_annotated\.png exists already"):
        run_pictures(out, paths)
    assert names(out) == ["b_annotated.png"]
    run_pictures(out, paths, overwrite=True)
    assert names(out) == ["a_annotated.png", "b_annotated.png"]
    with pytest.raises(SinkError, match="is the input itself"):
        run_pictures(paths[0], paths[:1], overwrite=True)


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_a_picture_is_not_written_over_under_another_name(
    tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    paths = write_pictures(tmp_path, "a.png", "b.png")
    other = tmp_path / "a_annotated.png"
    link(other, paths[1])
    before = paths[1].read_bytes()
    with pytest.raises(SinkError, match=r"a_annotated\.png is the input itself"):
        run_pictures(None, paths, overwrite=True)
    assert paths[1].read_bytes() == before
    assert names(tmp_path) == ["a.png", "a_annotated.png", "b.png"]


def test_results_are_not_compared_with_each_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(200)]
    for path in paths:
        path.touch()
        path.with_stem(f"{path.stem}_annotated").touch()
    looks = 0
    stat = Path.stat

    def count(path: Path, **options: bool) -> os.stat_result:
        nonlocal looks
        looks += 1
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", count)
    ImagesSink(None, SimpleNamespace(files={p.name: p for p in paths}), overwrite=True)
    assert looks < 20 * len(paths)


def test_folder_that_stayed_empty_is_removed(tmp_path):
    paths = write_pictures(tmp_path, "a.png", "b.png")
    ImagesSink(tmp_path / "out", ImageSource(paths), overwrite=False).abort()
    assert names(tmp_path) == ["a.png", "b.png"]
    with pytest.raises(SinkError, match="none does not exist"):
        ImagesSink(tmp_path / "none" / "out", ImageSource(paths), overwrite=False)


def test_picture_of_unknown_kind_is_refused(tmp_path):
    with pytest.raises(SinkError, match=r"Choose a name that ends in \.png"):
        write_picture(tmp_path / "a.xyz", level_picture(0, (30, 20)), overwrite=False)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["../../evil.png", "in/../../evil.png", "/etc/evil.png"])
def test_pictures_stay_in_the_folder_that_was_asked_for(tmp_path, name):
    out = tmp_path / "deep" / "out"
    out.parent.mkdir()
    sink = ImagesSink(out, SimpleNamespace(files={name: Path(name)}), overwrite=False)
    result = frame_result(source=name)
    sink.write(result, result.frame.image)
    sink.close()
    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [Path("deep/out/evil_annotated.png")]


@given(st.lists(st.sampled_from(["a.png", "a.xyz", "a.PNG", "a_annotated.png", "a_2.png"])))
def test_each_picture_has_a_name_of_its_own(files: list[str]) -> None:
    pictures = {str(n): Path(str(n), name) for n, name in enumerate(files)}
    assert len(set(list_targets(pictures, Path("out")).values())) == len(files)


def test_pictures_of_one_name_are_counted() -> None:
    pictures = {str(n): Path(str(n), name) for n, name in enumerate(["a.png", "a.xyz", "a.png"])}
    assert [path.name for path in list_targets(pictures, Path("out")).values()] == [
        "a_annotated.png",
        "a_annotated_2.png",
        "a_annotated_3.png",
    ]
