"""Compresses crops as JPEG does: blocks, quantised brightness and colour."""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

# Quantisation of brightness and of colour in ITU-T T.81 (JPEG), annex K.
LUMA_TABLE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA_TABLE = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 32),
)
RGB_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)


def _dct(device: torch.device) -> Tensor:
    """Computes the orthonormal cosine transform of eight values, `(8, 8)`."""
    k = torch.arange(8, device=device, dtype=torch.float32)
    matrix = ((2 * k + 1) * k[:, None] * math.pi / 16).cos() / 2
    matrix[0] /= math.sqrt(2)
    return matrix


def compress_crops(crops: Tensor, strength: Tensor, generator: Generator) -> Tensor:
    """Applies the loss of JPEG (ITU-T T.81) at qualities from 60 down to 6.

    Blocks of 8 x 8 become cosines, are rounded and turned back. The blocks begin anywhere, as those
    of a frame do in the crop of a face.

    Args:
        crops: `(M, C, S, S)` float32 of 0..255, grey or RGB.
        strength: `(M,)` float32, at least 0; 0 is quality 60, 1 is quality 6.
        generator: Draws where the blocks begin, once for the batch.

    Returns:
        `(M, C, S, S)` float32 of 0..255.

    >>> crops = torch.full((1, 1, 16, 16), 128.0)
    >>> packed = compress_crops(crops, torch.ones(1), Generator().manual_seed(0))
    >>> bool(torch.allclose(packed, crops))
    True
    """
    n, channels, size, _ = crops.shape
    y, x = torch.randint(8, (2,), generator=generator, device=crops.device).tolist()
    blocks = -(-(size + max(y, x)) // 8)
    pad = (x, blocks * 8 - size - x, y, blocks * 8 - size - y)
    planes = functional.pad(crops - 128, pad, mode="replicate")
    turn = crops.new_tensor(RGB_TO_YCC)
    if channels == 3:
        planes = torch.einsum("ij,njhw->nihw", turn, planes)
    quality = 60 * 0.1**strength
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality) / 100
    tables = crops.new_tensor((LUMA_TABLE, CHROMA_TABLE, CHROMA_TABLE)[:channels])
    steps = (tables * scale[:, None, None]).round().clamp(1, 255).view(n, channels, 1, 8, 1, 8)
    # Along rows and along columns of blocks: one block-diagonal product each way.
    whole = torch.kron(torch.eye(blocks, device=crops.device), _dct(crops.device))
    cosines = (whole @ planes @ whole.T).view(n, channels, blocks, 8, blocks, 8)
    kept = ((cosines / steps).round() * steps).view(planes.shape)
    planes = (whole.T @ kept @ whole)[..., y : y + size, x : x + size]
    if channels == 3:
        planes = torch.einsum("ij,njhw->nihw", torch.linalg.inv(turn), planes)
    return (planes + 128).clamp(0, 255)
