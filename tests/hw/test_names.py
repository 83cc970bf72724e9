"""Every signal has its name from the source, on every Python.

Amaranth reads the name of a signal from the byte code behind its call. Where that is no plain
assignment, it depends on the version of Python whether it finds one; 3.13 finds fewer. What has no
name moves the text of the Verilog, is missed by the checks of a build and cannot be seen in waves.
"""

import ast
import re

import pytest
from amaranth.back import rtlil

from sobolpath.hw.engines import ENGINES, component, named
from sobolpath.hw.export import verilog
from tests.support.places import ROOT

FILES = sorted(path for folder in ("hw", "boards") for path in (ROOT / folder).rglob("*.py"))


def makes_signals(call):
    """Whether it is ``Signal(...)``, ``Signal.like(...)``, a port of a memory, or a signature's
    ``create()``."""
    function = ast.unparse(call.func)
    return (
        function in ("Signal", "Signal.like")
        or function.endswith((".read_port", ".write_port"))
        or (function.endswith(".create") and "Signature" in function)
    )


def nameless(text):
    """The lines where a signal is made without ``name=`` and not for one plain name."""
    tree = ast.parse(text)
    plain = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name | ast.Attribute)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and makes_signals(node)
        and id(node) not in plain
        and not any(keyword.arg == "name" for keyword in node.keywords)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a, b = Signal(), 1",
        "a = b = Signal(2)",
        "a = [Signal() for _ in range(3)]",
        "a = {'b': Signal.like(c)}",
        "a = Array(Signal(4) for _ in range(3))",
        "a = Signal() if b else None",
        "def f():\n  return Signal()",
        "f(Signal(3, reset_less=True))",
        "a[0] = Signal()",
        "a, b = stream.Signature(8).create(), 1",
        "(a := Signal())",
        "a, b = memory.read_port(), 1",
        "a, b = memory.write_port(granularity=8), 1",
        "a = Signal.like(b, **options), 1",
    ],
)
def test_what_has_no_name_is_found(text):
    assert len(nameless(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a = Signal()",
        "self.a = Signal.like(b)",
        "a, b = Signal(name='a'), Signal(name='b')",
        "a = Array(Signal(4, name=f'a_{n}') for n in range(3))",
        "a = stream.Signature(8).create()",
        "a = catalog.CRC.create(), 1",
    ],
)
def test_what_has_a_name_is_not(text):
    assert not nameless(text)


def test_no_signal_of_the_source_is_without_a_name():
    assert len(FILES) > 40
    found = {str(path.relative_to(ROOT)): nameless(path.read_text()) for path in FILES}
    assert not {path: lines for path, lines in found.items() if lines}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, configs in ENGINES.items() for name in configs]
)
def test_no_signal_of_an_engine_is_without_a_name(kind, name):
    engine = component(named(kind, name))
    text = rtlil.convert(engine, name="engine", ports=verilog.ports(engine), emit_src=False)
    wires = re.findall(r"^\s*wire.* (\S+)$", text, re.M)
    assert len(wires) > 500
    assert not [wire for wire in wires if wire.startswith(r"\$")]
