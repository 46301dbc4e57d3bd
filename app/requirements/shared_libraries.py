"""Reads which shared libraries a library asks for, and finds those that are missing (Linux).

The format is that of the System V ABI, "Object Files" and "Dynamic Linking".
"""

import ctypes
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_ELF_64_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
_HEADER_BYTES = 64
_SEGMENT_BYTES = 56  # of an entry of the program header table
_LOADED_SEGMENT = 1  # PT_LOAD
_DYNAMIC_SEGMENT = 2  # PT_DYNAMIC
_END = 0  # DT_NULL
_NEEDED = 1  # DT_NEEDED
_STRING_TABLE = 5  # DT_STRTAB
_RPATH = 15  # DT_RPATH
_RUNPATH = 29  # DT_RUNPATH
_MAX_NAME_BYTES = 4096


@dataclass(frozen=True, slots=True)
class LibraryNeeds:
    """The libraries that a library asks for: their `names` in order, and the `folders` that are
    searched before the system's own."""

    names: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()


def read_needs(path: Path) -> LibraryNeeds:
    """Reads the DT_NEEDED, DT_RPATH and DT_RUNPATH entries of a 64-bit little-endian ELF file. A
    file of another kind needs nothing. Raises `OSError`."""
    with path.open("rb") as file:

        def at(offset: int, size: int) -> bytes:
            file.seek(offset)
            return file.read(size)

        head = at(0, _HEADER_BYTES)
        if head[:6] != _ELF_64_LITTLE_ENDIAN or len(head) < _HEADER_BYTES:
            return LibraryNeeds()
        (table,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        rows = at(table, size * count)
        if size < _SEGMENT_BYTES or len(rows) < size * count:  # cut short
            return LibraryNeeds()
        segments = [struct.unpack_from("<II6Q", rows, i * size) for i in range(count)]
        loaded = [s for s in segments if s[0] == _LOADED_SEGMENT]
        entries: list[tuple[int, int]] = []
        strings = 0
        for segment in segments:
            if segment[0] != _DYNAMIC_SEGMENT:
                continue
            content = at(segment[2], segment[5])
            for tag, value in struct.iter_unpack("<qQ", content[: len(content) // 16 * 16]):
                if tag == _END:
                    break
                if tag in (_NEEDED, _RPATH, _RUNPATH):
                    entries.append((tag, value))
                elif tag == _STRING_TABLE:  # the value is an address in memory
                    strings = next(
                        (value - s[3] + s[2] for s in loaded if 0 <= value - s[3] < s[5]), 0
                    )

        def text(offset: int) -> str:
            return at(strings + offset, _MAX_NAME_BYTES).split(b"\0")[0].decode("utf-8", "replace")

        origin = str(path.parent)
        folders = ":".join(text(value) for tag, value in entries if tag != _NEEDED)
        for sign in ("${ORIGIN}", "$ORIGIN"):
            folders = folders.replace(sign, origin)
        return LibraryNeeds(
            tuple(text(value) for tag, value in entries if tag == _NEEDED),
            tuple(Path(folder) for folder in folders.split(":") if folder),
        )


def list_needed(path: Path) -> tuple[str, ...]:
    """Lists the names in the DT_NEEDED entries of `path`, in order. A file that is not ELF has
    none."""
    return read_needs(path).names


def is_loadable(name: str) -> bool:
    """Tells whether the system's linker finds and loads the library `name`."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def find_lacking(
    paths: Iterable[Path], loads: Callable[[str], bool] = is_loadable
) -> dict[str, Path]:
    """Finds the libraries that are missing for `paths` to be loaded.

    Each library is searched in the folders of the file that asks for it and of the files that asked
    for that file, then in the system. Libraries that are found there are followed in turn.

    Args:
        paths: The libraries to load.
        loads: Tells whether the system has a library.

    Returns:
        The name of each missing library, with the file that asks for it.
    """
    lost: dict[str, Path] = {}
    asked: set[str] = set()  # names that the system was asked for
    seen: set[Path] = set()
    waiting = [(path, tuple[Path, ...]()) for path in paths]
    while waiting:
        path, inherited = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        wanted = read_needs(path)
        folders = (*wanted.folders, *inherited)
        for name in wanted.names:
            beside = next((f / name for f in folders if (f / name).is_file()), None)
            if beside is not None:
                waiting.append((beside, folders))
            elif name not in asked:
                asked.add(name)
                if not loads(name):
                    lost[name] = path
    return lost
