"""Damaged sessions end with the right logits or an exception; docs/faults.json has all of them."""

import json

import numpy as np
import pytest

from scripts import faults, readme
from sobolpath.golden.protocol.device import Device
from sobolpath.host import inference
from tests.support.faulty import BYTES, EVENTS, IN, LIMIT, OUT, Fault, Faulty, Hangs

KEPT = json.loads(faults.JSON.read_text())


def test_some_of_every_kind():
    rows = faults.measure(seed=3, every=23)
    assert [row["what"] for row in rows[:-1]] == [row["what"] for row in KEPT["rows"][:-1]]
    for row, kept in zip(rows, KEPT["rows"], strict=True):
        assert row["wrong"] == row["hangs"] == 0, row
        assert row["sessions"] >= kept["sessions"] // 23
        assert row["right"] == 0 or row["what"] != faults.WHAT["unplug"]
    assert sum(row["right"] for row in rows) > 500


def test_every_place_was_damaged():
    counts = faults.lengths()
    for row in KEPT["rows"]:
        assert row["wrong"] == row["hangs"] == 0
        assert row["sessions"] == sum(row[end] for end in faults.ENDS)
        if row["direction"] in counts and "random bytes" not in row["what"]:
            times = 8 if row["what"] == faults.WHAT["flip"] else 1
            assert row["sessions"] == times * counts[row["direction"]]
    assert len(KEPT["rows"]) == 2 * (len(BYTES) + len(EVENTS) + 3) - 2 + len(faults.NOISE) + 1


def test_the_table_is_that_of_the_figures():
    page = readme.PAGES["faults"].read_text()
    assert readme.with_table(page, "faults", faults.table(KEPT["rows"]) + "\n") == page


@pytest.mark.parametrize("kind", [*BYTES, *EVENTS])
def test_a_fault_is_one(kind):
    """Each damages what it is to damage: a session without repetitions does not end well."""
    fault = Fault(IN, 6, kind, {"delay": 1.0, "replace": 255}.get(kind, 2))
    ends = []
    for retries in (0, 3):
        link = Faulty(Device(faults.IDENTITY), fault)
        ends.append(faults.session(link, retries=retries))
        assert link.hits == 1
    assert ends == ["raised", "raised" if kind == "unplug" else "right"]


def test_without_the_last_question_logits_are_wrong(monkeypatch):
    """The device is reset in the middle of a batch and boots another network."""
    counts, ends = faults.lengths(), []
    true = inference.holds
    for believe in (False, True):
        monkeypatch.setattr(inference, "holds", lambda *a, b=believe: b or true(*a))
        for place in range(counts[OUT] - 90, counts[OUT]):
            link = Faulty(faults.device(flash=True), Fault(OUT, place, "reset"))
            ends.append((believe, faults.session(link)))
    assert {end for believe, end in ends if not believe} == {"right"}
    assert (True, "wrong") in ends


def test_a_session_that_hangs_is_seen():
    link = Faulty(Device(faults.IDENTITY))
    for _ in range(LIMIT):
        assert link.read(1, 0.0) == b""
    with pytest.raises(Hangs):
        link.read(1, 0.0)


def test_the_images_are_an_odd_number():
    _, other, images, expected = faults.networks()
    assert len(images) % faults.IDENTITY.images == 1
    assert other.topology.layers[0] == images.shape[1]
    assert np.ptp(expected) > 0
