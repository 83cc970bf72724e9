"""The FuseSoC core file (CAPI2) of an exported engine: targets default, lint and sim."""

import json
from collections.abc import Iterable

HEAD = """\
CAPI=2:
name: "{vlnv}"
description: "{description}"

filesets:
  rtl:
    files:
      - {verilog}
    file_type: verilogSource
"""

BENCH = """\
  tb:
    files:
      - {bench}: {{file_type: verilogSource}}
"""

DATA = """\
      - {file}: {{file_type: user, copyto: {name}}}
"""

TARGETS = """\

targets:
  default:
    filesets: [rtl]
    toplevel: {module}

  lint:
    filesets: [rtl]
    toplevel: {module}
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [{waivers}]
"""

SIM = """\

  sim:
    filesets: [rtl, tb]
    toplevel: {bench}
    flow: sim
    flow_options:
      tool: icarus
"""

#: What Verilator says of any Verilog that Yosys writes: results wider than what they come from, and
#: the ! of a vector. All else is an error.
WAIVERS = ("-Wno-WIDTHEXPAND", "-Wno-WIDTHTRUNC")


def core(
    *,
    module: str,
    version: str,
    description: str,
    verilog: str,
    bench: str | None = None,
    data: Iterable[str] = (),
) -> str:
    """The text of a core ``:sobolpath:MODULE:VERSION``.

    Parameters
    ----------
    module, version, description : of the engine; ``description`` without quotes.
    verilog : the file of the module, relative to the core file's folder, with ``/``.
    bench : the file of the test bench, whose module is called like the file, or none.
    data : the files that the test bench reads from the folder it runs in.
    """
    text = HEAD.format(
        vlnv=f":sobolpath:{module}:{version}",
        description=description,
        verilog=json.dumps(verilog),
    )
    if bench is not None:
        text += BENCH.format(bench=json.dumps(bench))
        for file in data:
            text += DATA.format(file=json.dumps(file), name=file.rpartition("/")[2])
    text += TARGETS.format(module=module, waivers=", ".join(WAIVERS))
    if bench is not None:
        text += SIM.format(bench=bench.rpartition("/")[2].removesuffix(".v"))
    return text
