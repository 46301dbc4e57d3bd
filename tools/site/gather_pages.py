"""Copies the documentation's pages into one folder for Sphinx, with links that work there.

In the repository, pages lie in several folders and link to code. On the site, all pages lie below
one folder, and the other files that they link to are copied beside them.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INDEX = ROOT / "docs" / "index.md"
# Pages outside of docs/, and their names on the site.
OTHER_PAGES = {
    "README.md": "readme.md",
    "CONTRIBUTING.md": "contributing.md",
    "examples/README.md": "examples.md",
    "findings/README.md": "findings.md",
    "models/README.md": "model_card.md",
}
FILES = "files"  # the site's folder of files that are no pages
LIBRARY = "reference/library.md"
COMMANDS = "reference/commands.md"
TRAINING_COMMANDS = "reference/training_commands.md"
NOTEBOOKS = ROOT / "examples" / "notebooks"
# Pages that only the site has, by the heading of docs/index.md below which they are listed.
MADE_PAGES = {
    "Start": (COMMANDS,),
    "In Python": (*(f"notebooks/{path.stem}.ipynb" for path in NOTEBOOKS.glob("*.py")), LIBRARY),
    "Train": (TRAINING_COMMANDS,),
}
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)((?:#[^)\s]*)?)\)")  # of this repository
ORPHAN = "---\norphan: true\n---\n\n"  # tells Sphinx that no list names this page


def list_pages() -> Sequence[Path]:
    """Lists the repository's files that become pages."""
    return (*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in OTHER_PAGES))


def name_on_site(page: Path) -> str | None:
    """Names a file of the repository on the site; None for a file that is no page.

    >>> name_on_site(ROOT / "docs" / "records.md"), name_on_site(ROOT / "models" / "README.md")
    ('records.md', 'model_card.md')
    >>> name_on_site(ROOT / "LICENSE") is None
    True
    """
    place = page.relative_to(ROOT).as_posix()
    if place.startswith("docs/") and place.endswith(".md"):
        return place.removeprefix("docs/")
    if page.parent == NOTEBOOKS:
        return f"notebooks/{page.stem}.ipynb"
    return OTHER_PAGES.get(place)


def split_code(text: str) -> Iterator[tuple[bool, str]]:
    """Splits Markdown into (is fenced code, lines).

    >>> list(split_code("a\\n```sh\\nb\\n```\\nc"))
    [(False, 'a\\n'), (True, '```sh\\nb\\n```\\n'), (False, 'c')]
    """
    for number, part in enumerate(re.split(r"(?m)^(```.*?^```[^\n]*\n?)", text, flags=re.S)):
        if part:
            yield number % 2 == 1, part


def list_links(text: str) -> list[tuple[str, str]]:
    """Lists the links of a page into this repository, as (path, anchor with #); both may be empty.

    >>> list_links("[a](b.md#c) [d](#e) [f](https://g) `x`")
    [('b.md', '#c'), ('', '#e')]
    """
    return [
        (found[1], found[2])
        for is_code, part in split_code(text)
        if not is_code
        for found in LINK.finditer(part)
    ]


def rewrite_links(text: str, source: Path, target: str, files: dict[str, Path]) -> str:
    """Changes the links of a page so that they work on the site.

    Args:
        text: The page's Markdown.
        source: The page in the repository.
        target: The page's name on the site.
        files: Gets the name on the site of each linked file that is no page, and its path.

    Raises:
        FileNotFoundError: A link leads to no file.
    """
    up = "../" * target.count("/")

    def rewrite(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0]
        linked = (source.parent / found[1]).resolve()
        if not linked.is_file():
            raise FileNotFoundError(f"{source.relative_to(ROOT)} links to {found[1]}: no such file")
        name = name_on_site(linked)
        if name is None:
            name = f"{FILES}/{linked.relative_to(ROOT).as_posix()}"
            files[name] = linked
        return f"]({up}{name}{found[2]})"

    return "".join(
        part if is_code else LINK.sub(rewrite, part) for is_code, part in split_code(text)
    )


def list_navigation(index: str) -> dict[str, list[tuple[str, str]]]:
    """Maps each heading of docs/index.md to the (title, link) of the pages that it lists.

    >>> list_navigation("# A\\n\\n## B\\n\\n- [c](d.md): e\\n")
    {'B': [('c', 'd.md')]}
    """
    return {
        heading: re.findall(r"^- \[([^\]]+)\]\(([^)#]+)\)", rest, re.M)
        for heading, _, rest in (part.partition("\n") for part in index.split("\n## ")[1:])
    }


def make_page_trees() -> str:
    """Makes the lists of pages in Sphinx's form. They are the site's navigation."""
    trees = []
    for heading, entries in list_navigation(INDEX.read_text(encoding="utf-8")).items():
        pages = [
            f"{title} <{name_on_site((INDEX.parent / link).resolve())}>" for title, link in entries
        ]
        pages += sorted(MADE_PAGES.get(heading, ()))
        trees.append(
            "\n".join(["```{toctree}", ":hidden:", f":caption: {heading}", "", *pages, "```"])
        )
    return "\n\n".join(trees)


def gather_pages(folder: Path, files: dict[str, Path]) -> None:
    """Writes the pages of the repository into `folder`.

    Args:
        folder: The site's pages.
        files: Gets the files that the pages link to, as `rewrite_links` names them.

    Raises:
        FileNotFoundError: A page links to a file that is not there.
    """
    for page in list_pages():
        name = name_on_site(page)
        assert name is not None
        text = rewrite_links(page.read_text(encoding="utf-8"), page, name, files)
        if page == INDEX:
            text += f"\n{make_page_trees()}\n"
        elif "/" in name:  # docs/comparison/…, which docs/method.md links to
            text = ORPHAN + text
        write_page(folder / name, text)


def copy_files(folder: Path, files: dict[str, Path]) -> None:
    """Copies the files that pages link to, by their names on the site, into `folder`."""
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)


def write_page(path: Path, text: str) -> None:
    """Writes a page, and the folder that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
