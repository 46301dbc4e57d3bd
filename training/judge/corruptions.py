"""What a model is judged under: kinds of damage to a face's crop, each at five strengths.

In the manner of Hendrycks & Dietterich, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", ICLR 2019. Numpy and Pillow alone, and nothing of
`training.augment.degrade`: what judges a network shares no code with what trained it, and the kinds
that are not `seen` have no counterpart there at all.

Lengths are in sides of the crop, light in grey levels, and whatever has a grain (codec, noise) has
that of a crop of `GRAIN_PX`, so that models of different input sizes meet the same damage. Random
choices depend on the generator but not on the strength: a face keeps its shadow's direction while
the shadow deepens.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from app.alignment import FACE_TEMPLATE, AlignmentTemplate, fit_similarity
from app.types import Floats

GRAIN_PX = 48
LEVELS = 5

# (crops (n, S, S, C) of 0..255, strength's value, generator) -> the same, perhaps beyond 0..255
Pixels = Callable[[Floats, float, Generator], Floats]
# The same for what lies at a place of the face, which the crop's template says.
Covers = Callable[[Floats, float, AlignmentTemplate, Generator], Floats]
# (n, strength's value, S, template, generator) -> (n, 2, 3) crop -> crop, to compose with the
# alignment
Moves = Callable[[int, float, int, AlignmentTemplate, Generator], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Corruption:
    """One kind of damage, to pixels or to the alignment. `values` are its five strengths, `unit`
    says of what; `seen`: training has a kind that is meant to prepare for it."""

    name: str
    unit: str
    values: tuple[float, float, float, float, float]
    seen: bool
    pixels: Pixels | None = None
    covers: Covers | None = None
    moves: Moves | None = None
    needs_colour: bool = False


def _places(size: int) -> Floats:
    """`(S,)` pixel centres as fractions of the side."""
    return np.asarray((np.arange(size) + 0.5) / size, np.float32)


def _on_face(size: int, template: AlignmentTemplate) -> tuple[Floats, Floats]:
    """`(S, S)` y and x of pixel centres as fractions of `FACE_TEMPLATE`'s crop."""
    y, x = np.meshgrid(_places(size), _places(size), indexing="ij")
    (a, b, shift_x), (c, d, shift_y) = fit_similarity(template.targets(), FACE_TEMPLATE.targets())
    return (
        np.asarray(c * x + d * y + shift_y, np.float32),
        np.asarray(a * x + b * y + shift_x, np.float32),
    )


def _of_grain(grid: Floats, size: int) -> Floats:
    """`(n, GRAIN_PX, GRAIN_PX, C)` -> `(n, S, S, C)`: the nearest value."""
    nearest = (_places(size) * GRAIN_PX).astype(np.int64)
    return grid[:, nearest][:, :, nearest]


def _through_pillow(crops: Floats, change: Callable[[Image.Image], Image.Image]) -> Floats:
    """Every crop, in whole grey levels, through a Pillow operation that keeps its mode."""
    grey = crops.shape[3] == 1
    whole = np.clip(np.rint(crops), 0, 255).astype(np.uint8)
    pictures = [np.asarray(change(Image.fromarray(c[..., 0] if grey else c))) for c in whole]
    return np.stack(pictures).astype(np.float32).reshape(len(crops), *pictures[0].shape[:2], -1)


def lower_resolution(crops: Floats, pixels: float, _: Generator) -> Floats:
    side, size = max(1, round(pixels)), crops.shape[1]

    def change(picture: Image.Image) -> Image.Image:
        small = picture.resize((side, side), Image.Resampling.BOX)
        return small.resize((size, size), Image.Resampling.BILINEAR)

    return _through_pillow(crops, change) if side < size else crops


def convolve(crops: Floats, kernels: Floats) -> Floats:
    """Each crop with its kernel `(n or 1, k, k)`, k odd; what lies outside repeats the edge."""
    k, size = kernels.shape[1], crops.shape[1]
    r = k // 2
    padded = np.pad(crops, ((0, 0), (r, r), (r, r), (0, 0)), mode="edge")
    shape = padded.shape[1:3]
    spectrum = np.fft.rfft2(padded, axes=(1, 2))
    spectrum *= np.fft.rfft2(kernels, s=shape, axes=(1, 2))[..., None]
    blurred = np.fft.irfft2(spectrum, s=shape, axes=(1, 2))
    return np.asarray(blurred[:, k - 1 : k - 1 + size, k - 1 : k - 1 + size], np.float32)


def defocus(crops: Floats, radius: float, _: Generator) -> Floats:
    """A disc, as a lens draws a point that is out of focus."""
    radius_px = radius * crops.shape[1]
    r = int(np.ceil(radius_px)) + 1
    y, x = np.mgrid[-r : r + 1, -r : r + 1]
    disc = np.clip(radius_px + 0.5 - np.hypot(x, y), 0, 1)
    return convolve(crops, np.asarray(disc / disc.sum(), np.float32)[None])


