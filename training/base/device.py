"""Chooses the device and the precision of a computation, and normalises pixels for the network."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from app.errors import DeviceError

# Bring pixels of 0..1 to about zero mean and unit spread, in training and in the app.
PIXEL_MEAN = 0.5
PIXEL_STD = 0.25
Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class ComputeDevice:
    """The device to compute on, with its precision. It changes speed and rounding, not the recipe.

    `autocast`: True computes in bfloat16 where torch finds that safe. `compile`: True compiles the
    network.
    """

    device: torch.device
    autocast: bool
    compile: bool

    @classmethod
    def choose(cls, device: str, precision: Precision, compile_net: bool) -> "ComputeDevice":
        """Chooses the device and the precision.

        Args:
            device: "auto" (CUDA where it works, or else the CPU), "cuda", "cpu" or any other name
                of torch.
            precision: "auto" takes bfloat16 where the device computes it fast.
            compile_net: True compiles the network before training.

        Raises:
            DeviceError: CUDA was asked for and does not work.
        """
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

    def open_autocast(self) -> torch.autocast:
        """Opens the context in which torch computes in the chosen precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast)


def normalise_batch(crops: Tensor) -> Tensor:
    """Turns pixels into the network's input, as `app.alignment` does for the app.

    Args:
        crops: `(B, C, S, S)` float32, pixels of 0..255.

    Returns:
        `(B, C, S, S)` float32 of the same order, channels last in memory; a pixel of 127.5 becomes
            0.

    >>> normalise_batch(torch.tensor([0.0, 127.5, 255.0]).reshape(1, 1, 1, 3)).flatten().tolist()
    [-2.0, 0.0, 2.0]
    """
    x = (crops / 255 - PIXEL_MEAN) / PIXEL_STD
    return x.contiguous(memory_format=torch.channels_last)
