"""The page's questions through the driver: to the golden twin, and to the whole simulated board."""

import pytest

from sobolpath.demo import drawing
from sobolpath.demo.answers import Networks
from sobolpath.demo.device import SIMULATED, Device, Gone, driver
from sobolpath.golden.machine import model as models
from tests.demo.strokes import DIGITS


def answers(port, sizes):
    """What the device at ``port`` says of a 7, at these numbers of paths."""
    device = Device(port)
    try:
        networks = Networks(models.load("mnist-nested"), device)
        image = drawing.image_of(drawing.strokes_of(DIGITS[7]))
        return [networks.answer(size, image).facts() for size in sizes]
    finally:
        device.close()


def test_the_twin():
    found = answers("twin:icebreaker", (16384, 512, 4096))
    assert [facts["cycles"] for facts in found] == [4665, 1121, 1593]
    assert [facts["class"] for facts in found][::2] == [7, 7]
    assert found[0]["microseconds"] == pytest.approx(4665 / 48)


@pytest.mark.slow
@pytest.mark.timeout(600)  # the first time the board is compiled
def test_the_simulated_board():
    (facts,) = answers(SIMULATED, (2048,))
    assert (facts["class"], facts["cycles"], facts["weights"]) == (7, 1313, 6144)


def test_a_port_that_is_not_there(tmp_path):
    with pytest.raises(Gone, match="nowhere"):
        Device(str(tmp_path / "nowhere")).identity()


def test_the_speed_of_the_line(monkeypatch):
    seen = []
    monkeypatch.setattr("sobolpath.host.Board.open", lambda port, **how: seen.append((port, how)))
    driver("a")
    driver("b", 500_000)
    assert seen == [("a", {}), ("b", {"baud": 500_000})]
