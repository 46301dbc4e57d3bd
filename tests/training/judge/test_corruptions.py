"""Every corruption does what its name says, more so with its strength, the same for its seed."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.alignment import FACE_TEMPLATE
from app.types import Floats
from training.judge import face_damage, pixel_damage
from training.judge.corruptions import CORRUPTIONS, LEVELS, Corruption
from training.judge.pixel_damage import GRAIN_PX

PIXELS = [kind for kind in CORRUPTIONS if kind.pixels is not None]
MOVES = [kind for kind in CORRUPTIONS if kind.moves is not None]


def source(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def scenes(n: int = 8, size: int = 48, channels: int = 1, blocks: int = 11) -> Floats:
    """Blocks of random greys in 30..220, so many on a side."""
    grid = source(7).uniform(30, 220, (n, blocks, blocks, channels)).astype(np.float32)
    nearest = np.arange(size) * blocks // size
    return grid[:, nearest][:, :, nearest]


def damage(kind: Corruption, level: int, crops: Floats, seed: int = 0) -> Floats:
    value = kind.values[level]
    if kind.covers is not None:
        return np.clip(kind.covers(crops, value, FACE_TEMPLATE, source(seed)), 0, 255)
    assert kind.pixels is not None
    return np.clip(kind.pixels(crops, value, source(seed)), 0, 255)


def test_at_least_three_kinds_have_no_counterpart_in_training() -> None:
    assert len({kind.name for kind in CORRUPTIONS}) == len(CORRUPTIONS) == 17
    assert sum(not kind.in_training for kind in CORRUPTIONS) == 4
    for kind in CORRUPTIONS:
        assert len(set(kind.values)) == len(kind.values) == LEVELS
        assert sum(way is not None for way in (kind.pixels, kind.covers, kind.moves)) == 1


@pytest.mark.parametrize("kind", PIXELS, ids=lambda k: k.name)
@pytest.mark.parametrize(("size", "channels"), [(48, 1), (30, 3), (96, 3)])
def test_damage_grows_and_keeps_the_shape(kind: Corruption, size: int, channels: int) -> None:
    if kind.needs_colour and channels == 1:
        pytest.skip("needs colour")
    crops = scenes(size=size, channels=channels)
    before = crops.copy()
    found = [damage(kind, level, crops) for level in range(LEVELS)]
    np.testing.assert_array_equal(crops, before)
    assert all(f.shape == crops.shape and f.dtype == np.float32 for f in found)
    change = [float(abs(f - crops).mean()) for f in found]
    if kind.name == "resolution":  # 34 pixels across are more than a small input has
        change = change[1 if size == 30 else 0 :]
    assert change == sorted(change)
    assert change[-1] > max(2.0, 1.3 * change[0])


@pytest.mark.parametrize("kind", PIXELS, ids=lambda k: k.name)
def test_damage_follows_its_seed(kind: Corruption) -> None:
    crops = scenes(channels=3)
    np.testing.assert_array_equal(damage(kind, 2, crops), damage(kind, 2, crops))


@pytest.mark.parametrize("kind", PIXELS, ids=lambda k: k.name)
def test_input_sizes_meet_the_same_damage(kind: Corruption) -> None:
    """Seen at 48 px, a crop of 96 px has lost about as much as one of 48 px."""
    if kind.needs_colour:
        pytest.skip("needs colour")
    clean = scenes(32, 48, blocks=12)
    small, large = (damage(kind, 3, scenes(32, size, blocks=12)) for size in (48, 96))
    shrunk = large.reshape(32, 48, 2, 48, 2, 1).mean(axis=(2, 4))
    lost = [abs(x - clean).mean() for x in (small, shrunk)]
    assert lost[1] == pytest.approx(lost[0], rel=0.2)


def test_resolution_leaves_so_many_pixels() -> None:
    """Blocks on the grid of the small picture keep their middles; twice as many blocks do not."""
    for blocks, low, high in ((16, 0, 0.5), (32, 20, 100)):
        crops = scenes(blocks=blocks)
        x = pixel_damage.lower_resolution(crops, 16, source())
        assert low <= abs(x - crops)[:, 1::3, 1::3].mean() <= high
    np.testing.assert_array_equal(pixel_damage.lower_resolution(scenes(), 48, source()), scenes())


@pytest.mark.parametrize("blur", [pixel_damage.defocus, pixel_damage.blur_by_motion])
def test_blur_spreads_a_point_and_keeps_its_light(blur: Any) -> None:
    point = np.zeros((2, 48, 48, 1), np.float32)
    point[:, 24, 20] = 200
    spread = blur(point, 0.2, source())
    np.testing.assert_allclose(spread.sum(axis=(1, 2, 3)), 200, rtol=1e-4)
    y, x = np.mgrid[:48, :48]
    middle = [(spread[0, ..., 0] * axis).sum() / 200 for axis in (y, x)]
    np.testing.assert_allclose(middle, (24, 20), atol=0.01)
    radius = 0.2 * 48 if blur is pixel_damage.defocus else 0.2 * 48 / 2
    reach = np.hypot(y - 24, x - 20)[spread[0, ..., 0] > 0.01].max()
    assert radius - 1 < reach < radius + 1.5
    even = np.full((2, 20, 20, 1), 90, np.float32)
    np.testing.assert_allclose(blur(even, 0.2, source()), even, atol=1e-3)


def test_disc_is_flat_and_a_stroke_is_thin() -> None:
    point = np.zeros((1, 49, 49, 1), np.float32)
    point[:, 24, 24] = 100
    disc, stroke = (
        pixel_damage.defocus(point, 0.1, source())[0],
        pixel_damage.blur_by_motion(point, 0.3, source())[0],
    )
    assert disc[24, 24] == pytest.approx(disc[24, 27], rel=1e-3)
    assert (stroke > 1).sum() < 40 < (disc > 0.5).sum()


def test_jpeg_is_a_real_codecs() -> None:
    crops = scenes(1)
    buffer = io.BytesIO()
    Image.fromarray(crops[0, ..., 0].round().astype(np.uint8)).save(buffer, "JPEG", quality=8)
    theirs = np.asarray(Image.open(buffer), np.float32)
    ours = pixel_damage.compress_as_jpeg(crops, 8, source())[0, ..., 0]
    np.testing.assert_allclose(ours, theirs, atol=0.51)  # the crop's fractions stay


def test_noise_has_the_size_it_says() -> None:
    for level, expected in ((127.5, 10.0), (255.0, 10 * np.sqrt(1.5)), (0.0, 10 * np.sqrt(0.5))):
        crops = np.full((20, 48, 48, 1), level, np.float32)
        assert (pixel_damage.add_camera_noise(crops, 10, source()) - crops).std() == pytest.approx(
            expected, rel=0.02
        )


def test_salt_and_pepper_share() -> None:
    x = pixel_damage.add_salt_and_pepper(np.full((40, 96, 96, 3), 100, np.float32), 0.1, source())
    for value in (0, 255):
        hit = x == value
        assert hit.mean() == pytest.approx(0.05, abs=0.004)
        assert (hit[..., :1] == hit).all()  # no coloured specks
        assert (hit[:, ::2] == hit[:, 1::2]).all()  # the grain of 48 pixels


@pytest.mark.parametrize(
    ("change", "value", "before", "after"),
    [
        (pixel_damage.darken, 2.0, 127.5, 63.75),
        (pixel_damage.overexpose, 1.5, 100, 150),
        (pixel_damage.lower_contrast, 0.25, 228, 153),
        (pixel_damage.posterise, 2, 120, 0),
        (pixel_damage.posterise, 2, 130, 255),
        (pixel_damage.posterise, 3, 120, 127.5),
    ],
)
def test_light_by_hand(change: Any, value: float, before: float, after: float) -> None:
    crops = np.full((1, 8, 8, 1), before, np.float32)
    np.testing.assert_allclose(change(crops, value, source()), after, rtol=1e-5)


def test_shadow_darkens_one_side_by_its_share() -> None:
    even = np.full((200, 48, 48, 1), 200, np.float32)
    x = pixel_damage.cast_shadow(even, 0.75, source())
    assert x.min() == pytest.approx(50, abs=0.1)
    assert x.max() == pytest.approx(200, abs=0.1)
    shaded = (x < 125).mean(axis=(1, 2, 3))
    assert 0.3 < shaded.min() < shaded.mean() < shaded.max() < 0.7
    assert shaded.mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("keep", [1.0, 0.75, 1.2])
def test_mask_covers_mouth_and_glasses_cover_eyes(keep: float) -> None:
    template = FACE_TEMPLATE.scale_crop(keep)
    places = {name: (x, y) for name, x, y in template.points}
    crops = np.full((3, 48, 48, 1), -1, np.float32)

    def covered(x: Floats, name: str) -> bool:
        column, row = (int(48 * v) for v in places[name])
        return bool((x[:, row, column] >= 0).all())

    mask = face_damage.cover_with_mask(crops, 0.55, template, source())
    glasses = face_damage.cover_with_sunglasses(crops, 1.0, template, source())
    assert [covered(mask, n) for n in ("mouth_centre", "nose_tip", "left_eye")] == [
        True,
        True,
        False,
    ]
    assert [covered(glasses, n) for n in ("left_eye", "right_eye", "mouth_centre")] == [
        True,
        True,
        False,
    ]
    assert glasses.max() <= 60


def test_cast_gives_greys_a_hue() -> None:
    x = pixel_damage.cast_colour(np.full((50, 4, 4, 3), 100, np.float32), 0.3, source())
    np.testing.assert_allclose(x.mean(axis=3), 100, rtol=1e-5)
    assert np.ptp(x[:, 0, 0], axis=1).min() >= 30
    assert x.max() <= 130.01


def test_fog_hides_evenly_lit_and_dark_alike() -> None:
    crops = scenes(64)
    x = pixel_damage.add_fog(crops, 0.75, source())
    assert x.mean() == pytest.approx(0.25 * crops.mean() + 150, abs=6)
    assert x.std(axis=(1, 2, 3)).mean() < 0.6 * crops.std(axis=(1, 2, 3)).mean()


@given(st.integers(0, 2**32 - 1), st.sampled_from([24, 48, 112]), st.floats(1, 90))
def test_rotation_is_about_the_middle(seed: int, size: int, degrees: float) -> None:
    m = face_damage.draw_rotations(5, degrees, size, FACE_TEMPLATE, source(seed))
    np.testing.assert_allclose(m @ (size / 2, size / 2, 1), size / 2, atol=1e-9)
    turned = np.rad2deg(np.arctan2(m[:, 1, 0], m[:, 0, 0]))
    np.testing.assert_allclose(abs(turned), degrees, atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(m[:, :, :2]), 1)


@pytest.mark.parametrize("kind", MOVES, ids=lambda k: k.name)
def test_moved_landmarks_lie_further_off_with_strength(kind: Corruption) -> None:
    assert kind.moves is not None
    targets = np.column_stack([FACE_TEMPLATE.targets() * 48, np.ones(4)])
    off = []
    for value in kind.values:
        moved = kind.moves(300, value, 48, FACE_TEMPLATE, source()) @ targets.T  # (n, 2, P)
        off.append(np.hypot(*(moved - targets[:, :2].T).transpose(1, 0, 2)).mean())
    assert off == sorted(off)
    assert off[-1] > 3 * off[0] > 0.5


def test_right_landmarks_move_nothing() -> None:
    m = face_damage.draw_landmark_errors(3, 0.0, GRAIN_PX, FACE_TEMPLATE, source())
    np.testing.assert_allclose(m, np.eye(3)[:2][None].repeat(3, 0), atol=1e-9)


def test_landmark_noise_is_as_strong_on_a_tighter_crop() -> None:
    tight = FACE_TEMPLATE.scale_crop(0.8)
    m = face_damage.draw_landmark_errors(20, 0.05, GRAIN_PX, FACE_TEMPLATE, source())
    n = face_damage.draw_landmark_errors(20, 0.05, GRAIN_PX, tight, source())
    np.testing.assert_allclose(m[:, :, :2], n[:, :, :2], atol=1e-9)  # of turn and scale
    middle = (GRAIN_PX / 2, GRAIN_PX / 2, 1)
    np.testing.assert_allclose((m @ middle - 24) / 0.8, n @ middle - 24, atol=1e-9)
