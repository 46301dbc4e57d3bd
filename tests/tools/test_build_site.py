"""The documentation's pages are listed, their links lead somewhere, and the site loads nothing from
elsewhere."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

import app
from tests.support.browser import needs_browser
from tools import build_site
from tools.site.command_pages import list_program_commands
from tools.site.gather_pages import (
    INDEX,
    NOTEBOOKS,
    OTHER_PAGES,
    ROOT,
    list_links,
    list_navigation,
    list_pages,
    make_page_trees,
    name_on_site,
    rewrite_links,
    split_code,
)
from tools.site.library_page import GROUPS
from tools.site.outside_requests import find_outside_requests, list_loads, list_style_loads

README_WORDS = 850  # one minute, with its tables and commands
PAGES = list_pages()


def list_anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    prose = "".join(part for is_code, part in split_code(text) if not is_code)
    headings = re.findall(r"^#+ +(.+?) *$", prose, re.M)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {"#" + re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in plain}


def test_readme_takes_a_minute() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) < README_WORDS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    wrong = []
    for path, anchor in list_links(page.read_text(encoding="utf-8")):
        linked = (page.parent / path).resolve() if path else page
        if not linked.is_file() or (
            anchor and anchor not in list_anchors(linked.read_text(encoding="utf-8"))
        ):
            wrong.append(path + anchor)
    assert wrong == []


def test_a_folder_that_is_no_site_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build_site, "list_missing", list)
    (tmp_path / "mine.txt").write_text("mine")
    for name in (tmp_path, tmp_path / "mine.txt"):
        assert build_site.main([str(name)]) == 2
        assert "holds something else than a site. Name another" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_site_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    folder, built = tmp_path / "out" / "site", tmp_path / "built"
    for words in ("older", "newer"):
        built.mkdir(exist_ok=True)
        (built / build_site.SPHINX_MARK).touch()
        (built / f"{words}.html").touch()
        assert build_site.is_replaceable(folder)
        build_site.replace_site(folder, built)
        (built / f"{words}.html").unlink()
    assert {path.name for path in folder.iterdir()} == {build_site.SPHINX_MARK, "newer.html"}
    assert [path.name for path in folder.parent.iterdir()] == ["site"]


def test_every_page_is_listed_once() -> None:
    index = INDEX.read_text(encoding="utf-8")
    listed = [link for links in list_navigation(index).values() for _, link in links]
    assert len(listed) == len(set(listed))
    pages = {(INDEX.parent / link).resolve() for link in listed}
    # The tables of docs/comparison/ are linked from the page that discusses them.
    assert pages == {page for page in PAGES if page != INDEX and "comparison" not in page.parts}


def test_navigation_has_the_made_pages() -> None:
    trees = make_page_trees()
    assert "In one minute <readme.md>\n" in trees
    assert trees.count("reference/") == 3
    assert trees.count("notebooks/") == len(list(NOTEBOOKS.glob("*.py"))) >= 5


def test_every_public_name_has_an_entry() -> None:
    named = [name for names in GROUPS.values() for name in names]
    assert sorted(named) == sorted(app.__all__)


def test_every_command_has_its_help() -> None:
    words = [" ".join(command) for command in list_program_commands()]
    assert words[0] == "run_demo.py"
    assert {"-m app.agreement", "-m app.episodes", "-m app.report"} <= set(words)


def test_links_are_those_of_the_site() -> None:
    files: dict[str, Path] = {}
    text = "[a](../LICENSE) [b](../models/README.md#limits) [c](doubt.md)\n```sh\n[d](e.md)\n```\n"
    page = ROOT / "docs" / "records.md"
    assert rewrite_links(text, page, "records.md", files) == (
        "[a](files/LICENSE) [b](model_card.md#limits) [c](doubt.md)\n```sh\n[d](e.md)\n```\n"
    )
    assert files == {"files/LICENSE": ROOT / "LICENSE"}
    assert rewrite_links("[c](doubt.md)", page, "a/b.md", files) == "[c](../doubt.md)"
    with pytest.raises(FileNotFoundError, match=r"docs/records\.md links to nothing\.md"):
        rewrite_links("[a](nothing.md)", page, "records.md", files)


def test_other_pages_exist() -> None:
    assert all((ROOT / name).is_file() for name in OTHER_PAGES)
    assert name_on_site(NOTEBOOKS / "picture.py") == "notebooks/picture.ipynb"


@pytest.mark.parametrize(
    ("html", "loaded"),
    [
        ("<img src='http://a.b/c.png'>", "http://a.b/c.png"),
        ("<img srcset='d.png, https://a.b/c.png 2x'>", "https://a.b/c.png 2x"),
        ("<link rel=stylesheet href=//a.b/c.css>", "//a.b/c.css"),
        ("<link rel='dns-prefetch' href='https://a.b'>", "https://a.b"),
        ("<style>@import url(https://a.b/c.css);</style>", "https://a.b/c.css"),
        ("<style>@font-face { src: url('//a.b/c.woff2') }</style>", "//a.b/c.woff2"),
        ("<svg><image href='https://a.b/c'/></svg>", "https://a.b/c"),
        ("<video poster='https://a.b/c'></video>", "https://a.b/c"),
        ("<iframe src=' HTTPS://a.b'></iframe>", "HTTPS://a.b"),
        ("<link rel=canonical href=https://a.b>", None),
        ("<a href='https://a.b'>c</a><img src=d.png><script>url(//e)</script>", None),
    ],
)
def test_what_a_page_loads(html: str, loaded: str | None) -> None:
    assert list_loads(html) == ([] if loaded is None else [loaded])


def test_what_a_style_sheet_loads(tmp_path: Path) -> None:
    assert list_style_loads("a { background: url(data:image/png;base64,//8=) }") == []
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.css").write_text("@import 'http://c.d/e.css';")
    (tmp_path / "f.js").write_text("// see https://g.h")
    assert list(find_outside_requests(tmp_path)) == [("a/b.css", "http://c.d/e.css")]


def test_missing_extra_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert build_site.main([str(tmp_path / "site")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: sphinx, myst_nb, furo, jupytext, ipykernel, pandas, ")
    assert said.endswith("-m pip install -c constraints.txt -e '.[training,dev,docs]'\n")
    assert not (tmp_path / "site").exists()


def test_page_that_cannot_be_made_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    failures = (
        FileNotFoundError("docs/a.md links to b.md: no such file"),
        subprocess.CalledProcessError(2, ["python", "-m", "c", "--help"], stderr="d\ne: f\n"),
        PermissionError(13, "Permission denied", "g"),
    )
    for failure in failures:

        def fail(folder: Path, *, with_notebooks: bool, failure: Exception = failure) -> int:
            raise failure

        monkeypatch.setattr(build_site, "build_site", fail)
        monkeypatch.setattr(build_site, "list_missing", list)
        assert build_site.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: docs/a.md links to b.md: no such file",
        "error: -m c --help ended with exit code 2: e: f",
        "error: [Errno 13] Permission denied: 'g'",
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, with its notebooks run."""
    if missing := build_site.list_missing():
        pytest.skip(f"the extra `docs` is not installed: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("built") / "site"
    assert build_site.main([str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_site_has_every_page_and_loads_nothing_from_elsewhere(site: Path) -> None:
    built = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    wanted = [name_on_site(page) for page in (*PAGES, *NOTEBOOKS.glob("*.py"))]
    assert {Path(str(name)).with_suffix(".html").as_posix() for name in wanted} <= built
    assert list(find_outside_requests(site)) == []


@pytest.mark.slow
def test_site_shows_docstrings_help_and_what_notebooks_draw(site: Path) -> None:
    library = (site / "reference" / "library.html").read_text(encoding="utf-8")
    assert 'id="app.Recogniser.stream"' in library
    assert "People keep their" in library
    assert "--no-window" in (site / "reference" / "commands.html").read_text(encoding="utf-8")
    for notebook in ("agreement", "picture", "video_table", "live_outputs", "retraining"):
        page = (site / "notebooks" / f"{notebook}.html").read_text(encoding="utf-8")
        assert 'class="cell_output docutils container"' in page, notebook
        assert '<img alt="../_images/' in page, notebook


@pytest.mark.slow
@needs_browser
def test_browser_asks_nobody_else(site: Path, tmp_path: Path) -> None:
    from tests.support.chromium_page import ChromiumPage

    with ChromiumPage(tmp_path / "profile") as page:
        for name in ("index", "records", "notebooks/picture", "reference/library"):
            page.open((site / f"{name}.html").as_uri())
        assert page.requests
        assert {request.partition(":")[0] for request in page.requests} <= {"file", "data"}
