"""The README's table is the one that docs/figures.json makes, and that is what the project does."""

import json

import pytest

from golden import data, engine
from golden import model as models
from golden.machine import plan
from hw.config import CONFIGS
from scripts import figures


@pytest.fixture(scope="module")
def kept():
    return json.loads(figures.JSON.read_text())


def test_readme_has_the_table(kept):
    text = figures.README.read_text()
    assert figures.with_table(text, kept) == text
    assert len(figures.table(kept).splitlines()) == 12


def test_cycles_and_time_in_the_table(kept):
    simulated = {
        **kept["simulated"],
        "latency_cycles": 1100,
        "interval_cycles": 1000,
        "utilization": 0.5,
        "paths": 4000,
        "lanes": 8,
        "images_together": 2,
    }
    routed = {**kept["routed"], "clock_mhz": 50.0}
    lines = figures.table({**kept, "simulated": simulated, "routed": routed}).splitlines()
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
    table = figures.table({**kept, "simulated": one, "routed": routed})
    for part in ("| cycles for an image |", "| time for an image |", "50,000 images/s"):
        assert part in table


def test_a_stale_table_is_seen(kept):
    stale = figures.README.read_text().replace("LC, ", "LE, ")
    assert figures.with_table(stale, kept) != stale


def test_the_larger_network_is_the_shipped_one(kept):
    model = models.load(figures.ROOT / figures.LARGER)
    assert kept["larger"] == {
        "accuracy_int": model.info["accuracy_int"],
        "paths": model.topology.total_paths,
        "predicted_interval": plan(model.topology, CONFIGS["icebreaker"].machine).interval,
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


def test_routed_figures_meet_the_clock_on_every_seed(kept):
    routed = kept["routed"]
    assert routed["seeds"] == list(figures.SEEDS)
    assert len(routed["fmax_mhz"]) == len(figures.SEEDS)
    assert min(routed["fmax_mhz"]) >= routed["clock_mhz"] >= 48
    assert (routed["dsp"], routed["spram"]) == (8, 4)
    assert routed["lc"] <= 2800
