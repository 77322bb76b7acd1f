"""A picture as SVG text: boxes, lines and words at whole coordinates, the same bytes for the same data.

No script, no link, no font that has to be fetched; every word is escaped. Light and dark pages both work,
since the picture brings its own background.
"""

from __future__ import annotations

from html import escape
from typing import Final

import attrs

from mutualize.report.text import clean

FONT: Final = "font-family='system-ui,sans-serif'"
INK: Final = "#1f2933"
QUIET: Final = "#7b8794"
CHAR: Final = 6
"""About how many pixels a character of the small size takes."""


@attrs.define
class Picture:
    """A picture of a given width; `height` grows with what is drawn. Shapes are kept in order."""

    width: int
    title: str
    height: int = 0
    parts: list[str] = attrs.field(factory=list)

    def box(self, x: int, y: int, width: int, height: int, color: str, *, hint: str = "") -> None:
        """Draw a filled box; `hint` is shown when one points at it."""
        inner = f"<title>{_text(hint)}</title>" if hint else ""
        shape = (
            f"<rect x='{x}' y='{y}' width='{max(1, width)}' height='{height}' fill='{color}'>{inner}</rect>"
        )
        self._add(shape, y + height)

    def line(self, x1: int, y1: int, x2: int, y2: int, color: str = QUIET, width: int = 1) -> None:
        """Draw a straight line."""
        self._add(
            f"<line x1='{x1}' y1='{y1}' x2='{x2}' y2='{y2}' stroke='{color}' stroke-width='{width}'/>",
            max(y1, y2),
        )

    def words(
        self,
        x: int,
        y: int,
        text: str,
        *,
        size: int = 12,
        color: str = INK,
        end: bool = False,
        bold: bool = False,
    ) -> None:
        """Write words that begin (or `end`) at x, on the line y."""
        more = (" text-anchor='end'" if end else "") + (" font-weight='bold'" if bold else "")
        self._add(
            f"<text x='{x}' y='{y}' font-size='{size}' fill='{color}'{more}>{_text(text)}</text>", y + 4
        )

    def _add(self, shape: str, bottom: int) -> None:
        self.parts.append(shape)
        self.height = max(self.height, bottom)

    def text(self) -> str:
        """Return the SVG."""
        height = self.height + 16
        head = (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {self.width} {height}'"
            f" width='{self.width}' height='{height}' role='img' {FONT}>"
        )
        ground = f"<rect width='{self.width}' height='{height}' fill='#ffffff'/>"
        return "\n".join((head, f"<title>{_text(self.title)}</title>", ground, *self.parts, "</svg>")) + "\n"


def _text(text: str) -> str:
    return escape(clean(text), quote=True)


def cut(text: str, characters: int) -> str:
    """Return a text that is no longer than so many characters."""
    return text if len(text) <= characters else text[: characters - 1] + "…"
