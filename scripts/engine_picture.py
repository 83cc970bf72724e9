"""The picture of the engine's parts in the README, docs/engine.svg: ``make figures`` draws it."""

from scripts.diagram import HIGH, WIDE, Box, Diagram
from scripts.readme import ROOT

TITLE = "The path engine: inputs come in on the left, logits leave on the right"
WIDTH, HEIGHT = 930, 480
#: Left edges of the boxes, and upper edges of the rows that they stand in.
A, B, C, D, E, F = 20, 172, 324, 476, 628, 780
PROGRAM, CONTROL, DATA, MEMORY, BACK = 54, 128, 246, 356, 418
UNDER, HALF = CONTROL + HIGH, DATA + HIGH // 2
TURN = 218  # where lines from control to data turn

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
DIAGRAM = Diagram(ROOT / "docs" / "engine.svg", TITLE, WIDTH, HEIGHT, BOXES, ARROWS, WORDS)
