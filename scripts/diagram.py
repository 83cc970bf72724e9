"""A picture of an engine's parts: boxes, arrows and words, as plain SVG.

Its colours follow the reader's light or dark page, and its background is its own, so that it can be
read on either.
"""

from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDE, HIGH = 130, 62  # a box


class Box(NamedTuple):
    """A part: its kind, the classes of ``hw`` that it stands for, its place, its lines of text."""

    kind: str
    classes: tuple[str, ...]
    left: int
    top: int
    lines: tuple[str, ...]
    width: int = WIDE
    height: int = HIGH

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


STYLE = """\
.page{fill:#fff}.box{stroke-width:1.5}.control{fill:#eef1f5;stroke:#6b7785}
.data{fill:#e3effb;stroke:#1f6fb5}.memory{fill:#fdf0da;stroke:#b5761f}
text{font-family:sans-serif;font-size:12px;fill:#1b1f24}.name{font-weight:bold;font-size:14px}
.line{fill:none;stroke:#4a5560;stroke-width:1.5}.head{fill:#4a5560}
@media (prefers-color-scheme:dark){.page{fill:#14181d}.control{fill:#262c34;stroke:#8d99a6}
.data{fill:#17304a;stroke:#5aa5e6}.memory{fill:#3d2e14;stroke:#d69a45}
text{fill:#e8ecf0}.line{stroke:#a7b1bb}.head{fill:#a7b1bb}}"""


class Diagram(NamedTuple):
    """A picture: its file, title and size, its boxes, its arrows, its words.

    An arrow is the corners of a line that ends in a head; words are (left, baseline, text).
    """

    path: Path
    title: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[tuple[tuple[float, float], ...], ...]
    words: tuple[tuple[int, int, str], ...]

    @property
    def parts(self) -> set[str]:
        """The names of the classes of ``hw`` that the picture shows."""
        return {name for box in self.boxes for name in box.classes}

    def draw(self) -> str:
        """The text of the SVG file."""
        words = (f'<text x="{x}" y="{y}">{escape(text)}</text>' for x, y, text in self.words)
        lines = (*map(_arrow, self.arrows), *map(_box, self.boxes), *words)
        return self._head() + "\n".join(lines) + "\n</svg>\n"

    def _head(self):
        return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}"\
 width="{self.width}" height="{self.height}" role="img">
<title>{self.title}</title>
<style>{STYLE}</style>
<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">\
<path class="head" d="M0,0 L8,4 L0,8 z"/></marker></defs>
<rect class="page" width="{self.width}" height="{self.height}" rx="8"/>
"""


def _box(box: Box) -> str:
    first = box.top + box.height / 2 - 8 * (len(box.lines) - 1) + 4
    texts = "".join(
        f'<text x="{box.middle:g}" y="{first + 16 * number:g}" text-anchor="middle"'
        + (' class="name">' if number == 0 else ">")
        + f"{escape(line)}</text>"
        for number, line in enumerate(box.lines)
    )
    return (
        f"<g><title>{', '.join(box.classes)}</title>"
        f'<rect class="box {box.kind}" x="{box.left}" y="{box.top}" width="{box.width}" '
        f'height="{box.height}" rx="5"/>{texts}</g>'
    )


def _arrow(corners: tuple[tuple[float, float], ...]) -> str:
    line = " ".join(f"{x},{y}" for x, y in corners)
    return f'<polyline class="line" points="{line}" marker-end="url(#head)"/>'
