"""Files in the two forms of dlib's face recognition network, with made weights."""

import json
from pathlib import Path

import numpy as np

from training.network.dlib_backbone import BLOCKS
from training.network.dlib_file import Layer


def make_layers() -> list[Layer]:
    rng = np.random.default_rng(0)
    shapes = [(32, 3, 7)]
    channels = 32
    for out, _ in BLOCKS:
        shapes += [(out, channels, 3), (out, out, 3)]
        channels = out

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    return [
        (
            drawn(out, inside, side, side) / side / inside**0.5,
            drawn(out),
            1 + 0.1 * drawn(out),
            drawn(out),
        )
        for out, inside, side in shapes
    ]


def encode_number(value: int) -> bytes:
    content = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "little")
    return bytes([len(content)]) + content


def encode_dat(layers: list[Layer]) -> bytes:
    """The tags and tensors of dlib's form; what lies between them does not matter."""
    parts = [encode_number(1), b"\x01\x0dloss_metric_2"]
    for filters, bias, scale, shift in layers:
        for tag, values in (
            (b"con_4", np.concatenate([filters.ravel(), bias])),
            (b"affine_", np.concatenate([scale, shift])),
        ):
            dims = [2, values.size, 1, 1, 1]
            parts += [
                bytes([1, len(tag)]),
                tag,
                *map(encode_number, dims),
                values.tobytes(),
                b"\x01\x07",
            ]
    return b"".join(parts)


def write_manifest(layers: list[Layer], folder: Path) -> Path:
    """face-api's form: some tensors in 8 bits, some not."""
    entries, content = [], b""
    for place, (filters, *rest) in enumerate(layers):
        names = ("conv/filters", "conv/bias", "scale/weights", "scale/biases")
        for name, values in zip(names, (filters.transpose(2, 3, 1, 0), *rest), strict=True):
            entry = {"name": f"layer{place}/{name}", "shape": values.shape, "dtype": "float32"}
            if name == "conv/filters" and place % 2:
                content += values.astype("<f4").tobytes()
            else:
                low = float(values.min())
                step = (float(values.max()) - low) / 255 or 1.0
                entry["quantization"] = {"dtype": "uint8", "scale": step, "min": low}
                content += np.rint((values - low) / step).astype(np.uint8).tobytes()
            entries.append(entry)
    path = folder / "face_recognition_model-weights_manifest.json"
    path.write_text(json.dumps([{"weights": entries, "paths": ["model.bin"]}]))
    (folder / "model.bin").write_bytes(content)
    return path
