"""Builds the documentation as a website that needs no network.

    python -m tools.build_site [FOLDER]

It needs the extras `docs`, `dev` and `training`. The pages are those that docs/index.md lists, in
its order, with three kinds more: the public names of the library, the options of every command,
and the notebooks of examples/notebooks with what they print and draw. Every warning is an error: a
link that leads nowhere, a page that no list names, a notebook that fails. So is a page that would
load something from elsewhere.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.site.command_pages import write_command_pages
from tools.site.gather_pages import LIBRARY, ROOT, copy_files, gather_pages
from tools.site.library_page import write_library_page
from tools.site.notebook_pages import write_notebook_pages
from tools.site.outside_requests import find_outside_requests

SITE = Path(__file__).parent / "site"
# Sphinx's own, what the notebooks need, and what the help of training needs.
NEEDED = ("sphinx", "myst_nb", "furo", "jupytext", "ipykernel", "pandas", "pythonosc", "torch")
SPHINX_MARK = ".buildinfo"  # which Sphinx puts into every site
LACKING = (
    "error: {names} not installed. Run: "
    "{python} -m pip install -c constraints.txt -e '.[training,dev,docs]'"
)


def list_missing() -> list[str]:
    """Lists the needed packages that are not installed."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def build_site(folder: Path, *, with_notebooks: bool = True) -> int:
    """Builds the site into `folder`, in place of an older one.

    Returns the exit code of Sphinx, or 1 if a page would load something from elsewhere.

    Args:
        folder: The site's folder.
        with_notebooks: False shows the notebooks without running them, which saves half a minute.
    """
    with tempfile.TemporaryDirectory() as scratch:
        pages, built = Path(scratch) / "pages", Path(scratch) / "site"
        files: dict[str, Path] = {}
        gather_pages(pages, files)
        write_library_page(pages / LIBRARY)
        write_command_pages(pages)
        write_notebook_pages(pages, files)
        copy_files(pages, files)
        command = [
            *(sys.executable, "-m", "sphinx", "-b", "html", "-c", str(SITE)),
            *("--fail-on-warning", "--keep-going", "--quiet", "--fresh-env"),
            *("-D", f"nb_execution_mode={'force' if with_notebooks else 'off'}"),
            *("-d", str(Path(scratch) / "doctrees"), str(pages), str(built)),
        ]
        done = subprocess.run(command, cwd=ROOT, check=False)
        if done.returncode:
            return done.returncode
        for page, request in (outside := list(find_outside_requests(built))):
            print(f"error: {page} loads {request}", file=sys.stderr)
        if outside:
            return 1
        replace_site(folder, built)
    return 0


def is_replaceable(folder: Path) -> bool:
    """Tells whether `folder` may be replaced: it is not there, is empty, or is a site that Sphinx
    built."""
    if not folder.exists():
        return True
    return folder.is_dir() and ((folder / SPHINX_MARK).is_file() or not any(folder.iterdir()))


def replace_site(folder: Path, built: Path) -> None:
    """Copies the site `built` to `folder`, in place of an older one. Until the copy is whole, the
    older one stays."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as beside:
        copy = Path(beside) / "site"
        shutil.copytree(built, copy)
        if folder.exists():
            folder.rename(Path(beside) / "older")
        copy.rename(folder)


def describe_failure(error: OSError | subprocess.CalledProcessError) -> str:
    """Describes in one line what kept the pages from being made."""
    if isinstance(error, subprocess.CalledProcessError):
        last = (error.stderr or "").strip().rpartition("\n")[2]
        return f"{' '.join(error.cmd[1:])} ended with exit code {error.returncode}: {last}"
    return str(error)


def main(argv: list[str] | None = None) -> int:
    """Builds the site. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.build_site", description="Builds the documentation as a website."
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=ROOT / "build" / "site", help="(build/site)"
    )
    parser.add_argument(
        "--without-running", action="store_true", help="show the notebooks without running them"
    )
    options = parser.parse_args(argv)
    if missing := list_missing():
        names = ", ".join(missing) + (" is" if len(missing) == 1 else " are")
        print(LACKING.format(names=names, python=sys.executable), file=sys.stderr)
        return 2
    if not is_replaceable(options.folder):
        print(
            f"error: {options.folder} holds something else than a site. Name another folder.",
            file=sys.stderr,
        )
        return 2
    try:
        code = build_site(options.folder, with_notebooks=not options.without_running)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"error: {describe_failure(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    if code == 0:
        print(f"{options.folder / 'index.html'} is the first page.")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
