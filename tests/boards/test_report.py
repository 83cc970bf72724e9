"""The report of a build: a small engine on an iCE40, placed and routed by the real tools."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from sobolpath.__main__ import main
from sobolpath.boards import load, report
from sobolpath.boards.commands import build as build_command
from sobolpath.boards.flow.netlist import Netlist, position
from sobolpath.boards.report import hierarchy, parts, path, pictures, sections, speeds
from sobolpath.golden.training import zoo
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.memories import memories
from tests.support.pretended import netlist

pytestmark = pytest.mark.timeout(500)  # the tools' first run compiles them
FOLDER = Path("build/icebreaker")
PROGRAM = "core.port.engine.control.program"  # a memory alone


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A small build with its report by the command: (folder, report.json, what it printed)."""
    folder = tmp_path_factory.mktemp("report")
    board = replace(load("icebreaker"), config=CONFIGS["tiny"])
    printed = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(build_command, "load", lambda name: board)
        patch.setattr("builtins.print", lambda *words, **_: printed.append(words[0]))
        assert main(["board", "build", "icebreaker", "--report"]) == 0
    data = json.loads((folder / FOLDER / "report.json").read_text())
    return folder / FOLDER, data, printed


@pytest.fixture(scope="module")
def tree(built):
    folder, _, _ = built
    modules = [
        json.loads((folder / f).read_text())["modules"] for f in (hierarchy.FILE, "top.json")
    ]
    return hierarchy.Hierarchy(*modules)


class TestParts:
    def test_the_sum_is_the_router_s_count(self, built):
        _, data, _ = built
        reported = json.loads(Path(built[0], "seed-1.json").read_text())["utilization"]
        for kind, theirs in load("icebreaker").family.cells.items():
            assert sum(row[kind] for row in data["parts"]) == reported[theirs]["used"] > 0

    def test_little_is_not_attributed(self, built):
        """The constants 0 and 1 alone, where they are needed."""
        last = built[1]["parts"][-1]
        assert last["part"] == parts.UNKNOWN
        assert 1 <= last["lc"] <= 2
        assert [last[kind] for kind in ("ebr", "dsp", "spram")] == [0, 0, 0]

    def test_cells_are_where_we_put_them(self, built):
        rows = {row["part"]: row for row in built[1]["parts"]}
        assert rows["core.port.engine.lanes.mac"]["dsp"] == 4
        assert rows["core.port.engine.lanes.weights"]["spram"] == 2
        ebr = {name.split(".")[-1]: row["ebr"] for name, row in rows.items() if row["ebr"]}
        assert ebr == {"activations": 2, "biases": 2, "program": 3, "results": 2}
        least = 4 * 22  # accumulators of 22 bits in 4 lanes
        assert rows["core.port.engine.lanes.mac"]["lc"] > least
        assert 10 <= rows["core.transmitter"]["lc"] <= 60
        ours = {name: row for name, row in rows.items() if name.startswith("core.port.engine.")}
        assert [name for name, row in ours.items() if not row["lc"]] in ([], [PROGRAM])

    def test_a_cell_too_few_is_not_attributed(self, built, tree):
        placed = built[1]["placement"]
        used = {"lc": built[1]["result"]["lc"] + 5}
        constants = built[1]["parts"][-1]["lc"]
        assert parts.count(placed, used)[-1] == {"part": parts.UNKNOWN, "lc": constants + 5}

    def test_what_the_router_adds_joins_its_neighbour(self, tmp_path):
        cells = {
            "core.engine.mac": ("LC", {"I": 9}, {"O": 1}, "X1/Y2/lc0"),
            "$a": ("LC", {"I": 1}, {"O": 2}, "X1/Y2/lc1"),
            "$b": ("LC", {"I": 2}, {"O": 3}, "X1/Y2/lc2"),
            "$constant": ("LC", {}, {"O": 9}, "X1/Y2/lc3"),
            "$other": ("LC", {"I": 9}, {}, "X1/Y2/lc4"),
        }
        names = {"core.engine.mac": "core engine mac adder"}
        nets = {f"$net{bit}": bit for bit in (1, 2, 3, 9)}
        (tmp_path / "n.json").write_text(json.dumps(netlist(cells=cells, nets=nets, hdlname=names)))
        nothing = hierarchy.Hierarchy({"top": EMPTY}, {"top": EMPTY})
        placed = parts.place_cells(Netlist(tmp_path / "n.json"), nothing, {"lc": ("LC",)})
        assert placed == {
            "core.engine.mac": {"lc": ["X1/Y2/lc0", "X1/Y2/lc1", "X1/Y2/lc2"]},
            parts.UNKNOWN: {"lc": ["X1/Y2/lc3", "X1/Y2/lc4"]},
        }


