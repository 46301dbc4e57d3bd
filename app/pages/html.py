"""Builds HTML in which all text from outside is escaped.

Functions that put HTML together take `Html`, so that mypy refuses plain text there. Plain text
becomes `Html` only by `fill_html` and `escape_text`, which escape it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Html:
    """A piece of HTML. Only literal templates of this program may be wrapped without escaping."""

    text: str

    def __add__(self, other: "Html") -> "Html":
        return Html(self.text + other.text)

    def __bool__(self) -> bool:
        return bool(self.text)


NO_HTML = Html("")


def escape_text(text: str) -> Html:
    """Escapes text for elements and for quoted attributes.

    >>> escape_text('a < "b"').text
    'a &lt; &quot;b&quot;'
    """
    return Html(escape(text))


def fill_html(template: str, *parts: Html | str | float, **named: Html | str | float) -> Html:
    """Fills the fields of a template, which are those of `str.format`.

    Args:
        template: A literal of this program, in which `{}` and `{name}` are fields. Attributes with
            fields are quoted.
        parts: What the fields hold, in order. Text is escaped; `Html` and numbers are not.
        named: What the named fields hold, likewise.

    >>> fill_html("<b>{}</b> {share:.0f} %", "<wild>", share=12.5).text
    '<b>&lt;wild&gt;</b> 12 %'
    """
    return Html(
        template.format(
            *map(_make_safe, parts), **{name: _make_safe(part) for name, part in named.items()}
        )
    )


def _make_safe(part: Html | str | float) -> str | float:
    if isinstance(part, Html):
        return part.text
    return escape(part) if isinstance(part, str) else part


def join_html(parts: Iterable[Html], separator: str = "") -> Html:
    """Puts pieces one after the other, with an escaped `separator` between them."""
    return Html(escape(separator).join(part.text for part in parts))