def motion(crops: Floats, length: float, generator: Generator) -> Floats:
    """A stroke in any direction, as a head draws that moves while the shutter is open."""
    n, size = len(crops), crops.shape[1]
    angle = generator.uniform(0, np.pi, (n, 1, 1))
    half_px = length * size / 2
    r = int(np.ceil(half_px)) + 1
    steps = np.linspace(-half_px, half_px, 4 * r + 1)[:, None]  # (T, 1)
    grid = np.arange(-r, r + 1)
    along_x = np.clip(1 - abs(grid - steps * np.cos(angle)), 0, 1)  # (n, T, k)
    along_y = np.clip(1 - abs(grid - steps * np.sin(angle)), 0, 1)
    kernels = along_y.transpose(0, 2, 1) @ along_x
    return convolve(crops, np.asarray(kernels / len(steps), np.float32))


def jpeg(crops: Floats, quality: float, _: Generator) -> Floats:
    """The codec's own error on a crop of `GRAIN_PX`, added to the crop."""

    def resized(picture: Image.Image) -> Image.Image:
        return picture.resize((GRAIN_PX, GRAIN_PX), Image.Resampling.BOX)

    def coded(picture: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=round(quality))
        return Image.open(buffer)

    small = _through_pillow(crops, resized)
    return crops + _of_grain(_through_pillow(small, coded) - small, crops.shape[1])


def sensor_noise(crops: Floats, deviation: float, generator: Generator) -> Floats:
    """Half of its variance is the same everywhere, half grows with the light."""
    n, size, _, channels = crops.shape
    grid = generator.standard_normal((n, GRAIN_PX, GRAIN_PX, channels), np.float32)
    spread = np.float32(deviation) * np.sqrt(0.5 + np.clip(crops, 0, 255) / 255)
    return np.asarray(crops + spread * _of_grain(grid, size), np.float32)


def salt_and_pepper(crops: Floats, share: float, generator: Generator) -> Floats:
    n, size = crops.shape[:2]
    grid = generator.random((n, GRAIN_PX, GRAIN_PX, 1), np.float32)
    chance = _of_grain(grid, size)
    salted = np.where(chance < share / 2, np.float32(255), crops)
    return np.where(chance > 1 - share / 2, np.float32(0), salted)


def dark(crops: Floats, gamma: float, _: Generator) -> Floats:
    return np.asarray(255 * (crops / 255) ** gamma, np.float32)


def overexposed(crops: Floats, gain: float, _: Generator) -> Floats:
    return np.asarray(crops * gain, np.float32)


def low_contrast(crops: Floats, share: float, _: Generator) -> Floats:
    """`share` of the contrast is left, about a middle grey."""
    return np.asarray(128 + (crops - 128) * share, np.float32)


def cast_shadow(crops: Floats, loss: float, generator: Generator) -> Floats:
    """About one half of the face gets less light by the share `loss`."""
    n, size = crops.shape[:2]
    angle = generator.uniform(0, 2 * np.pi, (n, 1, 1))
    offset = generator.uniform(-0.12, 0.12, (n, 1, 1))
    edge = generator.uniform(0.02, 0.15, (n, 1, 1))
    p = _places(size) - 0.5
    distance = p[None, None, :] * np.cos(angle) + p[None, :, None] * np.sin(angle) - offset
    shaded = np.clip(0.5 + distance / edge, 0, 1)
    return np.asarray(crops * (1 - loss * shaded[..., None]), np.float32)


def _covered(crops: Floats, inside: NDArray[np.bool_], grey: NDArray[np.float64]) -> Floats:
    """One grey a face, `(n,)`, where `inside (S, S)`, a little darker towards the chin."""
    shade = 1 - 0.3 * _places(crops.shape[1])[None, :, None, None]
    fill = grey[:, None, None, None] * shade
    return np.asarray(np.where(inside[None, :, :, None], fill, crops), np.float32)


def face_mask(
    crops: Floats, top: float, template: AlignmentTemplate, generator: Generator
) -> Floats:
    """From the chin up to `top`, of any grey, narrower towards the chin."""
    y, x = _on_face(crops.shape[1], template)
    inside = (y > top) & (abs(x - 0.5) < 0.44 - 0.25 * np.clip(y - 0.7, 0, 1))
    return _covered(crops, inside, generator.uniform(40, 240, len(crops)))


def sunglasses(
    crops: Floats, opacity: float, template: AlignmentTemplate, generator: Generator
) -> Floats:
    """Two dark lenses, more and more opaque, where the template puts the eyes."""
    y, x = _on_face(crops.shape[1], template)
    inside = np.zeros_like(x, np.bool_)
    for name, eye_x, eye_y in FACE_TEMPLATE.points:
        if name.endswith("_eye"):
            inside |= ((x - eye_x) / 0.165) ** 4 + ((y - eye_y) / 0.13) ** 4 < 1
    behind = _covered(crops, inside, generator.uniform(10, 60, len(crops)))
    return np.asarray(crops * (1 - opacity) + behind * opacity, np.float32)


