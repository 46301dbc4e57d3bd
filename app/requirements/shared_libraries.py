"""Reads which shared libraries a library asks for, and finds those that are not there (Linux)."""

import ctypes
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_DYNAMIC_SEGMENT, _LOADED_SEGMENT = 2, 1
_END, _NEEDED, _STRING_TABLE, _RPATH, _RUNPATH = 0, 1, 5, 15, 29
_LONGEST_NAME = 4096


@dataclass(frozen=True, slots=True)
class LibraryNeeds:
    """What a library says of others: `names` of those it needs, in order, and the `folders` in
    which they are looked for before the system's own."""

    names: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()


def read_needs(path: Path) -> LibraryNeeds:
    """Reads the DT_NEEDED, DT_RPATH and DT_RUNPATH entries of a 64-bit little-endian ELF file;
    nothing for a file of another kind. After the System V ABI's "Object Files" and "Dynamic
    Linking". Raises `OSError`."""
    with path.open("rb") as file:

        def at(offset: int, size: int) -> bytes:
            file.seek(offset)
            return file.read(size)

        head = at(0, 64)
        if head[:6] != b"\x7fELF\x02\x01" or len(head) < 64:
            return LibraryNeeds()
        (table,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        rows = at(table, size * count)
        if size < 56 or len(rows) < size * count:  # cut short
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
                elif tag == _STRING_TABLE:  # an address in memory
                    strings = next(
                        (value - s[3] + s[2] for s in loaded if 0 <= value - s[3] < s[5]), 0
                    )

        def text(offset: int) -> str:
            return at(strings + offset, _LONGEST_NAME).split(b"\0")[0].decode("utf-8", "replace")

        origin = str(path.parent)
        folders = ":".join(text(value) for tag, value in entries if tag != _NEEDED)
        for sign in ("${ORIGIN}", "$ORIGIN"):
            folders = folders.replace(sign, origin)
        return LibraryNeeds(
            tuple(text(value) for tag, value in entries if tag == _NEEDED),
            tuple(Path(folder) for folder in folders.split(":") if folder),
        )


def list_needed(path: Path) -> tuple[str, ...]:
    """The names in the DT_NEEDED entries of `path`, in order; none for a file that is not ELF."""
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
    """Finds what is missing for `paths` to be loaded, through the libraries that lie beside them.

    Returns the name of each library that neither lies in a folder of the file that asks for it (or
    of one that asked for that file) nor is had by the system, with the file that asks for it."""
    lost: dict[str, Path] = {}
    asked: set[str] = set()  # of the system
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
