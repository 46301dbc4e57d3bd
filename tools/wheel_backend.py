"""Builds the wheel: one package, `expression_recogniser`, made from `app`, `training` and models.

pip and `python -m build` call this module; pyproject.toml names it. In a checkout the packages are
called `app` and `training`, names that other distributions take, too. The wheel has their modules
under a name of its own, so their absolute imports, and the commands that messages and help name,
are rewritten on the way. docs/packaging.md gives the reasons. An editable installation and the
source distribution have the checkout as it is.

Wheel and source distribution have the files that Git knows, and no others that lie about. If one is
missing, the build ends with one line.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = Mapping[str, str | list[str] | None] | None  # as pip gives them
PACKAGE = "expression_recogniser"
TRAIN_COMMAND = "expression-recogniser-train"
# What advises on a checkout -> what advises on an installed wheel. Each has to occur.
ADVICE = {
    "python -m pip install -c constraints.txt -e .": "python -m pip install {wheel}",
    "python -m pip install -c constraints.txt -e '.[": "python -m pip install '{wheel}[",
    "pip install -e '.[": "pip install '{wheel}[",
    "Restore the models folder of the project: git checkout -- models": (
        "Install the program again: python -m pip install --force-reinstall --no-deps {wheel}"
    ),
    "Restore the models folder of the project": "Install the program again",
}
# Each of them has to be there, and nothing else in models/ gets into a wheel.
SHIPPED_MODELS = (
    "LICENSE.mediapipe",
    "README.md",
    "dacl.onnx",
    "dacl.pt",
    "dacl_int8.onnx",
    "dacl_small.onnx",
    "dacl_small.pt",
    "dacl_small_int8.onnx",
    "face_check.onnx",
    "face_detection_full_range_sparse.tflite",
    "face_detection_short_range.tflite",
    "face_landmarker.task",
)
# Without these, an installed program would fail at a command or at a page.
NEEDED = (
    *(f"models/{name}" for name in SHIPPED_MODELS),
    *(f"app/assets/{name}" for name in ("ORIGIN.txt", "demo.mp4", "portrait.mp4")),
    "app/py.typed",
    "app/server/static/index.html",
    "LICENSE",
    "README.md",
    "run_demo.py",
)
MUST_HAVE_CONTENT = frozenset(NEEDED) - {"app/py.typed"}
MAX_NAMED = 5  # of the files that stay out
README_NOTE = """> This is the README of the project's checkout. An installed wheel has the same
> commands under other names: `expression-recogniser` for `python run_demo.py`,
> `expression-recogniser-train retrain` for `python -m training.retrain`, and
> `expression-recogniser-report` for `python -m app.report`. It needs no `.venv/bin/` and no
> `constraints.txt`. The pages and files that are named in brackets are in the checkout.
"""
PACKAGES_SECTION = f"""[tool.setuptools.packages.find]
include = ["{PACKAGE}*"]
namespaces = false

