"""The scripts of examples/ on the demo clip."""

import csv
import importlib.util
import sqlite3
from pathlib import Path
from types import ModuleType

import av
import pytest

from app import Recogniser, Selection, VideoSource

FOLDER = Path(__file__).resolve().parent.parent / "examples"
FEW = Selection(start_s=2.0, end_s=4.0, fps=5)  # ten frames


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_image(capsys: pytest.CaptureFixture[str]) -> None:
    assert load("image").main([]) == 0
    said = capsys.readouterr().out
    assert said.startswith("1 faces in image\nface 1 at (")
    assert "): happiness\n" in said
    assert load("image").main(["nowhere.png"]) == 2
    assert capsys.readouterr().err.startswith("error: nowhere.png does not exist")


def test_video(tmp_path: Path) -> None:
    video = load("video")
    assert video.annotate(video.DEMO_CLIP, tmp_path, FEW) == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("annotated.mp4", "episodes.vtt", "records.csv")
    ]
    with (tmp_path / "records.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["label"] for row in rows} >= {"happiness"}
    assert len(rows) == 10
    with av.open(str(tmp_path / "annotated.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10
    assert "face 1: happiness" in (tmp_path / "episodes.vtt").read_text()
    assert video.main([str(video.DEMO_CLIP), str(tmp_path)]) == 2  # nothing is overwritten


def test_live() -> None:
    live = load("live")
    clip = VideoSource(live.DEMO_CLIP, selection=Selection(end_s=2.0))
    with Recogniser() as recogniser, clip:
        lines = list(live.changes(recogniser, live.played(clip)))
    assert lines[0] == "   0.0 s  face 1: happiness"
    assert live.main(["/nowhere"]) == 2


def test_custom_sink(tmp_path: Path) -> None:
    custom_sink = load("custom_sink")
    custom_sink.store(custom_sink.DEMO_CLIP, tmp_path, FEW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces.db", "records.jsonl"]
    with sqlite3.connect(tmp_path / "faces.db") as database:
        rows = database.execute("SELECT frame, face_id, label FROM faces ORDER BY frame").fetchall()
    assert len(rows) == 10
    assert (rows[-1][1:]) == (1, "happiness")
    assert custom_sink.main([str(custom_sink.DEMO_CLIP), str(tmp_path)]) == 2
