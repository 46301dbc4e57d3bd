"""The guard of imports: it is light, and checks what it has to when that is imported."""

import subprocess
import sys

from app.defaults import ROOT
from app.requirements import import_guard, system_needs


def list_loaded(code: str) -> set[str]:
    """Lists the modules of the project and the packages that are loaded after `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = done.stdout.split()
    return {n for n in names if n.partition(".")[0] in ("app", "numpy", "cv2", "av", "ctypes")}


def test_the_package_loads_nothing_but_the_guard() -> None:
    assert list_loaded("import app") == {"app", "app.requirements", "app.requirements.import_guard"}


def test_the_guard_stands_before_the_finders_of_modules() -> None:
    assert import_guard.IMPORT_GUARD in sys.meta_path
    before = list(sys.meta_path)
    import_guard.guard_imports()
    assert sys.meta_path == before


def test_asking_for_a_place_checks_nothing() -> None:
    assert system_needs.find_package_folder("cv2") is not None
    assert not import_guard.IMPORT_GUARD.is_paused
