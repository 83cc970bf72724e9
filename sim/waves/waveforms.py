"""Wave files of a run, and beside each what shows it in GTKWave and in Surfer."""

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vcd.gtkw import GTKWSave

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cli

from . import fst as fst_files

SAVES = (".gtkw", ".sucl")  # what is added to a wave file's name: of GTKWave, of Surfer
BINARY, HEXADECIMAL, UNSIGNED, SIGNED = "Binary", "Hexadecimal", "Unsigned", "Signed"
DIGITS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")  # of Surfer's items
GTKWAVE = {BINARY: "bin", HEXADECIMAL: "hex", UNSIGNED: "dec", SIGNED: "signed"}
#: What is shown: of each group the parts of the engine, "" for itself, and their signals.
SHOWN = {
    "Streams": (
        ("", "busy i__valid i__ready o__valid o__ready write__valid write__ready", BINARY),
        ("", "i__payload o__payload", HEXADECIMAL),
    ),
    "Sequencer": (("control.sequencer", "load load_hold run run_hold read", BINARY),),
    "Loader": (
        ("loader", "step__valid step__ready write slot", BINARY),
        ("loader", "row", UNSIGNED),
        ("loader", "data", HEXADECIMAL),
    ),
    "Walker": (("control.run", "go begin hold o__valid o__ready", BINARY),),
    "Issue": (
        ("control.issuer", "valid tag distance", BINARY),
        ("control.issuer", "row", UNSIGNED),
    ),
    "Lanes": (
        ("lanes.crossbar", "i o", HEXADECIMAL),
        ("lanes.weights", "weights", HEXADECIMAL),
        ("lanes.mac", "tag done", BINARY),
    ),
    "Drain": (
        ("drain.serializer", "capture valid", BINARY),
        ("drain.serializer", "group", UNSIGNED),
        ("drain.writeback", "done", BINARY),
    ),
    "Probe": (
        ("", "probe__activation probe__result", BINARY),
        ("", "probe__activation_place probe__result_place", UNSIGNED),
        ("", "probe__activations", HEXADECIMAL),
        ("", "probe__sums", SIGNED),
    ),
}


@dataclass(frozen=True)
class Shown:
    """A signal of a wave file: its name with all its scopes, its bits, and how it is shown."""

    name: str
    bits: int
    format: str


def saves(path: Path | str | None) -> tuple[Path, ...]:
    """The save files of a wave file; none of None."""
    return () if path is None else tuple(Path(f"{path}{suffix}") for suffix in SAVES)


@contextmanager
def waveforms(vcd: Path | str | None, fst: Path | str | None) -> Iterator[Path | None]:
    """A file to write a VCD into, which becomes ``vcd``, ``fst`` or both; None for neither.

    They are there at the end, each with its save files; nothing is if anything fails. Raises
    ``InputError`` where they cannot be made.
    """
    if vcd is None and fst is None:
        yield None
        return
    for path in (path for path in (vcd, fst) if path is not None):
        if Path(path).is_dir():
            raise InputError(f"{path}: must be a file to write waveforms to, not a folder")
    if fst is not None:
        fst_files.check()
    part = _part(fst if vcd is None else vcd)
    try:
        part.touch()
        yield part
        if fst is not None:
            _convert(part, fst)
        if vcd is not None:
            groups = shown(part)
            os.replace(part, vcd)
            _save(vcd, groups)
    finally:
        part.unlink(missing_ok=True)


def _part(path):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{path.name}.{os.getpid()}.part")


def _convert(vcd, path):
    part = Path(f"{_part(path)}.fst")
    try:
        fst_files.convert(vcd, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    _save(path, shown(vcd))


def _save(path, groups):
    for save, write in zip(saves(path), (gtkwave, surfer), strict=True):
        cli.write_atomically(save, write(path, groups))


def shown(vcd: Path | str) -> dict[str, list[Shown]]:
    """The signals of ``SHOWN`` that a VCD file has: its groups, each a list of :class:`Shown`.

    The engine is the second scope, below the bench. A name that was taken has ``$`` and a number
    behind it, in either back end.
    """
    found = _found(vcd)
    return {
        group: [
            Shown(*found[part, name], form)
            for part, names, form in parts
            for name in names.split()
            if (part, name) in found
        ]
        for group, parts in SHOWN.items()
    }


def _found(vcd: Path | str) -> dict[tuple[str, str], tuple[str, int]]:
    """The signals of the engine and of its parts: (part, name) -> (name with all scopes, bits).

    In the engine's own scope stand its parts' ports too, and any of them may have come before the
    engine's port of the same name. They are what the parts have as well, by the same code.
    """
    signals, ports, inner = {}, {}, set()
    with open(vcd, encoding="utf-8") as file:
        for scopes, name, bits, code in fst_files.variables(file):
            if len(scopes) < 2:
                continue
            part = ".".join(re.sub(r"\$\d+$", "", scope) for scope in scopes[2:])
            signal = ".".join((*scopes, name)), bits
            signals.setdefault((part, name), signal)
            if part:
                inner.add(code)
            else:
                ports.setdefault(re.sub(r"\$\d+$", "", name), []).append((code, signal))
    for name, candidates in ports.items():
        own = [signal for code, signal in candidates if code not in inner]
        if own:
            signals["", name] = own[0]
    return signals


def gtkwave(path: Path | str, groups: dict[str, list[Shown]]) -> str:
    """A save file of GTKWave."""
    text = io.StringIO()
    save = GTKWSave(text)
    save.dumpfile(str(Path(path).resolve()))
    save.signals_width(250)
    for group, signals in groups.items():
        with save.group(group):
            for signal in signals:
                bits = f"[{signal.bits - 1}:0]" if signal.bits > 1 else ""
                save.trace(signal.name + bits, datafmt=GTKWAVE[signal.format])
    return text.getvalue()


def surfer(path: Path | str, groups: dict[str, list[Shown]]) -> str:
    """A command file of Surfer: ``surfer -c FILE.sucl FILE``.

    An item's format is that of the one in focus, whose number has the digits a to p for 0 to 15.
    """
    adds, formats = [], []
    for group, signals in groups.items():
        adds.append(f"divider_add {group}")
        for signal in signals:
            number = f"{len(adds):x}".translate(DIGITS)
            adds.append(f"variable_add {signal.name}")
            if signal.bits > 1:
                formats += [f"item_focus {number}", f"item_set_format {signal.format}"]
    return "\n".join((*adds, *formats, "item_unfocus", "zoom_fit", ""))