[tool.setuptools.package-data]
{PACKAGE} = ["**/*"]
"""


class Renaming:
    """Rewrites the text of a module, of a checkout, into that of the wheel."""

    def __init__(self, project: Mapping[str, object], root: Path) -> None:
        scripts = project["scripts"]
        assert isinstance(scripts, dict)
        self.wheel = f"{PACKAGE}-{project['version']}-py3-none-any.whl"
        self.used_advice: set[str] = set()
        # "app.report" -> "expression-recogniser-report"
        self._scripts = {
            target.partition(":")[0].removesuffix(".__main__"): name
            for name, target in scripts.items()
        }
        self._rooms = {
            house: "|".join(sorted({path.stem for path in (root / house).iterdir()}))
            for house in ("app", "training")
        }
        self._commands = "|".join(path.stem for path in sorted((root / "training").glob("*.py")))

    def rename_module(self, name: str) -> str:
        """Gives the wheel's name for the module `name` of the checkout.

        `app.report` is `expression_recogniser.report`, `training.run` is
        `expression_recogniser.training.run`, and `run_demo` is the package's `__main__`.
        """
        house, _, rest = name.partition(".")
        new = {
            "app": PACKAGE,
            "training": f"{PACKAGE}.training",
            "run_demo": f"{PACKAGE}.__main__",
        }[house]
        return f"{new}.{rest}" if rest else new

    def rewrite(self, text: str) -> str:
        """Rewrites the imports of a module, and the commands and modules that its text names."""
        for old, new in ADVICE.items():
            if old in text:
                self.used_advice.add(old)
                text = text.replace(old, new.format(wheel=self.wheel))

        def module(found: re.Match[str]) -> str:
            return f"{found['before']}{self.rename_module(found['name'])}"

        text = re.sub(
            r"(?P<before>\bfrom )(?P<name>(?:app|training)(?:\.\w+)*)(?= import\b)", module, text
        )
        text = re.sub(
            r"(?P<before>^\s*import )(?P<name>(?:app|training)(?:\.\w+)*)",
            module,
            text,
            flags=re.M,
        )
        # Commands: what a user types.
        for name, script in self._scripts.items():
            if name.startswith("app."):
                text = re.sub(rf"python -m {re.escape(name)}\b(?!\.)", script, text)
        text = re.sub(rf"python -m training\.({self._commands})\b", rf"{TRAIN_COMMAND} \1", text)
        text = re.sub(r"python -m training\b(?!\.)", TRAIN_COMMAND, text)
        text = re.sub(r"(?:python )?\brun_demo\.py\b", self._scripts["run_demo"], text)
        text = text.replace("run_demo.main", f"{PACKAGE}.__main__.main")
        # Modules: names that Python is given, alone in quotes or after -m.
        text = re.sub(r"(?P<before>-m )(?P<name>(?:app|training)\.\w+(?:\.\w+)*)", module, text)
        text = re.sub(
            rf"(?P<before>[\"'])(?P<name>app\.(?:{self._rooms['app']})\b(?:\.\w+)*)(?=[\"'])",
            module,
            text,
        )
        # In sentences. "training.export" alone in quotes is the name of a producer of files.
        text = re.sub(
            rf"(?<![\w.\"'/])training\.({self._commands})\b(?![.(\w])", rf"{TRAIN_COMMAND} \1", text
        )
        return re.sub(
            rf"(?P<before>(?<![\w.\"'/]))(?P<name>(?:app\.(?:{self._rooms['app']})"
            rf"|training\.(?:{self._rooms['training']}))\b(?:\.\w+)*)",
            module,
            text,
        )

    def rewrite_project(self, text: str) -> str:
        """Rewrites pyproject.toml: the targets of its scripts, and the packages that it lists."""
        sections = re.split(r"(?m)^(?=\[)", text)
        kept = []
        for section in sections:
            if section.startswith(("[tool.setuptools", "[build-system]")):
                continue
            if section.startswith("[project.scripts]"):
                section = re.sub(
                    r'"([\w.]+):', lambda found: f'"{self.rename_module(found[1])}:', section
                )
            kept.append(section)
        return "".join(kept) + PACKAGES_SECTION


def list_known_files(root: Path) -> list[str] | None:
    """Lists the files that Git knows in the checkout `root`; None where it is no checkout of Git's,
    as an unpacked source distribution is not."""
    try:
        git = ["git", "-C", str(root)]
        top = subprocess.run(
            [*git, "rev-parse", "--show-toplevel"], capture_output=True, check=True, text=True
        ).stdout.removesuffix("\n")
        if not Path(top).samefile(root):
            return None
        found = subprocess.run([*git, "ls-files", "-z"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return [os.fsdecode(name) for name in found.split(b"\0") if name]


def check_needed(root: Path, known: Iterable[str]) -> None:
    """Ends the build with one line where a file is missing: one that Git knows, or that the program
    needs."""
    for name in (*NEEDED, *known):
        path = root / name
        is_empty = name in MUST_HAVE_CONTENT and path.is_file() and not path.stat().st_size
        if is_empty or not os.path.lexists(path):
            raise SystemExit(
                f"error: {name} is missing or empty. Restore it, for example by git checkout -- "
                f"{name}, and build again."
            )


def list_shipped_files(root: Path, known: Iterable[str] | None) -> list[str]:
    """Lists the files of `app`, `training` and `models` that a wheel has, as paths from `root` on:
    modules, the data that pyproject.toml names and the shipped models.

    `known` are the files that Git knows; None takes every such file.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    data = project["tool"]["setuptools"]["package-data"]["app"]

    def is_meant(path: Path) -> bool:
        house, *rest = path.parts
        if house == "models":
            return len(rest) == 1 and rest[0] in SHIPPED_MODELS
        is_data = house == "app" and any(path.match(f"app/{pattern}") for pattern in data)
        return path.suffix == ".py" or is_data

    there = sorted(
        path.relative_to(root)
        for house in ("app", "training", "models")
        for path in (root / house).rglob("*")
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.parts)
    )
    chosen = [path.as_posix() for path in there if is_meant(path)]
    if known is None:
        return chosen
    names = set(known)
    if left := [name.as_posix() for name in there if name.as_posix() not in names]:
        more = f" and {len(left) - MAX_NAMED} more" if len(left) > MAX_NAMED else ""
        print(
            f"note: not in the wheel, because Git does not know them: "
            f"{', '.join(left[:MAX_NAMED])}{more}",
            file=sys.stderr,
        )
    return [name for name in chosen if name in names]


