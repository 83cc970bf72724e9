"""The README's table is the one that docs/figures.json makes, and that is what the project does."""

import json

import pytest

from golden import data, engine
from golden import model as models
from hw.config import CONFIGS
from scripts import figures


@pytest.fixture(scope="module")
def kept():
    return json.loads(figures.JSON.read_text())


def test_readme_has_the_table(kept):
    text = figures.README.read_text()
    assert figures.with_table(text, kept) == text
    assert len(figures.table(kept).splitlines()) == 10


def test_a_stale_table_is_seen(kept):
    stale = figures.README.read_text().replace("LC, ", "LE, ")
    assert figures.with_table(stale, kept) != stale


def test_simulated_figures_are_those_of_the_shipped_model(kept):
    simulated, config = kept["simulated"], CONFIGS["icebreaker"]
    model = models.load(figures.ROOT / figures.MODEL)
    dataset = data.load(figures.DATA)
    right = engine.classify(model, engine.infer(model, dataset.x_test)) == dataset.y_test
    predicted = engine.cycles(model.topology, config.lanes, registers=config.registers)
    assert simulated["images"] == len(dataset.x_test) == 360
    assert simulated["mismatches"] == 0
    assert simulated["accuracy"] == simulated["accuracy_int"] == right.mean() >= 0.965
    assert simulated["cycles_per_inference"] == simulated["predicted_cycles"] == predicted
    assert kept["layers"] == list(model.topology.layers)
    assert kept["connectivity_bits"] == figures.connectivity_bits(model.topology, config.lanes)


def test_routed_figures_meet_the_clock_on_every_seed(kept):
    routed = kept["routed"]
    assert routed["seeds"] == list(figures.SEEDS)
    assert len(routed["fmax_mhz"]) == len(figures.SEEDS)
    assert min(routed["fmax_mhz"]) >= routed["clock_mhz"] == 48
    assert (routed["dsp"], routed["spram"]) == (8, 4)
    assert routed["lc"] <= 2400
