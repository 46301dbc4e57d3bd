"""The Python in docs/, as it stands there, on a second of the demo clip."""

import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app import Recogniser, RecordsSink, VideoSource, writing
from app.defaults import DEMO_CLIP, ROOT
from app.teaching.profile import save_profile
from tests.support.taught import make_real_profile
from tests.support.videos import annotate

FRAMES = 25  # of the clip
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
# Page -> a pattern of what each of its snippets prints, among more; "" for nothing.
PAGES = {
    "docs/library.md": [
        r"\w+ \{'neutral': '\d+\.\d%', ",
        r"0\.96 \[\(1, '\w+'\)\]\n",
        r"face_id=1, label='\w+', ",
        "",
        "",
    ],
    "docs/records.md": ["", r"0\.96 1 \w+ \{'neutral': 0\."],
    "docs/teach.md": [r"\[\('\w+', True\)\]\n"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages name."""
    folder = tmp_path_factory.mktemp("reader")
    annotate(DEMO_CLIP, folder / "talk.mp4", stop_after=FRAMES)
    with Recogniser() as recogniser, VideoSource(folder / "talk.mp4") as video:
        kinds = "jsonl", "csv", "parquet"
        sinks = [RecordsSink(folder / f"talk.{kind}", recogniser.labels) for kind in kinds]
        with writing(*sinks) as write:
            for result in recogniser.stream(video):
                write(result, result.picture)
        for name in ("photo.jpg", "calm.jpg", "smile.jpg"):
            cv2.imwrite(str(folder / name), result.picture)
        save_profile(make_real_profile(recogniser), folder / "ann.profile", overwrite=False)
    return folder


class Camera:
    """A camera that always films the same face, in OpenCV's place."""

    def __init__(self, number: int) -> None:
        self._picture = cv2.imread("photo.jpg")

    def read(self) -> tuple[bool, np.ndarray]:
        return True, self._picture


@pytest.fixture
def names(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that one snippet leaves; a copy of `folder` is the working folder."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    return {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "number"),
    [(page, number) for page, ends in PAGES.items() for number in range(len(ends))],
)
def test_snippet_runs_and_prints(
    page: str, number: int, names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    snippets = PYTHON.findall((ROOT / page).read_text(encoding="utf-8"))
    assert len(snippets) == len(PAGES[page])
    exec(compile(snippets[number], f"{page}, snippet {number}", "exec"), names)
    said, wanted = capsys.readouterr().out, PAGES[page][number]
    assert re.search(wanted, said)
    assert bool(wanted) == bool(said)


@pytest.mark.slow
def test_snippets_leave_what_they_say(names: dict[str, Any]) -> None:
    pandas = pytest.importorskip("pandas")
    read = PYTHON.findall((ROOT / "docs" / "records.md").read_text(encoding="utf-8"))[0]
    for line in read.splitlines()[2:]:
        exec(f"import pandas as pd\n{line}", names)
        table = names["table"]
        assert len(table) == FRAMES
        assert pandas.api.types.is_integer_dtype(table["face_id"])
        assert pandas.api.types.is_float_dtype(table["time_s"])
    snippets = PYTHON.findall((ROOT / "docs" / "library.md").read_text(encoding="utf-8"))
    exec(next(snippet for snippet in snippets if "VideoSink(" in snippet), names)
    assert Path("out.mp4").stat().st_size > 0
    assert len(Path("out.csv").read_text().splitlines()) == FRAMES + 1