def rewrite_readme(text: str) -> str:
    """Rewrites the README for a reader who has no checkout: a link into the checkout becomes its
    words and the name of the page, pictures are left out, and a note says what the commands are
    called."""
    own = r"\((?!\w+://)(?P<page>[^()\s#]*)(?:#[^()\s]*)?\)"
    text = re.sub(rf"(?m)^!\[[^\]]*\]{own}\n+", "", text)
    text = re.sub(
        rf"\[(?P<words>[^\]]*)\]{own}",
        lambda link: link["words"] + (f" (`{link['page']}`)" if link["page"] else ""),
        text,
    )
    title, _, rest = text.partition("\n")
    return f"{title}\n\n{README_NOTE}{rest}"


def write_wheel_tree(root: Path, target: Path) -> None:
    """Writes into `target` the project that the wheel of the checkout `root` is built from. Ends
    the process with one line where a file is missing."""
    known = list_known_files(root)
    check_needed(root, known or ())
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    renaming = Renaming(project, root)
    package = target / PACKAGE
    for name in list_shipped_files(root, known):
        copy = package / name.removeprefix("app/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, copy)
    shutil.copyfile(root / "run_demo.py", package / "__main__.py")
    for path in package.rglob("*.py"):
        path.write_text(renaming.rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")
    if unused := ADVICE.keys() - renaming.used_advice:
        raise ValueError(f"tools/wheel_backend.py replaces what no module says: {unused}")
    (target / "pyproject.toml").write_text(renaming.rewrite_project(text), encoding="utf-8")
    for name in (str(project["readme"]), *project["license-files"]):
        (target / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(root / name, target / name)
    readme = target / str(project["readme"])
    readme.write_text(rewrite_readme(readme.read_text(encoding="utf-8")), encoding="utf-8")


def write_sdist_tree(root: Path, target: Path) -> None:
    """Writes into `target` the files of the checkout `root` that Git knows, or all where Git knows
    nothing of it. Ends the process with one line where a file is missing."""
    known = list_known_files(root)
    check_needed(root, known or ())
    if known is None:
        shutil.copytree(
            root, target, ignore=shutil.ignore_patterns("__pycache__", ".*"), dirs_exist_ok=True
        )
        return
    for name in known:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target / name, follow_symlinks=False)


@contextlib.contextmanager
def _in_tree(write_tree: Callable[[Path, Path], None]) -> Iterator[None]:
    """Makes the tree that `write_tree` writes the working folder, as long as the block lasts."""
    root = Path.cwd()  # pip's promise to a backend
    with tempfile.TemporaryDirectory(prefix=f"{PACKAGE}-build-") as folder:
        write_tree(root, Path(folder))
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(root)


def build_wheel(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """Builds the wheel into `wheel_directory`. Returns its file name (PEP 517)."""
    target = os.path.abspath(wheel_directory)
    with _in_tree(write_wheel_tree):
        return str(build_meta.build_wheel(target, config_settings))


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Builds the source distribution into `sdist_directory`. Returns its file name (PEP 517)."""
    target = os.path.abspath(sdist_directory)
    with _in_tree(write_sdist_tree):
        return str(build_meta.build_sdist(target, config_settings))


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: Settings = None
) -> str:
    """Writes the wheel's metadata into `metadata_directory`. Returns its folder (PEP 517)."""
    target = os.path.abspath(metadata_directory)
    with _in_tree(write_wheel_tree):
        return str(build_meta.prepare_metadata_for_build_wheel(target, config_settings))
