"""Checks Python and the packages that the program needs, for the doctor."""

import importlib
import importlib.metadata
import platform
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from app.defaults import ROOT
from app.diagnostics.check import Check, explain_unloaded
from app.requirements.system_needs import INSTALL

OLDEST_PYTHON = (3, 11)
SEE_BELOW = "See the system libraries below."


def check_python() -> Iterator[Check]:
    """Checks the version of Python."""
    version = platform.python_version()
    place = f"{version} · {platform.system()} {platform.machine()}"
    if sys.version_info < OLDEST_PYTHON:
        yield Check(
            "Python",
            "failed",
            f"{place}, but 3.11 is the oldest that works",
            "Install Python 3.11 or newer and make the virtual environment anew.",
        )
    else:
        yield Check("Python", "ok", place)


def read_requirements() -> tuple[str, ...]:
    """Reads the requirements of the program: the lines of pyproject.toml or, where there is none,
    of the installed package."""
    import tomllib

    path = ROOT / "pyproject.toml"
    if path.is_file():
        return tuple(tomllib.loads(path.read_text(encoding="utf-8"))["project"]["dependencies"])
    found = importlib.metadata.requires("expression-recogniser") or []
    return tuple(line for line in found if "extra ==" not in line)


def read_tested_versions() -> dict[str, str]:
    """Maps each package's name to its version in constraints.txt, which the tests ran with."""
    path = ROOT / "constraints.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = (line.partition("#")[0].strip().partition("==") for line in lines)
    return {_normalise_name(name): version for name, _, version in pairs if version}


def _find_requirement_class() -> Any:  # one of two packages that may both be missing
    """Finds `packaging.requirements.Requirement`, or pip's own copy where that is not installed, or
    None."""
    for module in ("packaging.requirements", "pip._vendor.packaging.requirements"):
        try:
            return importlib.import_module(module).Requirement
        except ImportError:
            continue
    return None


def check_package_versions(
    wanted: Sequence[str] | None = None,
    installed: Callable[[str], str] = importlib.metadata.version,
) -> Iterator[Check]:
    """Compares the requirements of pyproject.toml with the installed packages. Where no library can
    read requirements, only the names are checked."""
    requirement = _find_requirement_class()
    tested = read_tested_versions()
    for line in read_requirements() if wanted is None else wanted:
        if requirement is None:
            name = re.split(r"[^\w.-]", line)[0]
            if ";" not in line:  # else it may be meant for another platform
                yield _check_installed(name, "", lambda _: True, installed, tested)
            continue
        need = requirement(line)
        if need.marker is None or need.marker.evaluate():

            def suits(version: str, need: Any = need) -> bool:  # of that class
                return bool(need.specifier.contains(version, prereleases=True))

            yield _check_installed(need.name, str(need.specifier), suits, installed, tested)
    yield from check_opencv(installed)


def _check_installed(
    name: str,
    asked: str,
    suits: Callable[[str], bool],
    installed: Callable[[str], str],
    tested: dict[str, str],
) -> Check:
    try:
        version = installed(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "failed", "is not installed", INSTALL)
    if not suits(version):
        return Check(name, "warning", f"{version}, but {asked} is asked", INSTALL)
    usual = tested.get(_normalise_name(name), version)
    told = version if usual == version else f"{version} (tests ran with {usual})"
    return Check(name, "ok", told)


def check_opencv(
    installed: Callable[[str], str] = importlib.metadata.version, build: str | None = None
) -> Iterator[Check]:
    """Checks that OpenCV has one wheel, and windows. `build` is OpenCV's own description of its
    build; None asks the library."""
    wheels: dict[str, str] = {}
    for end in ("", "-contrib", "-headless", "-contrib-headless"):
        try:
            name = f"opencv{end.removesuffix('-headless')}-python" + (
                "-headless" if end.endswith("-headless") else ""
            )
            wheels[name] = installed(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if len(set(wheels.values())) > 1:
        named = " and ".join(f"{name} {version}" for name, version in wheels.items())
        yield Check(
            "OpenCV",
            "warning",
            f"{named} lie in one folder, but are of unequal versions: which of their files are in "
            "use is a matter of luck",
            f"python -m pip uninstall -y {' '.join(wheels)}; {INSTALL}",
        )
        return
    if build is None:
        try:
            import cv2
        except ModuleNotFoundError:
            return  # another check tells this
        except ImportError as error:
            yield Check(
                "OpenCV", "failed", f"cannot be loaded: {explain_unloaded(error)}", SEE_BELOW
            )
            return
        build = cv2.getBuildInformation()
    shown = re.search(r"^\s*GUI:\s*(.*?)\s*$", build, re.MULTILINE)
    toolkit = shown[1] if shown and shown[1] not in ("", "NONE") else None
    if toolkit is None:
        hides = [name for name in wheels if name.endswith("headless")]
        yield Check(
            "OpenCV",
            "warning",
            "was built without windows",
            f"python -m pip uninstall -y {' '.join(hides or wheels)}; {INSTALL}; or use "
            "--no-window",
        )
    else:
        yield Check("OpenCV", "ok", f"with windows ({toolkit})")


def _normalise_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
