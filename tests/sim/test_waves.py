"""Wave files: what the save files name is there, and FST says what VCD says."""

import re
import sys
from itertools import pairwise

import pytest
from pylibfst import ffi, fstReaderIterBlocks2, get_scopes_signals2, lib, string

from sobolpath.golden.support import packages
from sobolpath.sim.waves import fst, waveforms
from tests.sim.test_commands import DIGITS, sim
from tests.support.marks import slow

pytestmark = pytest.mark.slow

SIGNALS = sum(len(names.split()) for parts in waveforms.SHOWN.values() for _, names, _ in parts)


@pytest.fixture(params=[slow("native"), "pysim"])
def made(request, small, tmp_path):
    """A run's VCD and FST, of either back end."""
    files = tmp_path / "new" / "w.vcd", tmp_path / "new" / "w.fst"
    options = ["--config", "tiny", "--limit", "1", "--backend", request.param]
    assert sim("run", small, *DIGITS, *options, "--vcd", files[0], "--fst", files[1]) == 0
    names = (
        "w.vcd",
        "w.fst",
        *(f"w.{kind}{save}" for kind in ("vcd", "fst") for save in waveforms.SAVES),
    )
    assert {path.name for path in files[0].parent.iterdir()} == set(names)
    return files


def vcd_variables(path):
    """Code and bits of every variable by its whole name, read by other code than ours."""
    found, scopes = {}, []
    for line in path.read_text().splitlines():
        words = line.split()
        if words[:1] == ["$scope"]:
            scopes.append(words[2])
        elif words[:1] == ["$upscope"]:
            scopes.pop()
        elif words[:1] == ["$var"]:
            found[".".join((*scopes, words[4]))] = words[3], int(words[2])
    return found


def opened(path):
    reader = lib.fstReaderOpen(str(path).encode())
    assert reader != ffi.NULL
    return reader


def test_the_save_files_name_what_is_there(made):
    variables = vcd_variables(made[0])
    reader = opened(made[1])
    in_fst = {name.split(" ")[0] for name in get_scopes_signals2(reader)[1].by_name}
    lib.fstReaderClose(reader)
    for path in made:
        gtkwave, surfer = (save.read_text() for save in waveforms.saves(path))
        assert f'[dumpfile] "{path}"' in gtkwave
        traces = re.findall(r"^(\S+?\.\S+?)(?:\[(\d+):0\])?$", gtkwave, re.M)
        adds = re.findall(r"^variable_add (\S+)$", surfer, re.M)
        assert [name for name, _ in traces] == adds
        assert len(adds) == len(set(adds)) == SIGNALS
        for name, high in traces:
            assert variables[name][1] == int(high or 0) + 1
            assert name in in_fst
        assert all(f"-{group}\n" in gtkwave for group in waveforms.SHOWN)
        assert all(f"divider_add {group}\n" in surfer for group in waveforms.SHOWN)


def test_the_ports_are_the_engine_s_and_not_those_of_its_parts(made):
    """Each is 1, with its ready, in as many cycles as items pass: inputs, and logits."""
    variables, values = vcd_variables(made[0]), {}
    shown = {each.name for group in waveforms.shown(made[0]).values() for each in group}
    ports = {
        re.sub(r"\$\d+$", "", name.split(".")[-1]): variables[name][0]
        for name in shown
        if name.count(".") == 2
    }
    clock = next(code for name, (code, _) in variables.items() if name.endswith(".clk"))
    passed, rising = {"i": 0, "o": 0}, f"1{clock}"
    for block in re.split(r"^#\d+$", made[0].read_text(), flags=re.M)[1:]:
        changes = [line for line in block.split() if line[0] in "01"]
        for port in passed if rising in changes else ():  # by the values before the edge
            both = [values.get(ports[f"{port}__{name}"]) for name in ("valid", "ready")]
            passed[port] += both == ["1", "1"]
        values.update((line[1:], line[0]) for line in changes)
    assert passed == {"i": 64, "o": 16}


def test_surfers_formats_are_of_the_items_in_focus(made):
    lines = waveforms.saves(made[0])[1].read_text().splitlines()
    items = [line for line in lines if line.startswith(("divider_add", "variable_add"))]
    digits = "abcdefghijklmnop"
    formats, wide = {}, 0
    for before, line in pairwise(lines):
        if line.startswith("item_set_format"):
            number = 0
            for digit in before.removeprefix("item_focus "):
                number = 16 * number + digits.index(digit)
            formats[items[number].rsplit(".", 1)[1]] = line.split()[1]
            wide += 1
    assert wide > 12
    assert formats["probe__sums"] == "Signed"
    assert formats["distance"] == "Binary"
    assert formats["row"] == "Unsigned"
    assert formats["weights"] == "Hexadecimal"


