# amaranth: UnusedElaboratable=no
"""The cells that families have for an engine that learns, against the portable forms."""

import random
import re
from itertools import product

import pytest
from amaranth.back import rtlil

from sobolpath.boards import load
from sobolpath.boards.families import ecp5, ice40
from sobolpath.hw.learn.masters import RowMemory
from sobolpath.hw.learn.multiplier import LearnMac
from tests.boards.test_ice40 import run_both

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.mark.parametrize("family", [ice40, ecp5])
def test_the_sums_equal_the_portable_form(tmp_path, family):
    """Rows of 1 to 40 products, of the ends and at random, each a cycle or more after the last."""
    print("seed 1")
    rng = random.Random(1)
    ends = list(product((-(2**15), -1, 0, 1, 2**15 - 1), (-128, -1, 0, 1, 127, 128, 255)))
    operands, valid, first, sums, due = [], [], [], {}, []
    for number in range(1500):
        total = 0
        for place in range(rng.choice([1, 1, 2, 5, 40])):
            some = rng.choice(ends), (rng.randrange(-(2**15), 2**15), rng.randrange(-128, 256))
            large, little = some[number % 2]
            operands.append((large, little))
            total += large * little
            valid.append(1)
            first.append(int(place == 0))
            due.append(None)
        due[-1] = total
        for _ in range(rng.choice([1, 1, 3])):  # the gap between two rows
            operands.append((rng.randrange(-(2**15), 2**15), rng.randrange(-128, 256)))
            valid.append(0)
            first.append(rng.randrange(2))
            due.append(None)
    late = [0] * LearnMac.latency  # flags come with the products
    words = [
        (large & 0xFFFF) | (little & 0x1FF) << 16 | flag << 25 | begin << 26
        for (large, little), flag, begin in zip(
            [*operands, *[(0, 0)] * 3], [*late, *valid, 0], [*late, *first, 0], strict=True
        )
    ]
    sums = [*[None] * LearnMac.latency, *due]
    got = run_both(
        tmp_path,
        LearnMac(),
        family.LearnMac(),
        words,
        # "large" and "small" are words of Verilog's own
        [(r"\large ", 16), (r"\small ", 9), ("valid", 1), ("first", 1)],
        [("total", 32)],
        models=family.models(tmp_path),
    )
    assert family.LearnMac.latency == LearnMac.latency == 2
    compared = 0
    for wanted, (portable, own) in zip(sums, got, strict=False):
        if wanted is not None:
            assert int(own, 16) == wanted & 0xFFFFFFFF
            assert own == portable
            compared += 1
    assert compared == 1500


@pytest.mark.parametrize(("lanes", "depth"), [(2, 16384), (8, 16384), (4, 256)])
def test_the_row_memory_equals_the_portable_form(tmp_path, lanes, depth):
    """Rows, each of them written whole before, are written in part and read, or nothing is done."""
    print("seed 2")
    rng = random.Random(2)
    places = sorted({0, 1, depth // 2, depth - 2, depth - 1})
    every, bits = (1 << lanes) - 1, depth.bit_length() - 1
    cycles = [(place, 1, 1, every, rng.getrandbits(8 * lanes)) for place in places]
    for _ in range(3000):
        write = rng.choice([every, rng.randrange(every + 1)])
        access = rng.choice(places), rng.random() < 0.7, rng.random() < 0.4, write
        cycles.append((*access, rng.getrandbits(8 * lanes)))
    ports = [("address", bits), ("enable", 1), ("writing", 1), ("write", lanes)]
    ports += [("write_data", 8 * lanes)]
    stimuli = []
    for cycle in cycles:
        word = low = 0
        for value, (_, width) in zip(cycle, ports, strict=True):
            word, low = word | value << low, low + width
        stimuli.append(word)
    got = run_both(
        tmp_path,
        RowMemory(lanes=lanes, depth=depth),
        ice40.RowMemory(lanes=lanes, depth=depth),
        stimuli,
        ports,
        [("data", 8 * lanes)],
        models=ice40.models(tmp_path),
    )
    compared, defined = 0, False  # what is shown is undefined from a write until the next read
    for (_, enable, writing, _, _), (portable, own) in zip(cycles, got, strict=True):
        if enable:
            defined = not writing
        if defined:
            assert own == portable
            compared += 1
    assert compared > 1000


def test_the_icebreaker_has_its_family_s():
    board = load("icebreaker-learn")
    text = rtlil.convert(board.family.engine(board.config), name="engine")
    assert len(re.findall(r"cell .SB_MAC16 ", text)) == board.config.lanes
    assert len(re.findall(r"cell .SB_SPRAM256KA ", text)) == board.config.lanes // 2
    assert board.flash is None


def test_the_cells_that_are_expected():
    """Eight multipliers and all single-port memory of an iCE40UP5K; and what Yosys makes of 64."""
    board = load("icebreaker-learn")
    assert board.family.expected_cells(board.config) == {"dsp": 8, "ebr": 27, "spram": 4}
    config = load("ulx3s-learn").config
    assert ecp5.expected_cells(config) == {"dsp": 64, "ebr": 120}
    assert ecp5.registered_cells(config) == 120  # all of them
