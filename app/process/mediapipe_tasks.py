"""Imports one task of MediaPipe without the rest of its package.

`import mediapipe` imports every task, and with their drawing functions Matplotlib's pyplot, with
the tasks for sound a sound library: 340 ms of processor time and 43 MB, of which the face detector
needs 27 ms and 2 MB. So the module of one task is imported while MediaPipe's packages are found
with empty contents. Afterwards none of these modules is left in `sys.modules`, so that an
`import mediapipe` elsewhere in the same process gets the whole package.
"""

import importlib.util
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType

from app.errors import DeviceError, ModelError
from app.process.memory_room import format_memory_line, has_room, lacks_memory
from app.process.telemetry_off import (
    MediapipeModule,
    import_mediapipe,
    lead_mediapipe_reports,
)

PACKAGE = "mediapipe"
NOT_NEEDED = "tensorflow"  # MediaPipe takes only its marks for documentation, if it is installed
_TASKS = f"{PACKAGE}.tasks.python"
# Of address space. Where less is free, a failed start says nothing about the file of the network.
MIN_ROOM_BYTES = 128 << 20
_LOCK = threading.RLock()
_PRIVATE: dict[str, ModuleType] = {}  # what was imported here, for the next task


@dataclass(frozen=True, slots=True)
class VisionTask:
    """A task: its `module`, such as MediaPipe's `face_detector`, the module `images` with `Image`
    and `ImageFormat`, and the module `base_options` with `BaseOptions`."""

    module: MediapipeModule
    images: MediapipeModule
    base_options: MediapipeModule


@contextmanager
def explain_failed_start(model: Path, what: str) -> Iterator[None]:
    """Turns what MediaPipe raises while a task starts into errors of this project.

    Args:
        model: The file of the task's network.
        what: The kind of network, such as "face detector".

    Raises:
        DeviceError: MediaPipe does not start here, or there is too little memory.
        ModelError: The file holds no such network.
    """
    try:
        yield
    except OSError as cause:
        if lacks_memory(cause) or not has_room(MIN_ROOM_BYTES):
            raise DeviceError(format_memory_line("for MediaPipe")) from cause
        raise DeviceError(
            f"MediaPipe does not start here: {cause}. See run_demo.py --doctor."
        ) from cause
    except (RuntimeError, ValueError) as cause:
        if lacks_memory(cause):
            raise DeviceError(format_memory_line("for MediaPipe")) from cause
        raise ModelError(
            f"{model} is not a {what} that MediaPipe can use. Restore the models folder of the "
            "project."
        ) from cause


def import_vision_task(name: str) -> VisionTask:
    """Imports the module `name` of `mediapipe.tasks.python.vision`, with no reports to its maker.

    Where MediaPipe is imported already, or where this version cannot be imported in parts, the
    whole package serves. Any thread may call this.

    Args:
        name: For example "face_detector" or "face_landmarker".

    Raises:
        ImportError: MediaPipe is not installed, or lacks a library of the system.
    """
    with _LOCK:
        # Asks all finders, so that the machine is checked (`app.requirements.import_guard`).
        spec = importlib.util.find_spec(PACKAGE)
        if spec is not None and PACKAGE not in sys.modules:
            lead_mediapipe_reports()
            try:
                with _hide_packages():
                    return _import_parts(name, load_library=True)
            except Exception:  # of a version that is built in another way, any error may come
                _PRIVATE.clear()
        import_mediapipe()
        return _import_parts(name, load_library=False)


def _import_parts(name: str, *, load_library: bool) -> VisionTask:
    task = VisionTask(
        importlib.import_module(f"{_TASKS}.vision.{name}"),
        importlib.import_module(f"{_TASKS}.vision.core.image"),
        importlib.import_module(f"{_TASKS}.core.base_options"),
    )
    _ = task.images.Image, task.images.ImageFormat, task.base_options.BaseOptions
    if load_library:  # MediaPipe finds the library's file by the names of its packages
        importlib.import_module(f"{_TASKS}.core.mediapipe_c_bindings").load_raw_library()
    return task


@contextmanager
def _hide_packages() -> Iterator[None]:
    """Makes MediaPipe's packages empty for imports of this thread, and takes all of MediaPipe out
    of `sys.modules` at the end."""
    _FINDER.thread = threading.get_ident()
    sys.meta_path.insert(0, _FINDER)
    sys.modules.update(_PRIVATE)
    try:
        yield
        _PRIVATE.update({n: m for n, m in sys.modules.items() if _is_of_mediapipe(n)})
    finally:
        _FINDER.thread = None
        sys.meta_path.remove(_FINDER)
        for module in filter(_is_of_mediapipe, list(sys.modules)):
            del sys.modules[module]


def _is_of_mediapipe(module: str) -> bool:
    return module == PACKAGE or module.startswith(f"{PACKAGE}.")


class _EmptyPackages:
    """An entry of `sys.meta_path` that finds MediaPipe's packages for `thread`, without what their
    `__init__` does."""

    thread: int | None = None

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if threading.get_ident() != self.thread:
            return None
        if name == NOT_NEEDED:
            raise ModuleNotFoundError(f"{name} is left out here", name=name)
        spec = PathFinder.find_spec(name, path) if _is_of_mediapipe(name) else None
        if spec is None or spec.submodule_search_locations is None:
            return spec
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = _EmptyPackage(name, spec.loader.path)
        return spec


_FINDER = _EmptyPackages()


class _EmptyPackage(SourceFileLoader):
    """Loads a package without its `__init__`."""

    def exec_module(self, module: ModuleType) -> None:
        """Gives the package a `__getattr__` for other threads, which may import MediaPipe at the
        same moment and must get the whole of it."""

        def __getattr__(attribute: str) -> object:  # noqa: N807 - Python's name for it
            if threading.get_ident() != _FINDER.thread:
                with _LOCK:
                    whole = importlib.import_module(module.__name__)
                if whole is not module:
                    return getattr(whole, attribute)
            raise AttributeError(f"module {module.__name__!r} has no {attribute!r} here")

        module.__dict__["__getattr__"] = __getattr__
