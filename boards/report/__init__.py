"""The report of a build: report.json with all figures, report.md and report.html made of it.

``collect`` reads what the build left and computes; ``sections`` says it, ``pictures`` draw it, and
two templates set it in type.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

from sobolpath.golden.support import cli
from sobolpath.golden.support.page import check
from sobolpath.hw import memories as sizes
from sobolpath.hw.engines import Config

from ..board import Board
from ..flow.netlist import Netlist
from . import hierarchy, parts, path, render, speeds

__all__ = ["check", "collect", "make"]

KEPT = Path(__file__).resolve().parents[2] / "docs" / "boards.json"


def make(board: Board, result: dict, *, command: str, seconds: float) -> tuple[Path, ...]:
    """Write report.json, report.md, its pictures and report.html beside the bitstream.

    Parameters
    ----------
    board : boards.board.Board
    result : of ``boards.flow.build.build``.
    command, seconds : what was typed, and how long it took.

    Returns the paths of report.md and report.html. Raises ``BuildError`` if a tool fails,
    ``InputError`` where matplotlib or jinja2 is not installed.
    """
    folder = Path(result["bitstream"]).parent
    data = collect(board, result, folder)
    data["made"] = {
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
    }
    cli.write_json(folder / "report.json", data)
    return render.write(data, folder)


def collect(board: Board, result: dict, folder: Path) -> dict:
    """All figures of a report, a dictionary that JSON can hold."""
    files = {name: Path(file) for name, file in result["files"].items()}
    tree = hierarchy.make(folder, files["synthesized"])
    netlist, family = Netlist(files["netlist"]), board.family
    kinds = {name: family.types.get(name, (key,)) for name, key in family.cells.items()}
    places = parts.place_cells(netlist, tree, kinds)
    memory_types = {name: types for name, (types, _) in family.memory_cells.items()}
    config = board.config
    return {
        "summary": board.summary,
        "kinds": list(kinds),
        "result": result,
        "ceilings_mhz": {
            name: mhz
            for name, mhz in family.ceilings_mhz.items()
            if result.get(name.lower(), 1)  # the clock network is no cell
        },
        "parts": parts.count(places, {name: result[name] for name in kinds}),
        "critical_path": path.critical(json.loads(files["report"].read_text()), tree),
        "placement": places,
        "spaces": spaces(config),
        "memories": memories(
            board, parts.place_cells(netlist, tree, memory_types) if memory_types else {}
        ),
        "models": {
            name: (counted := speeds.cycles(model, config))
            | speeds.speed(counted, config.lanes, result["clock_mhz"])
            for name, model in speeds.shipped().items()
        },
        "boards": {**kept(), board.name: result},
    }


def kept() -> dict:
    """The figures of all boards that the project keeps; empty where there are none."""
    return json.loads(KEPT.read_text()) if KEPT.is_file() else {}


def spaces(config: Config) -> list[dict]:
    """What the host writes: a dictionary for each space, sizes in bytes and words."""
    return [
        {
            "space": space.name,
            "number": int(space),
            "words": size.bytes // size.item,
            "bytes_per_word": size.item,
            "bytes": size.bytes,
        }
        for space, size in sizes.spaces(config).items()
    ]


def memories(board: Board, places: dict) -> list[dict]:
    """The engine's memories: sizes by configuration, the cells that hold them as placed.

    ``cells`` : name of the kind -> how many; ``fill``, the share of their bits that the memory
    needs, is ``None`` where there are none, as of a memory of flip-flops.
    """
    rows = []
    for name, size in sizes.memories(board.config).items():
        found = places.get(f"core.port.engine.{size.part}", {})
        cells = {kind: len(where) for kind, where in found.items()}
        held = sum(count * board.family.memory_cells[kind][1] for kind, count in cells.items())
        rows.append(
            {
                "memory": name,
                "words": size.words,
                "bits": size.width,
                "copies": size.copies * size.banks,
                "cells": cells,
                "fill": size.bits * size.copies / held if held else None,
            }
        )
    return rows
