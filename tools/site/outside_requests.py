"""Finds what a page of a website would load from elsewhere: scripts, styles, fonts, pictures."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

OUTSIDE = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
LOADING = {"src", "srcset", "poster", "data", "background", "action"}  # of any element
# A `link` element loads its `href`, or opens a connection, unless its `rel` is one of these.
QUIET_LINKS = {"canonical", "next", "prev", "search", "index", "author", "license", "help"}
STYLE_ADDRESS = re.compile(
    r"(?:@import\s*(?:url\()?|url\()\s*[\"']?((?:https?:)?//[^\"')\s;]+)", re.IGNORECASE
)


class _Loads(HTMLParser):
    """Collects the addresses elsewhere that a page loads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        loaded = [value for name, value in given.items() if name in LOADING]
        if tag == "link" and not set(given.get("rel", "").lower().split()) <= QUIET_LINKS:
            loaded.append(given.get("href", ""))
        if tag in ("use", "image"):  # of a drawing
            loaded += [given.get("href", ""), given.get("xlink:href", "")]
        addresses = [part for value in loaded for part in value.split(",")]  # of a srcset
        self.found += [address.strip() for address in addresses if OUTSIDE.match(address)]
        self.found += STYLE_ADDRESS.findall(given.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.found += STYLE_ADDRESS.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def list_loads(html: str) -> list[str]:
    """Lists the addresses elsewhere that a page loads when it is opened. Links that a reader may
    follow are none of them.

    >>> list_loads('<script src="https://a.b/c.js"></script> <a href="https://a.b">d</a>')
    ['https://a.b/c.js']
    >>> list_loads('<link rel="preconnect" href="//a.b"> <p style="background: url(//a.b/c)">')
    ['//a.b', '//a.b/c']
    """
    loads = _Loads()
    loads.feed(html)
    return loads.found


def list_style_loads(css: str) -> list[str]:
    """Lists the addresses elsewhere that a style sheet loads.

    >>> list_style_loads('@import "https://a.b/c.css"; p { src: url(d.woff2) }')
    ['https://a.b/c.css']
    """
    return STYLE_ADDRESS.findall(css)


def find_outside_requests(site: Path) -> Iterator[tuple[str, str]]:
    """Yields (file, address) of everything that a site's pages and style sheets load from
    elsewhere."""
    for path in sorted(site.rglob("*")):
        if path.suffix not in (".html", ".css", ".svg"):
            continue
        text = path.read_text(encoding="utf-8")
        found = list_style_loads(text) if path.suffix == ".css" else list_loads(text)
        for address in found:
            yield path.relative_to(site).as_posix(), address
