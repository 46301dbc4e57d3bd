"""Builds the parts that all pages share: the document, sections, tables, tiles and pictures."""

import base64
from collections.abc import Iterable, Sequence
from typing import Literal

from app.pages.html import NO_HTML, Html, fill_html, join_html


def render_document(title: str, style: str, sections: Iterable[Html]) -> str:
    """Gives the text of a whole HTML file.

    Args:
        title: The title of the browser's window.
        style: CSS that this program wrote; nothing in it is escaped.
        sections: The contents of the page, in order.
    """
    page = fill_html(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        "<title>{}</title>\n<style>{}</style>\n</head>\n"
        "<body>\n<main>\n{}</main>\n</body>\n</html>\n",
        title,
        Html(style),
        join_html(sections),
    )
    return page.text


def render_section(title: str, body: Html) -> Html:
    """Builds a section with a heading."""
    return fill_html("<section>\n<h2>{}</h2>\n{}\n</section>\n", title, body)


def render_table(
    head: Sequence[Html | str], rows: Iterable[Sequence[Html | str]], kind: str = ""
) -> Html:
    """Builds a table. The first cell of a row names the row.

    Args:
        head: The names of the columns; a table without them if empty.
        rows: The cells of each row. Text is escaped.
        kind: The CSS classes of the table.
    """
    header = NO_HTML
    if head:
        cells = join_html(fill_html('<th scope="col">{}</th>', cell) for cell in head)
        header = fill_html("<thead><tr>{}</tr></thead>\n", cells)
    body = join_html(
        fill_html(
            '<tr><th scope="row">{}</th>{}</tr>\n',
            first,
            join_html(fill_html("<td>{}</td>", cell) for cell in rest),
        )
        for first, *rest in rows
    )
    return fill_html(
        '<div class="wide"><table class="{}">{}<tbody>\n{}</tbody></table></div>\n',
        kind,
        header,
        body,
    )


def render_tiles(tiles: Iterable[tuple[str, str] | tuple[str, str, str]]) -> Html:
    """Builds a row of tiles of (figure, its name) or (figure, its name, a remark)."""
    cells = []
    for figure, name, *remarks in tiles:
        small = join_html(fill_html("<small>{}</small>", remark) for remark in remarks)
        cells.append(
            fill_html('<div class="tile"><b>{}</b><span>{}</span>{}</div>', figure, name, small)
        )
    return fill_html('<div class="tiles">{}</div>', join_html(cells))


def render_details(summary: str, body: Html) -> Html:
    """Builds a part of the page that opens when a reader clicks on `summary`."""
    return fill_html("<details><summary>{}</summary>{}</details>\n", summary, body)


def embed_picture(name: str, content: bytes, kind: Literal["jpeg", "png"]) -> Html:
    """Builds a picture that is part of the page. A screen reader calls the picture `name`."""
    data = base64.b64encode(content).decode()
    return fill_html('<img alt="{}" src="data:image/{};base64,{}">', name, kind, data)


def render_remark(text: Html | str) -> Html:
    """Builds a paragraph in small quiet letters, without a line end."""
    return fill_html('<p class="quiet">{}</p>', text)