EMPTY = {"ports": {}, "cells": {}, "netnames": {}}


def module(ports=(), cells=None, **nets):
    """A module of Yosys' JSON; ``ports`` : (name, direction) of some of the nets."""
    return {
        "ports": {name: {"direction": way, "bits": nets[name]} for name, way in ports},
        "cells": cells or {},
        "netnames": {name: {"bits": bits} for name, bits in nets.items()},
    }


def instance(kind, **connections):
    return {"type": kind, "connections": connections}


class TestHierarchy:
    @pytest.fixture
    def small(self):
        """A source and a sink, and an engine between them that renames what it passes on."""
        flip_flop = {"type": "$dff", "connections": {"Q": [1, 2]}}
        flip_flop["port_directions"] = {"Q": "output"}
        inner = {
            "source$7": instance("top.engine.source$7", o=[5, 6]),
            "sink": instance("top.engine.sink", i=[5, 6]),
        }
        modules = {
            "top": module((), {"engine": instance("top.engine", bus=[8, 9])}, wire=[8, 9]),
            "top.engine": module([("bus", "output")], inner, bus=[5, 6]),
            "top.engine.source$7": module([("o", "output")], {"$1": flip_flop}, o=[1, 2]),
            "top.engine.sink": module([("i", "input")], i=[3, 4]),
        }
        flat = module((), {}, **{"engine.sink.i": [40, 41], "engine.sink.i_LUT_O": [41, 42]})
        return hierarchy.Hierarchy(modules, {"top": flat})

    @pytest.mark.parametrize(
        ("net", "driver"),
        [
            ("engine.sink.i[0]", ("engine.source$7", "o[0]")),
            ("engine.sink.i_LUT_O[0]", ("engine.source$7", "o[1]")),  # by its other name
            ("engine.sink.i_LUT_O[1]", None),
            ("nothing", None),
        ],
    )
    def test_driver(self, small, net, driver):
        assert small.signal(net) == driver

    @pytest.mark.parametrize(
        ("name", "place"),
        [
            ("engine.sink.i_LUT_O[1]", ("engine.source$7", "o")),
            ("wire_LUT_O", ("engine.source$7", "o")),
            ("engine.sink.$auto$3", ("engine.sink", "")),
            ("engine.sinking", ("engine", "")),
            ("$nextpnr_LC_3", None),
        ],
    )
    def test_nearest(self, small, name, place):
        assert small.nearest(name) == place

    def test_plain(self):
        assert hierarchy.plain("core.load$198.word$3[2]") == "core.load.word[2]"
        assert hierarchy.plain("core.$signal$25") == "core.$signal"

    def test_drivers_in_the_engine(self, tree):
        """A row of sums is a signal of the drain's parts; it is driven by the lanes."""
        found = {tree.signal(f"core.port.engine.drain.i[{index}]") for index in range(4)}
        assert found == {("core.port.engine.lanes.mac", f"low_0[{index}]") for index in range(4)}


class TestPath:
    def test_adds_up_to_fmax(self, built):
        critical, fmax = built[1]["critical_path"], built[1]["result"]["fmax_mhz"][0]
        assert critical["total_ns"] == pytest.approx(1e3 / fmax, rel=1e-3)
        assert critical["logic_ns"] + critical["routing_ns"] == pytest.approx(critical["total_ns"])
        sums = sum(hop["logic_ns"] + hop["routing_ns"] for hop in critical["hops"])
        assert sums + critical["setup_ns"] == pytest.approx(critical["total_ns"])
        assert 1 <= len(critical["hops"]) <= 20

    def test_has_our_names(self, built):
        for hop in built[1]["critical_path"]["hops"]:
            assert re.fullmatch(r"(core|clocking)(\.\$?\w+)+(\[\d+\])*", hop["signal"])
            assert not re.search("SB_|LUT", hop["signal"])

    def test_the_clocked_path_is_taken(self, tree):
        def way(start, end, *delays):
            place = {"loc": [1, 2]}
            steps = [
                {"type": "routing", "delay": d, "net": "core.flags", "to": place} for d in delays
            ]
            return {"from": start, "to": end, "path": steps}

        longest = [way("<async>", "posedge clk", 9.0), way("posedge clk", "posedge clk", 2.0, 3.0)]
        found = path.critical({"critical_paths": longest}, tree)
        assert (found["total_ns"], len(found["hops"]), found["logic_ns"]) == (5.0, 2, 0)


