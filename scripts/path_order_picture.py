"""The picture of the path-order engine, docs/path-order.svg: ``make figures`` draws it.

It stands beside that of the other engine in docs/two-engines.md, and has the same marks.
"""

from scripts.diagram import HIGH, WIDE, Box, Diagram
from scripts.readme import ROOT

TITLE = "The path-order engine: inputs come in on the left, logits leave on the right"
WIDTH, HEIGHT = 930, 500
#: Left edges of the boxes, and upper edges of the rows that they stand in.
A, B, C, D, E, F = 20, 172, 324, 476, 628, 780
PROGRAM, ADDRESS, SORT, DATA, MEMORY, BACK = 54, 124, 206, 296, 382, 440
MIDDLES = {left: left + WIDE // 2 for left in (A, B, C, D, E, F)}
HALF = DATA + HIGH // 2
BOXES = (
    Box(
        *("control", ("Control", "Program", "ByteRouter"), A, PROGRAM),
        ("Control", "per junction a header and the columns of two generator matrices"),
        *(890, 44),
    ),
    Box(
        *("control", ("SobolGenerator", "BlockAddresses"), B, ADDRESS),
        ("Address generator: sources", "P neurons per cycle, unrolled XOR"),
        *(282, 52),
    ),
    Box(
        *("control", ("SobolGenerator",), D, ADDRESS),
        ("Address generator: targets", "P neurons per cycle, unrolled XOR"),
        *(282, 52),
    ),
    Box(
        *("control", ("InversePermutation", "BankCrossbar"), B, SORT),
        ("Sort by bank", "of each bank its row"),
        *(WIDE, 50),
    ),
    Box(
        *("control", ("InversePermutation", "BankCrossbar"), D, SORT),
        ("Sort by bank", "of each bank its row, its operand, its weight"),
        *(282, 50),
    ),
    Box(
        *("memory", ("StreamRegister", "BitReversalPermuter", "XorCrossbar"), A, DATA),
        ("Bit reversal", "of the inputs,", "P per cycle"),
    ),
    Box("memory", ("OperandBanks",), B, DATA, ("Operand banks", "P memories, an", "address each")),
    Box("data", ("BankCrossbar",), C, DATA, ("Crossbar", "P multiplexers", "of P inputs")),
    Box(
        *("data", ("OperandMultiplier",), D, DATA),
        ("P multipliers", "one per bank", "added to"),
    ),
    Box(
        *("memory", ("Accumulators", "HalfAccumulators"), E, DATA),
        ("Accumulators", "P banks: read,", "add, write back"),
    ),
    Box(
        *("data", ("Sweep", "Requantizer"), F, DATA),
        ("Sweep", "bias, shift, clamp,", "a neuron per cycle"),
    ),
    Box(
        *("memory", ("WeightStreamer", "WeightMemory"), D, MEMORY),
        ("Weights, then biases", "P per cycle, in path order"),
        *(282, 44),
    ),
    Box("data", (), C, BACK, ("Write-back", "the next layer"), WIDE, 44),
)
ARROWS = (
    *(((x, PROGRAM + 44), (x, ADDRESS)) for x in (B + 141, D + 141)),
    ((MIDDLES[B], ADDRESS + 52), (MIDDLES[B], SORT)),
    ((D + 141, ADDRESS + 52), (D + 141, SORT)),
    ((C + 90, ADDRESS + 52), (C + 90, SORT + 25), (D, SORT + 25)),
    ((MIDDLES[B], SORT + 50), (MIDDLES[B], DATA)),
    ((D + 20, SORT + 50), (D + 20, SORT + 68), (MIDDLES[C], SORT + 68), (MIDDLES[C], DATA)),
    ((MIDDLES[D] + 30, SORT + 50), (MIDDLES[D] + 30, DATA)),
    ((MIDDLES[E], SORT + 50), (MIDDLES[E], DATA)),
    *(((left + WIDE, HALF), (left + 152, HALF)) for left in (A, B, C, D, E)),
    ((0, HALF), (A, HALF)),
    ((F + WIDE, HALF), (WIDTH, HALF)),
    ((MIDDLES[D], MEMORY), (MIDDLES[D], DATA + HIGH)),
    ((D + 282, MEMORY + 22), (MIDDLES[F] + 20, MEMORY + 22), (MIDDLES[F] + 20, DATA + HIGH)),
    ((MIDDLES[F] - 20, DATA + HIGH), (MIDDLES[F] - 20, BACK + 22), (C + WIDE, BACK + 22)),
    ((C, BACK + 22), (MIDDLES[B], BACK + 22), (MIDDLES[B], DATA + HIGH)),
)
WORDS = (
    (MIDDLES[B] + 6, DATA - 10, "row of each bank"),
    (MIDDLES[C] + 6, SORT + 62, "bank"),
    (MIDDLES[D] + 36, DATA - 10, "lane"),
    (MIDDLES[E] + 6, DATA - 10, "row of each bank"),
    (A, HALF + 52, "inputs"),
    (F + 92, DATA - 8, "logits"),
    (A, 34, "hw.path_order.engine.PathOrderEngine"),
    (530, 34, "grey: control; blue: data passes; amber: memories of data"),
)
DIAGRAM = Diagram(ROOT / "docs" / "path-order.svg", TITLE, WIDTH, HEIGHT, BOXES, ARROWS, WORDS)
