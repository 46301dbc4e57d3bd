"""The scripts of examples/ on the clips that come with the program."""

import csv
import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType

import av
import cv2
import pytest

from app import Recogniser, Selection, VideoSource
from app.defaults import PORTRAIT_CLIP, ROOT
from app.types import Image

FOLDER = ROOT / "examples"
FEW = Selection(start_s=2.0, end_s=4.0, fps=5)  # ten frames


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_image(
    clip_frames: dict[int, Image], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load("image").main([]) == 0
    assert capsys.readouterr().out.startswith("1 face in image\nface 1 at (")
    cv2.imwrite(str(tmp_path / "photo.png"), clip_frames[0])
    assert load("image").main([str(tmp_path / "photo.png")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("1 face in photo.png\nface 1 at (")
    assert "): happiness\n" in said
    assert load("image").main(["nowhere.png"]) == 2
    assert capsys.readouterr().err.startswith("error: nowhere.png does not exist")


@pytest.mark.slow
def test_video(tmp_path: Path) -> None:
    video = load("video")
    folder = tmp_path / "made" / "out"
    assert video.annotate(PORTRAIT_CLIP, folder, FEW) == 10
    assert sorted(path.name for path in folder.iterdir()) == [
        *("annotated.mp4", "episodes.vtt", "records.csv")
    ]
    with (folder / "records.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["label"] for row in rows} >= {"happiness"}
    assert len(rows) == 10
    with av.open(str(folder / "annotated.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10
    assert "face 1: happiness" in (folder / "episodes.vtt").read_text()
    assert video.main([str(PORTRAIT_CLIP), str(folder)]) == 2  # nothing is overwritten


@pytest.mark.slow
def test_live() -> None:
    live = load("live")
    clip = VideoSource(PORTRAIT_CLIP, selection=Selection(end_s=2.0))
    with Recogniser() as recogniser, clip:
        lines = list(live.changes(recogniser, live.played(clip)))
    assert lines[0] == "   0.0 s  face 1: happiness"
    assert live.main(["/nowhere"]) == 2


@pytest.mark.slow
def test_custom_sink(tmp_path: Path) -> None:
    custom_sink = load("custom_sink")
    folder = tmp_path / "made" / "out"
    custom_sink.store(PORTRAIT_CLIP, folder, FEW)
    assert sorted(path.name for path in folder.iterdir()) == ["faces.db", "records.jsonl"]
    with closing(sqlite3.connect(folder / "faces.db")) as database:
        rows = database.execute("SELECT frame, face_id, label FROM faces ORDER BY frame").fetchall()
    assert len(rows) == 10
    assert (rows[-1][1:]) == (1, "happiness")
    assert custom_sink.main([str(PORTRAIT_CLIP), str(folder)]) == 2


@pytest.mark.parametrize("name", ["image", "video", "live", "custom_sink"])
def test_help_is_no_file(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load(name).main(["--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: ")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["video", "custom_sink"])
def test_folder_that_cannot_be_made_is_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    example = load(name)
    assert example.main([str(PORTRAIT_CLIP), str(tmp_path / "file" / "out")]) == 2
    assert capsys.readouterr().err.startswith("error: [Errno 20] Not a directory")