class TestPictures:
    def test_all_are_drawn(self, built):
        folder, data, _ = built
        for name, (kind, _) in pictures.PICTURES.items():
            content = (folder / f"{name}.{kind}").read_bytes()
            assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml"}[kind])
        assert pictures.draw(data)["fmax"] == pictures.draw(data)["fmax"]  # the same bytes

    @pytest.mark.parametrize("seeds", [1, 2, 10, 45])
    def test_no_legend_is_over_bars(self, seeds):
        result = {**report.kept()["icebreaker"], "seeds": list(range(seeds))}
        result["fmax_mhz"] = [50 + seed % 7 for seed in range(seeds)]
        axes = Figure().subplots()
        pictures._fmax({"result": result, "ceilings_mhz": {"SPRAM": 70.0, "EBR": 150.0}}, axes)
        assert axes.get_legend() is None
        (legend,) = axes.figure.legends
        assert legend.get_texts()[0].get_text() == "the clock, 48 MHz"
        ticks = [label.get_text() for label in axes.get_xticklabels()]
        if seeds == 1:  # beside what the data sheet allows
            names = [label.get_text() for label in axes.get_yticklabels()]
            assert names == ["place and route, seed 0", "SPRAM, data sheet", "EBR, data sheet"]
            assert [bar.get_width() for bar in axes.patches] == [50, 70, 150]
        else:
            assert [bar.get_height() for bar in axes.patches] == result["fmax_mhz"]
            assert ticks == [str(seed) for seed in range(0, seeds, 3 if seeds == 45 else 1)]

    @pytest.mark.parametrize("name", ["icebreaker", "hx8k", "ulx3s"])
    def test_roofline(self, name):
        """Models whose inputs bind are on the slanted roof, by the same figures as the table."""
        result, config = report.kept()[name], load(name).config
        clock = result["clock_mhz"]
        models = {
            each: (counted := speeds.cycles(model, config))
            | speeds.speed(counted, config.lanes, clock)
            for each, model in speeds.shipped().items()
        }
        axes = Figure().subplots(1, 2)
        pictures._roofline({"result": result, "models": models}, axes)
        assert (axes[0].get_xscale(), axes[0].get_yscale()) == ("log", "log")
        (roof,) = axes[0].lines
        (left, corner, _), (low, peak, level) = roof.get_data()
        assert peak == level == pytest.approx(speeds.peak(result) / 1e6)
        slope = low / left
        assert peak / corner == pytest.approx(slope)
        fitting = [model for model in models.values() if "why" not in model]
        points = [tuple(each.get_offsets()[0]) for each in axes[0].collections]
        assert len(points) == len(fitting)
        for model, (ratio, rate) in zip(fitting, points, strict=True):
            assert rate == pytest.approx(model["macs_per_second"] / 1e6)
            assert rate <= min(peak, slope * ratio) * 1.000001
            if model["binds"] == "inputs":
                assert rate == pytest.approx(slope * ratio)
        assert any(m["binds"] == "inputs" for m in fitting) == (name != "hx8k")
        assert axes[0].get_legend() is axes[1].get_legend() is None

    def test_letters_that_would_be_too_small_are_left_out(self):
        for size, letters in ((30, ["E"]), (400, [])):
            placement = {"core": {"ebr": ["X1/Y2/ram"], "lc": [f"X{size}/Y{size}/lc0"]}}
            axes = Figure().subplots()
            pictures._floor({"placement": placement}, axes)
            assert [text.get_text() for text in axes.texts] == letters

    @pytest.mark.parametrize(
        ("place", "where"),
        [
            ("X4/Y16/lc2", (4, 16, "lc2")),
            ("X18/Y40/SLICED.K1", (18, 40, "SLICED.K1")),
            ("X3Y4/LUT0", (3, 4, "LUT0")),
            ("R3C4_LUT0", None),
            (None, None),
        ],
    )
    def test_position(self, place, where):
        assert position(place) == where

    @pytest.mark.parametrize(
        ("name", "corner"),
        [
            ("lc2", (4, 16.25)),
            ("SLICED.K1", (4, 16.875)),
            ("SLICEB.FF0", (4.48, 16.25)),
            ("LUT5", (4, 16.625)),
            ("odd", (4, 16)),
        ],
    )
    def test_place_within_a_tile(self, name, corner):
        assert pictures._small((4, 16, name))[0] == corner

    def test_places_without_coordinates_are_said(self, built, monkeypatch):
        said = []
        monkeypatch.setattr("matplotlib.axes.Axes.text", lambda *words, **_: said.append(words[3]))
        placement = {"core": {"lc": ["nowhere"] * 1234, "ebr": ["X1/Y2/ram"]}}
        data = {**built[1], "placement": placement}
        pictures.PICTURES["floor"][1].draw(data, "svg")
        assert sorted(said) == ["1,234 cells whose places have no coordinates are not shown", "E"]


