"""What is compiled: an engine's or another design, and what it is made of."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sobolpath.hw.engines import Config, component

from .record import watched

HARNESS = Path(__file__).with_name("harness.cpp")
# What a design is made of.
PACKAGES = ("golden/machine", "golden/path_order", "golden/topology", "hw")


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


def _public(config):
    """What the harness reads that is no port, for Verilator; Amaranth joins names by "__"."""
    return "`verilator_config\n" + "".join(
        f'public_flat_rd -module "*{part.split(".")[-1]}" -var "{signal.replace(".", "__")}"\n'
        for part, signal in watched(config).values()
    )


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
