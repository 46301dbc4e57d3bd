"""Made pictures: the same from the same seed, and not all alike."""

import numpy as np
import pytest

from training.synthetic.scenes import MAKERS, make_room, scramble_face


@pytest.mark.parametrize("name", [*MAKERS, "room"])
@pytest.mark.parametrize("size_wh", [(64, 48), (97, 31)])
def test_maker_repeats_itself_and_varies(name: str, size_wh: tuple[int, int]) -> None:
    maker = (MAKERS | {"room": make_room})[name]
    first, again, other = (maker(np.random.default_rng(seed), size_wh) for seed in (1, 1, 2))
    assert (first.shape, first.dtype) == ((size_wh[1], size_wh[0], 3), np.uint8)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_blank_is_one_colour_and_gradient_is_not() -> None:
    generator = np.random.default_rng(0)
    assert np.ptp(MAKERS["blank"](generator, (20, 10)).reshape(-1, 3), axis=0).max() == 0
    assert np.ptp(MAKERS["gradient"](generator, (20, 10)).reshape(-1, 3), axis=0).max() > 20


def test_scrambled_face_keeps_its_tones_and_loses_its_order() -> None:
    ramp = np.linspace(0, 255, 48).astype(np.uint8)[None, :, None].repeat(48, 0).repeat(3, 2)
    mixed = scramble_face(np.random.default_rng(0), ramp, (48, 48))
    assert mixed.mean() == pytest.approx(ramp.mean(), abs=3)
    assert np.abs(mixed.astype(int) - ramp).mean() > 20