def changes(path, code):
    """Every (time, value) of a variable of a VCD file."""
    found, time = [], 0
    for line in path.read_text().splitlines():
        if line[:1] == "#":
            time = int(line[1:])
        elif line[:1] in "bs" and line.split()[1:] == [code]:
            found.append((time, line.split()[0][1:]))
        elif line[:1] in "01xz" and line[1:] == code:
            found.append((time, line[0]))
    return found


def test_fst_has_the_changes_of_vcd(made):
    """For numbers without their leading zeros, of states their names."""
    variables, reader = vcd_variables(made[0]), opened(made[1])
    signals = {name.split(" ")[0]: s for name, s in get_scopes_signals2(reader)[1].by_name.items()}
    names = [
        next(n for n in variables if n.endswith(end))
        for end in ("issuer.valid", "issuer.row", "issuer.distance", "mac.weights", "sequencer.run")
    ]
    names += [name for name in variables if name.endswith("fsm_state")][:1]
    seen = {name: [] for name in names}
    handles = {signals[name].handle: name for name in names}

    def keep(_, time, handle, value, length=None):
        if handle in handles:
            text = string(value) if length is None else bytes(ffi.buffer(value, length)).decode()
            seen[handles[handle]].append((time, text))

    lib.fstReaderSetFacProcessMaskAll(reader)
    fstReaderIterBlocks2(
        reader, lambda *c: keep(*c, None), lambda d, t, h, v, n: keep(d, t, h, v, n)
    )
    lib.fstReaderClose(reader)

    def plain(pairs):
        """Without repeated values, which FST leaves out."""
        result = []
        for time, value in pairs:
            value = value.lstrip("0") or "0"
            if not result or result[-1][1] != value:
                result.append((time, value))
        return result

    for name in names:
        wanted = plain(changes(made[0], variables[name][0]))
        assert plain(seen[name]) == wanted, name
    assert len(seen[names[0]]) > 4


def test_fst_is_smaller(made):
    assert made[1].stat().st_size < made[0].stat().st_size / 4


@pytest.mark.parametrize("option", ["--vcd", "--fst"])
def test_nothing_is_left_of_a_failure(small, tmp_path, monkeypatch, option):
    def fail(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(waveforms, "shown", fail)
    out = tmp_path / "new"
    options = ["--config", "tiny", "--limit", "1", "--backend", "pysim", option, out / "w"]
    assert sim("run", small, *DIGITS, *options) == 130
    assert [path.name for path in out.iterdir()] in ([], ["w"])


def test_without_pylibfst(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pylibfst", None)
    assert sim("run", small, *DIGITS, "--config", "tiny", "--fst", tmp_path / "w.fst") == 2
    err = capsys.readouterr().err
    message = "pylibfst must be installed to write what --fst asks for (--vcd needs nothing), but "
    assert err.startswith(f"error: {message}")
    assert err.endswith(f": {packages.install('waves')}\n")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [small]


@pytest.mark.parametrize("option", ["--vcd", "--fst"])
def test_a_folder_is_refused(small, tmp_path, capsys, option):
    assert sim("run", small, *DIGITS, option, tmp_path) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}: must be a file to write, not a folder\n"
    )


def test_a_save_file_must_not_be_another_output(small, tmp_path, capsys):
    file = tmp_path / "w.vcd"
    assert sim("run", small, *DIGITS, "--vcd", file, "--json", f"{file}.gtkw") == 2
    assert "must be a file of its own" in capsys.readouterr().err


def test_unknown_values_fill_up_with_themselves(tmp_path):
    """As VCD means them: x1 of four bits is xxx1, 1x is 001x."""
    text = "$timescale 1 ns $end\n$scope module a $end\n$var wire 4 ! v $end\n$upscope $end\n"
    vcd, file = tmp_path / "v.vcd", tmp_path / "v.fst"
    vcd.write_text(text + "$enddefinitions $end\n#0\nbx1 !\n#1\nb1x !\n#2\n")
    fst.convert(vcd, file)
    reader, seen = opened(file), []
    lib.fstReaderSetFacProcessMaskAll(reader)
    fstReaderIterBlocks2(reader, lambda d, t, h, v: seen.append(string(v)), lambda *c: None)
    assert lib.fstReaderGetTimescale(reader) == -9
    lib.fstReaderClose(reader)
    assert [value for value in seen if "1" in value] == ["xxx1", "001x"]
