"""The notebooks of examples/ run from beginning to end, and find what they say."""

import importlib.util
import runpy
from pathlib import Path
from typing import Any

import pytest

from app.defaults import ROOT

FOLDER = ROOT / "examples" / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


def run(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Runs a notebook as a script. Returns the names that it has in the end."""
    import matplotlib as mpl

    monkeypatch.setattr(mpl, "rcParams", mpl.rcParams.copy())
    mpl.use("Agg")
    from matplotlib import pyplot

    monkeypatch.setattr(pyplot, "show", lambda: pyplot.close("all"))
    return runpy.run_path(str(FOLDER / f"{name}.py"))


@pytest.fixture(autouse=True)
def tables() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")


@pytest.mark.slow
def test_picture(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = run("picture", monkeypatch)
    assert capsys.readouterr().out.startswith("6 faces, read by the C")
    assert found["probabilities"].sum(axis=1).tolist() == pytest.approx([1.0] * 6)
    in_less_light = found["in_less_light"]
    assert in_less_light.faces[0] == 6
    assert in_less_light.faces.iloc[-1] < 6
    assert in_less_light["mean brightness"].is_monotonic_decreasing


@pytest.mark.slow
def test_video_table(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run("video_table", monkeypatch)
    table = found["table"]
    assert set(table.frame) == set(range(found["frames"]))
    assert found["shares"].groupby("face_id").sum().to_numpy() == pytest.approx(1.0)
    episodes = found["found"]
    assert len(episodes) > 0
    assert (episodes.seconds > 0).all()
    assert not Path(found["folder"].name).exists()


@pytest.mark.slow
def test_live_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run("live_outputs", monkeypatch)
    events = found["events"]
    assert 10 < len(events) <= 101
    assert all(event["type"] == "frame" and event["age_ms"] > 0 for event in events)
    assert ("/face/1/found", (1,)) in found["heard"]
    assert {address for address, _ in found["heard"]} >= {"/face/1/id", "/face/1/happiness"}


@pytest.mark.slow
def test_agreement(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = run("agreement", monkeypatch)
    assert "Cohen's kappa" in capsys.readouterr().out
    assert len(set(found["numbers"].values())) == 3
    assert found["agreement"]["coverage"] > 0.8  # people are the right ones, and seen
    assert 0.3 < found["agreement"]["accuracy"] < 1


@pytest.mark.slow
def test_retraining(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    found = run("retraining", monkeypatch)
    assert found["right"] > 0.8
    pictures = found["pictures"]
    people = pictures.groupby("split").group.unique().map(set)
    assert people["train"] & people["valid"] == set()
    assert len(pictures) == 48
    assert not found["folder"].exists()


def test_every_notebook_is_tested_and_listed() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    page = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"def test_{name}(" in text
        assert f"(notebooks/{name}.py)" in page
    assert len(NAMES) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_notebook_is_stored_as_cells(name: str) -> None:
    """jupytext's own reading, where it is installed, finds prose and code in turn."""
    if importlib.util.find_spec("jupytext") is None:
        pytest.skip("jupytext is not installed")
    import jupytext

    notebook = jupytext.read(FOLDER / f"{name}.py", fmt="py:percent")
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds[0] == "markdown"
    assert kinds.count("markdown") >= 4
    assert notebook.metadata["kernelspec"]["name"] == "python3"
