"""The picture of the engine's parts in the README, docs/engine.svg: ``make figures`` draws it.

Plain SVG, whose colours follow the reader's light or dark page and whose background is its own, so
that it can be read on either.
"""

from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from scripts.readme import ROOT

PATH: Path = ROOT / "docs" / "engine.svg"
TITLE = "The path engine: inputs come in on the left, logits leave on the right"
WIDTH, HEIGHT = 930, 480
#: Left edges of the boxes, and upper edges of the rows that they stand in.
A, B, C, D, E, F = 20, 172, 324, 476, 628, 780
PROGRAM, CONTROL, DATA, MEMORY, BACK = 54, 128, 246, 356, 418
WIDE, HIGH = 130, 62  # a box
UNDER, HALF = CONTROL + HIGH, DATA + HIGH // 2
TURN = 218  # where lines from control to data turn


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


BOXES = (
    Box(
        *("control", ("Program", "ByteRouter"), A, PROGRAM),
        ("Program memory", "per junction a header, and one address word per digit of the step"),
        *(890, 44),
    ),
    Box(
        "control",
        ("Walker", "BlockReader", "StepWalker"),
        A,
        CONTROL,
        ("Walker: load", "where each", "input goes"),
    ),
    Box(
        "control", ("Walker",), B, CONTROL, ("Walker: run", "source row and D,", "one XOR per step")
    ),
    Box(
        *("control", ("Issuer", "RowPacer"), C, CONTROL),
        ("Issuer", "when a step goes,", "where a row ends"),
    ),
    Box(
        *("control", ("Sequencer",), D, CONTROL),
        ("Sequencer", "starts the walkers: one inference", "is loaded, one runs, one is read"),
        282,
    ),
    Box("control", ("Walker",), F, CONTROL, ("Walker: read", "where each", "logit stands")),
    Box(
        "data",
        ("StreamRegister", "Loader", "WriteArbiter"),
        A,
        DATA,
        ("Loader", "an input per cycle", "free of write-backs"),
    ),
    Box(
        *("memory", ("ActivationMemory",), B, DATA),
        ("Activations", "one memory: a row", "at one address"),
    ),
    Box("data", ("XorCrossbar",), C, DATA, ("Crossbar", "butterfly: lane t", "takes t xor D")),
    Box(
        *("data", ("MacLanes", "Multiplier"), D, DATA),
        ("P lanes", "multiply, and sum", "a row of neurons"),
    ),
    Box(
        *("data", ("RowSerializer", "Requantizer", "RowTagger"), E, DATA),
        ("Requantizer", "bias, shift, clamp", "to 8 bits"),
    ),
    Box("memory", ("ResultMemory",), F, DATA, ("Results", "sums of the", "last layer")),
    Box(
        *("memory", ("WeightReader", "WeightMemory"), D, MEMORY),
        ("Weights", "P per cycle, read", "straight through"),
    ),
    Box(
        *("memory", ("BiasMemory",), E + 20, MEMORY, ("Biases", "one per neuron,", "in order")),
        110,
    ),
    Box("data", ("WriteBack",), C, BACK, ("Write-back", "the next layer"), WIDE, 44),
)
MIDDLES = {left: left + WIDE // 2 for left in (A, B, C, D, E, F)}
#: The arrows: the corners of a line that ends in a head.
ARROWS = (
    *(((MIDDLES[left], PROGRAM + 44), (MIDDLES[left], CONTROL)) for left in (A, B, F)),
    *(((MIDDLES[left], UNDER), (MIDDLES[left], DATA)) for left in (A, C, F)),
    ((B + WIDE, CONTROL + 31), (C, CONTROL + 31)),
    ((C + 20, UNDER), (C + 20, TURN), (MIDDLES[B], TURN), (MIDDLES[B], DATA)),
    ((C + 110, UNDER), (C + 110, TURN), (MIDDLES[D], TURN), (MIDDLES[D], DATA)),
    *(((left + WIDE, HALF), (left + 152, HALF)) for left in (A, B, C, D, E)),
    ((0, HALF), (A, HALF)),
    ((F + WIDE, HALF), (WIDTH, HALF)),
    ((MIDDLES[D], MEMORY), (MIDDLES[D], DATA + HIGH)),
    ((E + 75, MEMORY), (E + 75, DATA + HIGH)),
    ((E + 10, DATA + HIGH), (E + 10, BACK + 30), (C + WIDE, BACK + 30)),
    ((C, BACK + 30), (MIDDLES[B], BACK + 30), (MIDDLES[B], DATA + HIGH)),
)
#: Words beside the arrows: left, baseline, text.
WORDS = (
    (B + 70, TURN - 6, "source row"),
    (MIDDLES[C] + 6, DATA - 8, "D"),
    (D - 36, TURN - 6, "first, last of a row"),
    (A, HALF + 52, "inputs"),
    (F + 88, HALF + 52, "logits"),
    (A, 34, "hw.engine.PathEngine"),
    (530, 34, "grey: control; blue: data passes; amber: memories of data"),
)
STYLE = """\
.page{fill:#fff}.box{stroke-width:1.5}.control{fill:#eef1f5;stroke:#6b7785}
.data{fill:#e3effb;stroke:#1f6fb5}.memory{fill:#fdf0da;stroke:#b5761f}
text{font-family:sans-serif;font-size:12px;fill:#1b1f24}.name{font-weight:bold;font-size:14px}
.line{fill:none;stroke:#4a5560;stroke-width:1.5}.head{fill:#4a5560}
@media (prefers-color-scheme:dark){.page{fill:#14181d}.control{fill:#262c34;stroke:#8d99a6}
.data{fill:#17304a;stroke:#5aa5e6}.memory{fill:#3d2e14;stroke:#d69a45}
text{fill:#e8ecf0}.line{stroke:#a7b1bb}.head{fill:#a7b1bb}}"""
HEAD = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"\
 width="{WIDTH}" height="{HEIGHT}" role="img">
<title>{TITLE}</title>
<style>{STYLE}</style>
<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">\
<path class="head" d="M0,0 L8,4 L0,8 z"/></marker></defs>
<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="8"/>
"""


def parts() -> set[str]:
    """The names of the classes of ``hw`` that the picture shows."""
    return {name for box in BOXES for name in box.classes}


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


def _arrow(corners: tuple[tuple[int, int], ...]) -> str:
    line = " ".join(f"{x},{y}" for x, y in corners)
    return f'<polyline class="line" points="{line}" marker-end="url(#head)"/>'


def draw() -> str:
    """The text of the SVG file."""
    words = (f'<text x="{x}" y="{y}">{escape(text)}</text>' for x, y, text in WORDS)
    lines = (*map(_arrow, ARROWS), *map(_box, BOXES), *words)
    return HEAD + "\n".join(lines) + "\n</svg>\n"
