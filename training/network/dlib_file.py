"""Reads the weights of dlib's face recognition network from the files in which they are published.

Two forms are known: dlib's own `dlib_face_recognition_resnet_model_v1.dat` in full precision (also
inside the PyPI package face-recognition-models), and the manifest
`face_recognition_model-weights_manifest.json` of the npm package @vladmandic/face-api with its .bin
beside it, whose tensors have 8 bits. Both become the tensors of `training.network.dlib_backbone`,
for pixels as this program feeds them.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.errors import TrainingError
from training.base.device import PIXEL_MEAN, PIXEL_STD
from training.base.regular_file import check_regular
from training.network.dlib_backbone import BLOCKS, STEM_CHANNELS

DLIB_SUFFIX = ".dat"
MANIFEST_SUFFIX = "weights_manifest.json"  # end of the name of face-api's file
DLIB_MEAN_RGB = (122.782, 117.001, 104.298)  # dlib subtracts this from red, green and blue (0..255)
DLIB_SCALE = 256.0  # and divides by this
MAX_FILE_BYTES = 64 << 20  # three times the larger form; a larger file is another one
_NORM_EPS = 1e-5  # of torch.nn.BatchNorm2d

Floats = NDArray[np.float32]
# One convolution with what follows it: filters (O, I, kh, kw), then bias, scale and shift (O,).
Layer = tuple[Floats, Floats, Floats, Floats]


def is_dlib_file(path: Path) -> bool:
    """Tells, from its name, whether a file has one of the two forms."""
    return path.suffix.lower() == DLIB_SUFFIX or path.name.endswith(MANIFEST_SUFFIX)


def find_weight_files(path: Path) -> tuple[Path, ...]:
    """Finds the files that hold the numbers, in order: the .dat itself, or the .bin or the shards
    beside a manifest that `read_dlib` has read."""
    if not path.name.endswith(MANIFEST_SUFFIX):
        return (path,)
    groups: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return tuple(path.parent / Path(name).name for name in groups[0]["paths"])


def read_dlib(path: Path, *, channels: int) -> dict[str, Tensor]:
    """Reads the tensors of `DlibBackbone(channels)` under their names, with "backbone." in front.

    Norms have mean 0 and variance 1, so that `training.network.dlib_backbone.measure_norms` comes
    next.

    Args:
        path: The .dat file, or the manifest with its .bin beside it.
        channels: 3 for RGB; 1 sums the filters over red, green and blue, which is exact for grey
            pictures.

    Raises:
        TrainingError: A file is missing, or is not this network.
        DataError: A path is a pipe, a socket or a device.
    """
    shapes = _list_filter_shapes()
    try:
        layers = _manifest(path) if path.name.endswith(MANIFEST_SUFFIX) else _dat(path)
        if len(layers) != len(shapes):
            raise ValueError(f"it has {len(layers)} convolutions, not {len(shapes)}")
        for number, (layer, shape) in enumerate(zip(layers, shapes, strict=True), 1):
            _check_layer(layer, shape, number)
    except FileNotFoundError as cause:
        raise TrainingError(f"The weights {cause.filename} are missing.") from cause
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as cause:
        reason = cause.strerror if isinstance(cause, OSError) else cause
        raise TrainingError(
            f"{path} is not dlib's face recognition network ({reason}). Give "
            "dlib_face_recognition_resnet_model_v1.dat, or the manifest of @vladmandic/face-api."
        ) from cause
    names = ["stem.0 stem.1"]
    for block in range(len(BLOCKS)):
        names += [f"stages.{block}.conv{n} stages.{block}.norm{n}" for n in (1, 2)]
    tensors: dict[str, Tensor] = {}
    for place, (name, (filters, bias, scale, shift)) in enumerate(zip(names, layers, strict=True)):
        conv, norm = (f"backbone.{part}" for part in name.split())
        if place == 0:
            filters, bias = _for_our_pixels(filters, bias, channels)
        tensors[f"{conv}.weight"] = torch.from_numpy(filters.astype(np.float32))
        tensors[f"{norm}.weight"] = torch.from_numpy(scale * math.sqrt(1 + _NORM_EPS))
        tensors[f"{norm}.bias"] = torch.from_numpy((shift + scale * bias).astype(np.float32))
        tensors[f"{norm}.running_mean"] = torch.zeros(len(scale))
        tensors[f"{norm}.running_var"] = torch.ones(len(scale))
    return {name: tensor.float() for name, tensor in tensors.items()}


def _for_our_pixels(filters: Floats, bias: Floats, channels: int) -> tuple[Floats, Floats]:
    """Folds dlib's pixel scaling into the first convolution, so that its input comes from
    `training.base.device.normalise_batch`: a value x there is the pixel 255 · (PIXEL_STD · x
    + PIXEL_MEAN)."""
    mean = np.array(DLIB_MEAN_RGB)[None, :, None, None]
    wide = filters.astype(np.float64)
    constant = (255 * PIXEL_MEAN - mean) / DLIB_SCALE
    bias = (bias + (wide * constant).sum(axis=(1, 2, 3))).astype(np.float32)
    wide = wide * (255 * PIXEL_STD / DLIB_SCALE)
    if channels == 1:
        wide = wide.sum(axis=1, keepdims=True)
    return wide.astype(np.float32), bias


def _list_filter_shapes() -> list[tuple[int, int, int, int]]:
    """Lists the shape (O, I, kh, kw) of each convolution's filters."""
    channels = STEM_CHANNELS
    shapes = [(channels, len(DLIB_MEAN_RGB), 7, 7)]
    for out, _ in BLOCKS:
        shapes += [(out, channels, 3, 3), (out, out, 3, 3)]
        channels = out
    return shapes


