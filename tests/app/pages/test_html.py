"""Text becomes HTML by being escaped, and in no other way."""

import pytest

from app.pages.document import (
    embed_picture,
    render_document,
    render_section,
    render_table,
    render_tiles,
)
from app.pages.html import NO_HTML, Html, escape_text, fill_html, join_html

EVIL = "<script>alert(1)</script>&\"'"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#x27;"


def test_text_is_escaped_and_html_is_not() -> None:
    assert escape_text(EVIL) == Html(ESCAPED)
    assert fill_html("<b>{}</b>{name}", EVIL, name=Html("<i>")).text == f"<b>{ESCAPED}</b><i>"
    assert fill_html("{:.1f} {}", 0.25, 3).text == "0.2 3"
    assert join_html([Html("<b>"), Html("<i>")], ", <").text == "<b>, &lt;<i>"
    assert not NO_HTML
    assert (NO_HTML + Html("a")).text == "a"


def test_braces_of_text_are_no_fields() -> None:
    assert fill_html("<b>{}</b>", "{0} {name}").text == "<b>{0} {name}</b>"


def test_every_part_of_a_page_escapes_its_text() -> None:
    table = render_table((EVIL,), [(EVIL, EVIL)], EVIL)
    tiles = render_tiles([(EVIL, EVIL, EVIL)])
    picture = embed_picture(EVIL, b"\x00", "png")
    page = render_document(EVIL, "", [table, tiles, picture])
    assert "<script" not in page
    assert page.count(ESCAPED) == 9
    assert 'src="data:image/png;base64,AA=="' in page


def test_a_table_without_a_head_has_none() -> None:
    assert "<thead" not in render_table((), [("a", "b")]).text


def test_text_is_refused_where_html_is_wanted() -> None:
    """mypy fails if one of these comments is not needed, because it warns of unused ones."""
    with pytest.raises(AttributeError):
        join_html([EVIL])  # type: ignore[list-item]
    with pytest.raises(AttributeError):
        NO_HTML + EVIL  # type: ignore[operator]
    assert ESCAPED in render_section("title", EVIL).text  # type: ignore[arg-type]
