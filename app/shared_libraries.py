"""Which shared libraries a library asks for, and which of them are not to be found (Linux)."""

import ctypes
import struct
from pathlib import Path

_DYNAMIC_SEGMENT, _LOADED_SEGMENT = 2, 1
_NEEDED, _STRING_TABLE, _END = 1, 5, 0


def needed(path: Path) -> tuple[str, ...]:
    """The names in the DT_NEEDED entries of a 64-bit little-endian ELF file, in order; none for a
    file of another kind. After the System V ABI's "Object Files" and "Dynamic Linking"."""
    with path.open("rb") as file:

        def at(offset: int, size: int) -> bytes:
            file.seek(offset)
            return file.read(size)

        head = at(0, 64)
        if head[:6] != b"\x7fELF\x02\x01":
            return ()
        (table,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        segments = [struct.unpack("<II6Q", at(table + i * size, 56)) for i in range(count)]
        loaded = [s for s in segments if s[0] == _LOADED_SEGMENT]
        names: list[int] = []
        strings = 0
        for segment in segments:
            if segment[0] != _DYNAMIC_SEGMENT:
                continue
            for tag, value in struct.iter_unpack("<qQ", at(segment[2], segment[5] // 16 * 16)):
                if tag == _END:
                    break
                if tag == _NEEDED:
                    names.append(value)
                elif tag == _STRING_TABLE:  # an address in memory
                    strings = next(value - s[3] + s[2] for s in loaded if 0 <= value - s[3] < s[5])
        return tuple(at(strings + name, 256).split(b"\0")[0].decode() for name in names)


def loadable(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def missing(path: Path) -> tuple[str, ...]:
    """The needed libraries of `path` that do not load."""
    return tuple(name for name in needed(path) if not loadable(name))