def _check_layer(layer: Layer, shape: tuple[int, int, int, int], number: int) -> None:
    """Raises `ValueError` for a layer of another shape, or with numbers that are not finite."""
    filters, *rest = layer
    if filters.shape != shape or any(part.shape != shape[:1] for part in rest):
        raise ValueError(f"convolution {number} is {filters.shape}, not {shape}")
    if not all(np.isfinite(part).all() for part in layer):
        raise ValueError(f"convolution {number} has numbers that are not finite")


def _read_bytes(path: Path) -> bytes:
    """Reads a file of a size that the network may have. Raises `ValueError` for a larger one."""
    check_regular(path)
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"{path.name} is too large")
    return path.read_bytes()


def _manifest(path: Path) -> list[Layer]:
    """Reads face-api's form, where filters lie as (kh, kw, I, O)."""
    groups: list[dict[str, Any]] = json.loads(_read_bytes(path))
    content = b"".join(map(_read_bytes, find_weight_files(path)))
    kept: dict[str, Floats] = {}
    at = 0
    for entry in groups[0]["weights"]:
        shape, packed = tuple(entry["shape"]), entry.get("quantization")
        kind = np.dtype("<f4" if packed is None else packed["dtype"])
        values = np.frombuffer(content, kind, math.prod(shape), at).astype(np.float32)
        at += math.prod(shape) * kind.itemsize
        if packed is not None:
            values = values * packed["scale"] + packed["min"]
        kept[entry["name"]] = values.reshape(shape)
    prefixes = dict.fromkeys(name.rsplit("/", 2)[0] for name in kept if "/" in name)
    return [
        (
            kept[f"{prefix}/conv/filters"].transpose(3, 2, 0, 1).astype(np.float32),
            kept[f"{prefix}/conv/bias"].astype(np.float32),
            kept[f"{prefix}/scale/weights"].astype(np.float32),
            kept[f"{prefix}/scale/biases"].astype(np.float32),
        )
        for prefix in prefixes
    ]


def _dat(path: Path) -> list[Layer]:
    """Reads dlib's form: the layers' tags and tensors, from the picture on. A convolution's
    parameters are its filters and biases, an affine layer's its scales and shifts."""
    content = _read_bytes(path)
    tensors: list[tuple[bytes, Floats]] = []
    at = 0
    for tag, at in _tags(content):
        tensors.append((tag, _tensor(content, at)))
    layers: list[Layer] = []
    channels_in = len(DLIB_MEAN_RGB)
    for (tag, conv), (after, affine) in zip(tensors[::2], tensors[1::2], strict=False):
        if (tag, after) != (b"con_4", b"affine_"):
            raise ValueError("its layers come in another order")
        channels = affine.size // 2
        side = math.isqrt(conv.size // (channels * channels_in))
        filters, bias = np.split(conv, [channels * channels_in * side**2])
        layers.append(
            (
                filters.reshape(channels, channels_in, side, side),
                bias.reshape(channels),
                affine[:channels],
                affine[channels:],
            )
        )
        channels_in = channels
    return layers


def _tags(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Yields each convolution's and affine layer's tag with the place behind the tag.

    A text is stored as its length and its bytes; a whole number as the count of its bytes, with its
    sign in the highest bit, and these bytes.
    """
    at = 0
    while True:
        places = {
            tag: place
            for tag in (b"con_4", b"affine_")
            if (place := content.find(bytes([1, len(tag)]) + tag, at)) >= 0
        }
        if not places:
            return
        tag = min(places, key=lambda name: places[name])
        at = places[tag] + 2 + len(tag)
        yield tag, at


def _tensor(content: bytes, at: int) -> Floats:
    """Reads a tensor, flat: its version, four dimensions, and 32-bit floats."""
    numbers = []
    for _ in range(5):
        length = content[at] & 0x0F
        numbers.append(int.from_bytes(content[at + 1 : at + 1 + length], "little"))
        at += 1 + length
    version, *dims = numbers
    if version != 2:
        raise ValueError("its tensors are of another version")
    return np.frombuffer(content, "<f4", math.prod(dims), at).copy()
