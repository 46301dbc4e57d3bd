"""Where and how to compute, and what pixels are to a network, in training and in judging."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from app.errors import DeviceError

# Pixels 0..1 are brought to about zero mean and unit spread by these, in training and in the app.
PIXEL_MEAN, PIXEL_STD = 0.5, 0.25
Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class ComputeDevice:
    """Where and how to compute. It changes speed and rounding, not the recipe."""

    device: torch.device
    autocast: bool
    compile: bool

    @classmethod
    def choose(cls, device: str, precision: Precision, compile_net: bool) -> "ComputeDevice":
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cuda" and not torch.cuda.is_available():
            raise DeviceError("No CUDA device works here. Try --device cpu.")
        fast = device == "cuda" or bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
        return cls(
            device=torch.device(device),
            autocast=fast if precision == "auto" else precision == "bf16",
            compile=compile_net,
        )

    def precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast)


def normalise_batch(crops: Tensor) -> Tensor:
    """`(B, C, S, S)` of 0..255 -> network input; the torch twin of `app.alignment.normalise`."""
    x = (crops / 255 - PIXEL_MEAN) / PIXEL_STD
    return x.contiguous(memory_format=torch.channels_last)
