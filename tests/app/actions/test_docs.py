"""The page on facial actions names all of them."""

from app.actions import smoothing
from app.actions.names import ACTION_NAMES
from app.actions.reader import CROP_PX
from app.defaults import ROOT


def test_every_action_and_every_constant_is_described() -> None:
    page = " ".join((ROOT / "docs" / "actions.md").read_text(encoding="utf-8").split())
    assert [name for name in ACTION_NAMES if f"`{name}`" not in page] == []
    assert "not validated FACS action units" in page
    assert f"scaled to {CROP_PX} px" in page
    assert (
        f"a cutoff of {smoothing.CALM_HZ:g} Hz, plus {smoothing.ANGLE_HZ:g} Hz for each degree a "
        f"second and {smoothing.SHARE_HZ:g} Hz" in page
    )
    assert f"smoothed at {smoothing.SPEED_HZ:g} Hz" in page