class TestReport:
    def test_printed(self, built):
        lines = [line for line in built[2] if "report" in line]
        assert lines == [f"  report    {FOLDER}/report.{kind}" for kind in ("md", "html")]

    def test_markdown(self, built):
        folder, data, _ = built
        text = (folder / "report.md").read_text()
        found = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert found == [section["title"] for section in sections.sections(data)]
        assert len(found) == 11
        links = re.findall(r"\]\((.*?)\)", text)
        assert len(links) == 4
        assert all((folder / link).is_file() for link in links)
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert (
            f"| total | {data['result']['lc']:,} of 5,280 | 9 of 30 | 4 of 8 | 2 of 4 | 100.0% |"
            in rows
        )
        assert "| place and route | {:.2f} |".format(data["result"]["fmax_mhz"][0]) in rows
        assert "| SPRAM, data sheet | 70 |" in rows

    def test_html_stands_alone(self, built):
        text = (built[0] / "report.html").read_text()
        assert text.count('<img src="data:image/') == 4
        assert not re.search(r"<script|<link|(src|href)=\"(?!data:)", text)
        assert text.count("<h2>") == 11

    def test_how_it_was_made(self, built):
        made = built[1]["made"]
        assert made["command"] == "sobolpath board build icebreaker --report"
        assert made["seconds"] > 1
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:]{8}\+00:00", made["date"])

    def test_memory_map(self, built):
        sizes = {space["space"]: space["bytes"] for space in built[1]["spaces"]}
        assert sizes == {"WEIGHTS": 1024, "BIASES": 512, "PROGRAM": 128}

    def test_memories(self, built):
        found = {row["memory"]: (row["cells"], row["fill"]) for row in built[1]["memories"]}
        assert found["weights"] == ({"SPRAM": 2}, 8192 / 524288)
        assert found["biases"] == ({"EBR": 2}, 0.5)
        assert found["program"] == ({"EBR": 3}, 0.25)
        assert list(found) == list(memories(CONFIGS["tiny"]))

    def test_ceilings_in_use(self, built):
        assert built[1]["ceilings_mhz"] == {"SPRAM": 70.0, "EBR": 150.0}

    def test_models_that_do_not_fit_say_why(self, built):
        models = built[1]["models"]
        assert len(models) == len(zoo.RECIPES)
        assert "widest layer must be at most 64, not 128" in models["digits"]["why"]


@pytest.mark.parametrize("name", ["icebreaker", "hx8k", "ulx3s", "orangecrab"])
class TestFigures:
    def test_no_model_is_above_the_roofs(self, name):
        config, clock, seen = load(name).config, 48.0, 0
        for model in speeds.shipped().values():
            counted = speeds.cycles(model, config)
            if "why" in counted:
                continue
            seen += 1
            speed = speeds.speed(counted, config.lanes, clock)
            result = {"lanes": config.lanes, "images_together": config.images, "clock_mhz": clock}
            taken = config.images * config.input_width
            inputs = taken * clock * 1e6 * counted["weights"] / counted["inputs"]
            assert speed["macs_per_second"] <= min(speeds.peak(result), inputs)
            loading = config.images * clock * 1e6 * speeds.weights_per_loading_cycle(counted)
            assert speed["macs_per_second"] <= loading * 1.000001 <= inputs * 1.000001
            assert speed["weight_bits_per_cycle"] <= 8 * config.lanes
            busy = speed["macs_per_second"] / speeds.peak(result)
            assert speed["utilization"] == pytest.approx(busy)
            assert speed["us_per_image"] * speed["images_per_second"] == pytest.approx(1e6)
        assert seen == (1 if name == "hx8k" else len(zoo.RECIPES))

    def test_what_binds_takes_the_interval(self, name):
        config, model = load(name).config, speeds.shipped()["digits"]
        tasks = config.schedule(model.topology).tasks
        longest = max(tasks, key=tasks.get)
        assert speeds.cycles(model, config)["binds"] == speeds.BINDS[longest]
        assert speeds.cycles(model, config)["interval_cycles"] == tasks[longest]
