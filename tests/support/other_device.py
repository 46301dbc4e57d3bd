"""A device that is not the CPU, on every machine: its tensors call themselves "meta" tensors and
hold numbers that the CPU computes.

Inside `OtherDevice()`, what is made on or moved to the device "meta" is a `FarTensor`. An operator
that gets tensors of both devices fails as it would on a GPU; so does one that draws numbers for one
device from the generator of the other. Only copies from one to the other, single numbers and
indices may cross. `OtherDevice.reads` counts what the CPU reads back, because a GPU has to finish
its work for each.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

FAR = torch.device("meta")
aten = torch.ops.aten
COPIES = (aten._to_copy.default, aten.copy_.default)


class WrongDeviceError(RuntimeError):
    """An operator got tensors or a generator of two devices."""


class FarTensor(torch.Tensor):
    """A tensor of the other device. `near` has its numbers."""

    near: Tensor

    @staticmethod
    def __new__(cls, near: Tensor) -> "FarTensor":
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            near.shape,
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            device=FAR,
        )
        made.near = near
        return made

    @classmethod
    def __torch_dispatch__(
        cls,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        raise WrongDeviceError(f"{func} was called outside of OtherDevice()")


class FarGenerator(torch.Generator):
    """A random source of the other device, which draws what the CPU's draws."""

    @property
    def device(self) -> torch.device:
        return FAR


def make_generator(device: torch.device | str = "cpu") -> torch.Generator:
    """Stands for `torch.Generator`."""
    return FarGenerator() if torch.device(device) == FAR else torch.Generator(device)


class _Functions(TorchFunctionMode):
    """Makes tensors of lists, and lists of tensors, by copies, because torch does it itself only
    for tensors of its own; and refuses to draw for one device from the generator of the other.

    Only the function that was called knows which generator was given; an operator gets a plain one.
    """

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Generator)]
        asked = (kwargs or {}).get("device")
        if given:
            owner = [one.device for one in tree_leaves(args) if isinstance(one, Tensor)]
            wanted = torch.device(asked or (owner or ["cpu"])[0])
            if given[0].device != wanted:
                raise WrongDeviceError(f"{func} draws from the generator of another device")
        if func is Tensor.tolist and isinstance(args[0], FarTensor):
            return args[0].cpu().tolist()
        if func is Tensor.new_tensor and isinstance(args[0], FarTensor):
            return torch.tensor(args[1], dtype=args[0].dtype).to(FAR)
        if func is torch.tensor and asked is not None and torch.device(asked) == FAR:
            return torch.tensor(*args, dtype=(kwargs or {}).get("dtype")).to(FAR)
        if func is Tensor.__getitem__ and isinstance(args[0], FarTensor):
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            made = (torch.tensor(one).to(FAR) if isinstance(one, list) else one for one in index)
            return args[0][tuple(made)] if any(isinstance(i, list) for i in index) else func(*args)
        return func(*args, **(kwargs or {}))


class OtherDevice(TorchDispatchMode):
    """Makes and computes the tensors of the other device while it is open."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self._check = _Functions()

    def __enter__(self) -> "OtherDevice":
        self._check.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *cause: Any) -> None:
        super().__exit__(*cause)
        self._check.__exit__(*cause)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
        far = [one for one in tensors if isinstance(one, FarTensor)]
        near = [one for one in tensors if not isinstance(one, FarTensor) and one.ndim]
        if any(one.device == FAR for one in tensors if not isinstance(one, FarTensor)):
            raise WrongDeviceError(f"{func} got a tensor that torch made on its own, of no numbers")
        if func is aten._local_scalar_dense.default and far:
            self.reads += 1
            return func(far[0].near)
        is_indexed = func is aten.index.Tensor and isinstance(args[0], FarTensor)
        if far and near and func not in COPIES and not is_indexed:
            raise WrongDeviceError(f"{func} got tensors of two devices")
        asked = kwargs.get("device")
        is_far = bool(far) if asked is None else torch.device(asked) == FAR
        if func is aten.copy_.default:
            is_far = isinstance(args[0], FarTensor)
        self.reads += bool(far) and not is_far
        if asked is not None and is_far:
            kwargs["device"] = torch.device("cpu")
        near_args, near_kwargs = tree_map(_get_near, (args, kwargs))
        found = func(*near_args, **near_kwargs)
        if not is_far:
            return found
        owners = {id(one.near): one for one in far}  # an operator in place gives its own tensor
        return tree_map(_make_wrapper(owners), found)


def _get_near(one: Any) -> Any:
    return one.near if isinstance(one, FarTensor) else one


def _make_wrapper(owners: dict[int, FarTensor]) -> Callable[[Any], Any]:
    def wrap(one: Any) -> Any:
        if not isinstance(one, Tensor):
            return one
        return owners[id(one)] if id(one) in owners else FarTensor(one)

    return wrap
