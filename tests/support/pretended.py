"""Builds for a board in which no tool is run: what they would leave is made up."""

import json
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

from amaranth.build import Platform
from amaranth.hdl import Fragment
from amaranth.vendor import GowinPlatform

from sobolpath.boards.flow import build, loader, synthesis


def netlist(*, cells=(), nets=(), hdlname=None):
    """A netlist as nextpnr writes it. ``cells`` : name -> (type, inputs, outputs, place if any)."""
    written = {}
    for name, (kind, inputs, outputs, *place) in dict(cells).items():
        attributes = {"NEXTPNR_BEL": place[0]} if place else {}
        attributes |= {"hdlname": hdlname[name]} if name in (hdlname or {}) else {}
        written[name] = {
            "type": kind,
            "attributes": attributes,
            "port_directions": dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output"),
            "connections": {port: [bit] for port, bit in {**inputs, **outputs}.items()},
        }
    names = {name: {"bits": [bit]} for name, bit in dict(nets).items()}
    return {"modules": {"top": {"cells": written, "netnames": names}}}


def routed(board, fmax_mhz, **changes):
    """What nextpnr reports of a good build of ``board``, but for ``changes`` of its counts."""
    counts = {**board.family.expected_cells(board.config), **changes}
    clock = {"achieved": fmax_mhz, "constraint": board.clock_hz / 1e6}
    utilization = {
        theirs: {"used": counts.get(ours, 1234), "available": 9999}
        for ours, theirs in board.family.cells.items()
    }
    return {"fmax": {"clk": clock}, "utilization": utilization}


def pretend_tools(monkeypatch):
    """From now on builds write no netlist and run no tool: (reports, commands).

    ``reports`` : what nextpnr will report, one after the other (``--jobs 1``); ``commands`` are
    noted as lists of words. The reset is not looked for, and nothing is done with the netlist.
    """
    reports, commands = [], []

    def run(arguments, *, folder, log, step, stop=None):
        words = list(map(str, arguments))
        commands.append(words)
        (folder / log).write_text("")
        if "--report" in words:
            (folder / words[words.index("--report") + 1]).write_text(json.dumps(reports.pop(0)))
            written = json.dumps(netlist())
            (folder / words[words.index("--write") + 1]).write_text(written)
        for name in ("top.bin", "top.bit", "top.fs"):
            if name in words:
                (folder / name).write_bytes(b"bits")

    build_it = Platform.build

    def elaborated(platform, top, **options):
        if isinstance(platform, GowinPlatform):  # asks for the names in the netlist later
            return build_it(platform, top, **options)
        Fragment.get(top, platform)
        return SimpleNamespace(extract=lambda folder: Path(folder).mkdir(parents=True))

    monkeypatch.setattr(Platform, "build", elaborated)
    monkeypatch.setattr(build.tools, "run", run)
    monkeypatch.setattr(build.reset, "check", lambda netlist, *, clock_hz: None)
    monkeypatch.setattr(synthesis, "finish", lambda board, netlist: None)
    return reports, commands


def pretend_loader(monkeypatch, folder, *, prints="", status=0, seconds=0):
    """From now on boards are programmed by a program in ``folder`` that does nothing.

    It prints ``prints`` and exits with ``status``, after ``seconds``. Returns a function that gives
    what it was called with so far: lists of words, without its own name.
    """
    folder.mkdir(exist_ok=True)
    program, calls = folder / "pretended", folder / "calls.txt"
    script = folder / "pretended.py"
    script.write_text(
        "import json, sys, time\n"
        f"open({str(calls)!r}, 'a').write(json.dumps(sys.argv[1:]) + chr(10))\n"
        f"print({prints!r}, end='', flush=True)\ntime.sleep({seconds})\nsys.exit({status})\n"
    )
    # The shell's line, as a first line cannot name a Python in a folder with a space.
    words = shlex.join([sys.executable, str(script)])
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(loader, "find", lambda: str(program))

    def called():
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [json.loads(line) for line in lines]

    return called
