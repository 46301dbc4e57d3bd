"""Builds the wheel: one package, `expression_recogniser`, made from `app`, `training` and models.

pip and `python -m build` call this module; pyproject.toml names it. In a checkout the packages are
called `app` and `training`, names that other distributions take, too. The wheel has their modules
under a name of its own, so their absolute imports, and the commands that messages and help name,
are rewritten on the way. docs/packaging.md gives the reasons. An editable installation and the
source distribution have the checkout as it is.
"""

import contextlib
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
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


def write_wheel_tree(root: Path, target: Path) -> None:
    """Writes into `target` the project that the wheel of the checkout `root` is built from."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    renaming = Renaming(project, root)
    package = target / PACKAGE
    leave_out = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(root / "app", package, ignore=leave_out)
    shutil.copytree(root / "training", package / "training", ignore=leave_out)
    shutil.copytree(root / "models", package / "models", ignore=leave_out)
    shutil.copyfile(root / "run_demo.py", package / "__main__.py")
    for path in package.rglob("*.py"):
        path.write_text(renaming.rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")
    if unused := ADVICE.keys() - renaming.used_advice:
        raise ValueError(f"tools/wheel_backend.py replaces what no module says: {unused}")
    (target / "pyproject.toml").write_text(renaming.rewrite_project(text), encoding="utf-8")
    for name in (str(project["readme"]), *project["license-files"]):
        (target / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(root / name, target / name)


@contextlib.contextmanager
def _in_wheel_tree() -> Iterator[None]:
    """Makes the tree of the wheel the working folder, as long as the block lasts."""
    root = Path.cwd()  # pip's promise to a backend
    with tempfile.TemporaryDirectory(prefix=f"{PACKAGE}-wheel-") as folder:
        write_wheel_tree(root, Path(folder))
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
    with _in_wheel_tree():
        return str(build_meta.build_wheel(target, config_settings))


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: Settings = None
) -> str:
    """Writes the wheel's metadata into `metadata_directory`. Returns its folder (PEP 517)."""
    target = os.path.abspath(metadata_directory)
    with _in_wheel_tree():
        return str(build_meta.prepare_metadata_for_build_wheel(target, config_settings))
