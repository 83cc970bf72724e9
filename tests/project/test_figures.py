"""The README's first table is what the kept figures make, and these are what the project does."""

import pytest

from scripts import figures, readme
from sobolpath.boards import report
from sobolpath.golden import data
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.schedule import plan
from sobolpath.hw.config import CONFIGS


@pytest.fixture(scope="module")
def kept():
    return figures.kept()


@pytest.fixture(scope="module")
def routed():
    return report.kept()[figures.BOARD]


def test_readme_has_the_table(kept, routed):
    text, table = readme.README.read_text(), figures.table(kept, routed)
    assert readme.with_table(text, "figures", table) == text
    assert len(table.splitlines()) == 12


def test_cycles_and_time_in_the_table(kept, routed):
    simulated = {
        **kept["simulated"],
        "latency_cycles": 1100,
        "interval_cycles": 1000,
        "utilization": 0.5,
        "paths": 4000,
        "lanes": 8,
        "images_together": 2,
    }
    routed = {**routed, "clock_mhz": 50.0}
    lines = figures.table({**kept, "simulated": simulated}, routed).splitlines()
    rows = dict(line.strip("| ").split(" | ") for line in lines[2:])
    assert rows["cycles for 2 images, which share each weight"] == (
        "1,000 from one inference to the next, 1,100 from last input to last result, as "
        "predicted; the multipliers are 50.0% busy"
    )
    assert rows["time for 2 images, which share each weight"] == (
        "20.0 us from one inference to the next, 22.0 us from last input to last result, at 50 MHz"
    )
    assert rows["throughput of the engine"] == (
        "100,000 images/s: 400 M multiply-accumulates/s of the 800 M that 16 multipliers can do"
    )
    one = {**simulated, "images_together": 1}
    table = figures.table({**kept, "simulated": one}, routed)
    for part in ("| cycles for an image |", "| time for an image |", "50,000 images/s"):
        assert part in table


def test_a_stale_table_is_seen(kept, routed):
    stale = readme.README.read_text().replace("LC, ", "LE, ")
    assert readme.with_table(stale, "figures", figures.table(kept, routed)) != stale


@pytest.mark.parametrize("times", [0, 2])
def test_marks_must_be_there_once(times):
    text = "<!-- x: made by `make x` -->\nold\n<!-- end of x -->\n" * times
    with pytest.raises(ValueError, match="README must have the marks of make x once: <!-- x: made"):
        readme.with_table(text, "x", "new\n")


def test_the_larger_network_is_the_shipped_one(kept):
    model = models.load(figures.ROOT / "models" / f"{figures.LARGER}.npz")
    assert kept["larger"] == {
        "accuracy_int": model.info["accuracy_int"],
        "paths": model.topology.total_paths,
    }


def test_simulated_figures_are_those_of_the_shipped_model(kept):
    simulated, config = kept["simulated"], CONFIGS["icebreaker"]
    model = models.load(figures.ROOT / figures.MODEL)
    dataset = data.load(figures.DATA)
    right = engine.classify(model, engine.infer(model, dataset.x_test)) == dataset.y_test
    schedule = plan(model.topology, config.machine)
    assert simulated["images"] == len(dataset.x_test) == 360
    assert simulated["mismatches"] == 0
    assert simulated["accuracy"] == simulated["accuracy_int"] == right.mean() >= 0.965
    assert simulated["images_together"] == config.images
    assert simulated["latency_cycles"] == simulated["predicted_latency"] == schedule.latency
    assert simulated["interval_cycles"] == simulated["predicted_interval"] == schedule.interval
    assert kept["layers"] == list(model.topology.layers)
    assert kept["connectivity_bits"] == figures.connectivity_bits(model.topology, config.lanes)


def test_routed_figures_meet_the_clock_on_every_seed(routed):
    assert routed["seeds"] == list(range(1, 11))
    assert len(routed["fmax_mhz"]) == 10
    assert min(routed["fmax_mhz"]) >= routed["clock_mhz"] >= 48
    assert (routed["dsp"], routed["spram"]) == (8, 4)
    assert routed["lc"] <= 2800
