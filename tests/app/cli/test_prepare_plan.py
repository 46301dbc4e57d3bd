"""A plan that cannot be carried out is refused before any network loads."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from app.cli.make_plan import plan_run
from app.cli.options import parse_options
from app.cli.prepare_plan import open_planned_source
from app.errors import SinkError


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two pictures, in the folder that the program runs in."""
    monkeypatch.chdir(tmp_path)
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    return paths


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("-o one.png", "one.png is one picture, but there are 2 to write. Give a folder."),
        ("-o nowhere/new", "The folder nowhere does not exist."),
        ("-o all.pdf", "all.pdf is not a picture that can be written."),
        ("-o a.png --overwrite", "a.png is one picture, but there are 2"),
    ],
)
def test_annotated_pictures_without_a_place_are_refused(
    pictures: list[Path], output: str, message: str
) -> None:
    options = parse_options(f"--image a.png b.png --no-window {output}".split())
    with pytest.raises(SinkError, match=message):
        open_planned_source(plan_run(options))
    assert sorted(Path().iterdir()) == [Path("a.png"), Path("b.png")]


@pytest.mark.parametrize("output", ["", "-o new"])
def test_looking_for_a_place_leaves_nothing_behind(pictures: list[Path], output: str) -> None:
    options = parse_options(f"--image a.png b.png --no-window {output}".split())
    with open_planned_source(plan_run(options)) as source:
        assert source.frame_count == 2
    assert sorted(Path().iterdir()) == [Path("a.png"), Path("b.png")]
