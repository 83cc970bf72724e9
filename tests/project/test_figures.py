"""The README's table is what the kept figures make, and these are what the project does."""

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


def test_readme_has_the_table(kept):
    text, table = readme.README.read_text(), figures.shown(kept, report.kept())
    assert readme.with_table(text, "figures", table) == text
    assert len(table.splitlines()) == 10


def rows(table):
    """The two columns of a table, as a dictionary."""
    return dict(line.strip("| ").split(" | ") for line in table.splitlines()[2:])


def test_cycles_speed_and_port_in_the_table(kept, routed):
    simulated = {
        **kept["simulated"],
        "latency_cycles": 1100,
        "interval_cycles": 1000,
        "utilization": 0.5,
        "images_together": 2,
    }
    routed = {**routed, "clock_mhz": 50.0, "fmax_mhz": [49.0, 51.0]}
    shown = rows(figures.table({**kept, "simulated": simulated}, routed, 500_000))
    assert shown["cycles for 2 images, which share each weight"] == (
        "1,000 from one inference to the next, 1,100 from last input to last result"
    )
    assert shown["clock, routed"] == "50 MHz met on 1 of 2 seeds: Fmax 49.0 to 51.0 MHz"
    assert shown["speed of the engine at 50 MHz"] == (
        "100,000 images/s; its 16 multipliers are 50.0% busy"
    )
    assert shown["MNIST, 36,864 weights"].endswith("the engine runs 21,547 images/s")
    assert shown["the board's serial port at 0.5 Mbaud"] == (
        "carries about 699 digits/s, 48 MNIST images/s"
    )
    one = {**simulated, "images_together": 1}
    shown = rows(figures.table({**kept, "simulated": one}, routed, 500_000))
    assert "cycles for an image" in shown
    assert shown["speed of the engine at 50 MHz"].startswith("50,000 images/s; its 8 multipliers")


@pytest.mark.parametrize(
    ("layers", "images", "interval_us", "baud", "microseconds"),
    [  # INFER is 15 bytes and a byte per input, its reply 6 bytes and 4 per logit; 10 bits a byte
        ((64, 16), 1, 0.0, 1_000_000, 10 * (15 + 64)),
        ((64, 32), 1, 0.0, 1_000_000, 10 * (6 + 128)),
        ((64, 16), 1, 800.0, 1_000_000, 800),
        ((1024, 256, 16), 2, 0.0, 1_000_000, 10 * (15 + 2048)),
        ((1024, 256, 16), 2, 0.0, 500_000, 20 * (15 + 2048)),
    ],
)
def test_the_serial_port_carries_its_bytes(layers, images, interval_us, baud, microseconds):
    rate = figures.over_serial(layers, images, interval_us, baud)
    assert rate == pytest.approx(images * 1e6 / microseconds)


def test_a_stale_table_is_seen(kept):
    stale = readme.README.read_text().replace("LC, ", "LE, ")
    assert readme.with_table(stale, "figures", figures.shown(kept, report.kept())) != stale


@pytest.mark.parametrize("times", [0, 2])
def test_marks_must_be_there_once(times):
    text = "<!-- x: made by `make x` -->\nold\n<!-- end of x -->\n" * times
    with pytest.raises(ValueError, match="page must have the marks of make x once: <!-- x: made"):
        readme.with_table(text, "x", "new\n")


def test_the_larger_network_is_the_shipped_one(kept):
    model = models.load(figures.ROOT / "models" / f"{figures.LARGER}.npz")
    assert kept["larger"] == {
        "accuracy_int": model.info["accuracy_int"],
        "layers": list(model.topology.layers),
        "weights": model.topology.total_paths,
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
    assert routed["lc"] <= 3200
