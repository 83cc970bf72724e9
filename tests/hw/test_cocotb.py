"""Runs the cocotb test benches of tests/cocotb on the Verilog of the components.

Each bench module has ``component()``, what its Verilog is made from. Icarus has four states: it
shows whether an undefined value ever reaches a port. ``COCOTB_RANDOM_SEED`` sets the seed, 1 by
default.
"""

import importlib
import os
import sys
from contextlib import suppress
from xml.etree import ElementTree

import pytest
from cocotb_tools.runner import get_runner

from sobolpath.golden.support import locks
from sobolpath.hw.export.verilog import convert
from sobolpath.sim.backends import verilator
from tests.support.places import ROOT

pytestmark = pytest.mark.timeout(200)

#: The benches and how many tests each of them has, parameters counted.
BENCHES = {
    "bitrev": 13,
    "sobol": 7,
    "weights": 5,
    "crossbar": 1,
    "mac": 2,
    "engine": 3,
    "learn": 2,
    "path_order": 3,
    "axis": 8,
}
#: Those that a simulator of two states runs too, which compiles for up to 10 s: the smallest, the
#: largest, whole engine, and the one that learns. Other engines it runs in tests/sim.
COMPILED = ("crossbar", "axis", "learn")

BUILD_ARGUMENTS = {
    "icarus": [],
    "verilator": [
        *("-Wno-fatal", "-Wno-lint"),
        *("-CFLAGS", "-O0"),  # compiling costs more than simulating
        *("--output-split", "0"),  # the wheel's rules for split output do not suit g++
    ],
}


@pytest.fixture
def bench(request, monkeypatch):
    """The bench module, imported as the simulator's Python will import it."""
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module(f"tests.cocotb.bench_{request.param}")


def _tests(results):
    """The tests of a results file, by name: None where one passed, else what went wrong."""
    if not results.exists():
        return {}
    outcomes = {}
    for case in ElementTree.parse(results).getroot().iter("testcase"):
        problems = [child for child in case if child.tag in ("failure", "error", "skipped")]
        text = "; ".join(f"{problem.tag}: {problem.get('message')}" for problem in problems)
        outcomes[case.get("name")] = text or None
    return outcomes


def _run(simulator, name, text, folder, module, seed):
    """Build and run one bench; the tests' outcomes, and the log."""
    runner, source = get_runner(simulator), folder / f"{name}.v"
    build_log, log, results = (folder / file for file in ("build.log", "run.log", "results.xml"))
    for file in (log, results):
        file.unlink(missing_ok=True)
    if not source.exists() or source.read_text() != text:
        source.write_text(text)  # else simulators need not build again
    try:
        runner.build(
            sources=[source],
            hdl_toplevel=name,
            build_dir=folder,
            build_args=BUILD_ARGUMENTS[simulator],
            timescale=("1ns", "1ps"),
            log_file=build_log,
        )
    except RuntimeError:
        pytest.fail(f"the build failed:\n{build_log.read_text()}")
    with suppress(SystemExit, RuntimeError):  # the results file tells, or its absence
        runner.test(
            test_module=module,
            hdl_toplevel=name,
            results_xml=str(results),
            seed=seed,
            log_file=log,
        )
    return _tests(results), log.read_text() if log.exists() else "the simulator did not start"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bench", "simulator"),
    [(name, "icarus") for name in BENCHES] + [(name, "verilator") for name in COMPILED],
    indirect=["bench"],
)
def test_bench(bench, simulator, monkeypatch):
    if simulator == "verilator":
        if any(" " in str(path) for path in (ROOT, sys.prefix)):
            pytest.skip(f"cocotb compiles with GNU make, which takes no space in a path: {ROOT}")
        for variable, value in verilator.environment().items():
            monkeypatch.setenv(variable, value)
    name = bench.__name__.removeprefix("tests.cocotb.bench_")
    folder = ROOT / "build" / "cocotb" / name / simulator
    seed = os.environ.get("COCOTB_RANDOM_SEED", "1")
    with locks.hold(folder / "lock", busy=f"another run is in {folder}", say=print):
        text = convert(bench.component(), name)
        outcomes, log = _run(simulator, name, text, folder, bench.__name__, seed)
    print(f"{simulator}: {len(outcomes)} tests, COCOTB_RANDOM_SEED={seed}")
    failed = [f"{test}: {problem}" for test, problem in outcomes.items() if problem]
    if len(outcomes) != BENCHES[name]:
        failed.append(f"{BENCHES[name]} tests must run, not {len(outcomes)}")
    if failed:
        pytest.fail("\n".join([*failed, log]), pytrace=False)


def test_what_counts_as_a_failure(tmp_path):
    results = tmp_path / "results.xml"
    assert _tests(results) == {}
    results.write_text(
        "<testsuites><testsuite>"
        '<testcase name="good" />'
        '<testcase name="bad"><failure message="item 3" /></testcase>'
        '<testcase name="not run"><skipped message="" /></testcase>'
        "</testsuite></testsuites>"
    )
    outcomes = {"good": None, "bad": "failure: item 3", "not run": "skipped: "}
    assert _tests(results) == outcomes