def colour_cast(crops: Floats, share: float, generator: Generator) -> Floats:
    """Light of any hue: the three channels' gains differ by up to `share` from one."""
    hue = generator.uniform(0, 2 * np.pi, (len(crops), 1))
    gains = 1 + share * np.cos(hue - np.array([0, 2, 4]) * np.pi / 3)
    return np.asarray(crops * gains[:, None, None, :], np.float32)


def _plasma(n: int, size: int, generator: Generator) -> Floats:
    """`(n, S, S)` of about -1..1: random grids of 2 to 16 a side, each half as strong as the one
    before, between whose values it runs in straight lines."""
    total = np.zeros((n, size, size), np.float32)
    for octave, side in enumerate((2, 4, 8, 16)):
        grid = generator.uniform(-1, 1, (n, side, side)).astype(np.float32)
        centres = (np.arange(side) + 0.5) / side
        weights = np.clip(1 - abs(_places(size)[:, None] - centres) * side, 0, 1)  # (S, side)
        weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        total += weights @ grid @ weights.T / 2**octave
    return total


def fog(crops: Floats, density: float, generator: Generator) -> Floats:
    """Bright, uneven haze before the face: breath on the lens, a dirty camera against the light."""
    haze = 200 + 80 * _plasma(len(crops), crops.shape[1], generator)
    return np.asarray(crops * (1 - density) + haze[..., None] * density, np.float32)


def posterise(crops: Floats, levels: float, _: Generator) -> Floats:
    steps = np.float32(levels - 1)
    return np.asarray(np.rint(crops / 255 * steps) / steps * 255, np.float32)


def rotation(
    n: int, degrees: float, size_px: int, _: AlignmentTemplate, generator: Generator
) -> NDArray[np.float64]:
    """About the middle, either way."""
    turn = np.deg2rad(degrees) * np.where(generator.random(n) < 0.5, -1, 1)
    cos, sin = np.cos(turn), np.sin(turn)
    linear = np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)
    middle = np.full((2, 1), size_px / 2)
    return np.concatenate([linear, middle - linear @ middle], axis=2)


def landmark_noise(
    n: int, deviation: float, size_px: int, template: AlignmentTemplate, generator: Generator
) -> NDArray[np.float64]:
    """The alignment that follows when the detector misplaces each landmark by a normal error, of
    that deviation in sides of `FACE_TEMPLATE`'s crop."""
    right = template.targets()  # (P, 2)
    zoom = float(np.sqrt(np.linalg.det(fit_similarity(FACE_TEMPLATE.targets(), right)[:, :2])))
    wrong = right + zoom * deviation * generator.standard_normal((n, *right.shape))
    return np.stack([fit_similarity(w * size_px, right * size_px) for w in wrong])


CORRUPTIONS: tuple[Corruption, ...] = (
    Corruption(
        "resolution", "pixels across the crop", (34, 26, 20, 16, 12), True, lower_resolution
    ),
    Corruption("defocus", "radius of the disc", (0.02, 0.03, 0.042, 0.058, 0.078), True, defocus),
    Corruption("jpeg", "quality", (80, 55, 30, 15, 8), True, jpeg),
    Corruption("noise", "grey levels", (3, 6, 11, 18, 28), True, sensor_noise),
    Corruption("dark", "gamma", (1.8, 2.7, 3.8, 5.0, 6.5), True, dark),
    Corruption("overexposed", "gain", (1.25, 1.5, 1.85, 2.3, 2.9), True, overexposed),
    Corruption("low contrast", "share left", (0.5, 0.3, 0.2, 0.13, 0.09), True, low_contrast),
    Corruption("shadow", "share of light lost", (0.4, 0.6, 0.75, 0.87, 0.95), True, cast_shadow),
    Corruption("face mask", "its top edge", (0.85, 0.77, 0.70, 0.62, 0.55), True, covers=face_mask),
    Corruption("sunglasses", "opacity", (0.3, 0.55, 0.75, 0.9, 1.0), True, covers=sunglasses),
    Corruption("rotation", "degrees", (10, 18, 26, 34, 42), True, moves=rotation),
    Corruption(
        "landmark noise", "deviation", (0.02, 0.045, 0.07, 0.095, 0.125), True, moves=landmark_noise
    ),
    Corruption(
        "colour cast", "gain", (0.1, 0.2, 0.3, 0.45, 0.6), True, colour_cast, needs_colour=True
    ),
    Corruption("motion blur", "length", (0.04, 0.07, 0.11, 0.16, 0.22), False, motion),
    Corruption("fog", "density", (0.35, 0.5, 0.63, 0.75, 0.84), False, fog),
    Corruption(
        "salt and pepper", "share", (0.003, 0.008, 0.018, 0.04, 0.09), False, salt_and_pepper
    ),
    Corruption("posterise", "grey levels left", (16, 10, 7, 4, 3), False, posterise),
)
