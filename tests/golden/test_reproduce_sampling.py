"""The reproduction of sampling a dense network: its networks, its figures, what it writes."""

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden.reproduce import sampling_dense, trials
from sobolpath.golden.training import sampling

OPTIONS = SimpleNamespace(data="digits", images=200, epochs=15, seeds=1, seed=0)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(sampling_dense, "HIDDEN", (24, 16))
    monkeypatch.setattr(sampling_dense, "PATHS", (64, 16384))
    monkeypatch.setattr(sampling_dense, "SAMPLES", (2, 256))


def test_inputs_that_are_always_0_have_no_edges(small):
    dataset = trials.load(OPTIONS)
    seen = dataset.x_train.any(axis=0)
    assert 40 < seen.sum() < 64
    network, accuracy = sampling_dense.whole(dataset, OPTIONS, 0)
    assert network.topology.layers == (64, 24, 16, 10)
    assert network.edges == [24 * seen.sum(), 24 * 16, 160]
    assert (network.matrices[0][:, ~seen] == 0).all()
    assert accuracy == trials.float_accuracy(network, dataset) > 0.5


def test_ways_keep_what_they_say(small):
    network, _ = sampling_dense.whole(trials.load(OPTIONS), OPTIONS, 0)
    kept = sampling_dense.by_edges(network, 64, 0)
    assert tuple(kept) == sampling_dense.EDGES
    assert kept["as they are"].edges == kept["rescaled, sobol"].edges == kept["largest"].edges
    masks = [visits > 0 for visits in sampling.trace(network, 64)]
    for own, mask, all_ in zip(kept["as they are"].matrices, masks, network.matrices, strict=True):
        np.testing.assert_array_equal(own, all_ * mask)
    assert kept["rescaled, random"].edges != kept["rescaled, sobol"].edges
    signs = sampling_dense.by_signs(network, 8, 0)
    assert tuple(signs) == sampling_dense.SIGNS
    assert signs["ternary"].edges == signs["counts, sobol"].edges
    for matrix in signs["ternary"].matrices:
        assert all(len(np.unique(np.abs(row[row != 0]))) == 1 for row in matrix)


def test_rows_are_means_over_seeds(small):
    both = sampling_dense.rows(SimpleNamespace(**{**vars(OPTIONS), "seeds": 2}))
    apart = [
        sampling_dense.rows(SimpleNamespace(**{**vars(OPTIONS), "seed": seed})) for seed in (0, 1)
    ]
    assert len(both) == len(apart[0]) == 1 + 2 * 4 + 2 * 3
    for row, *own in zip(both, *apart, strict=True):
        for key in ("share", "accuracy"):
            assert row[key] == pytest.approx(np.mean([one[key] for one in own]))
        assert row["deviation"] == pytest.approx(np.std([one["accuracy"] for one in own], ddof=1))
        assert all(one["deviation"] is None for one in own)
    assert apart[0] != apart[1]


def test_the_summary_is_the_least_share_within_a_point():
    rows = [
        {"way": "whole", "size": 0, "share": 1.0, "accuracy": 0.9},
        {"way": "largest", "size": 1, "share": 0.1, "accuracy": 0.8899},
        {"way": "largest", "size": 2, "share": 0.2, "accuracy": 0.8901},
        {"way": "largest", "size": 4, "share": 0.4, "accuracy": 0.91},
        {"way": "counts, sobol", "size": 1, "share": 0.5, "accuracy": 0.1},
    ]
    assert sampling_dense.summary(rows) == {
        "accuracy of the whole network": 0.9,
        "share of the edges within a point of it, largest": 0.2,
    }


def test_the_command_writes_what_the_rows_say(small, tmp_path, capsys):
    arguments = ["reproduce", "sampling-dense", "--csv", str(tmp_path / "sampling-dense.csv")]
    arguments += ["--plot", str(tmp_path / "sampling-dense.png")]
    arguments += ["--images", "200", "--epochs", "15", "--seeds", "1"]
    assert main([*arguments, "--json", str(tmp_path / "r.json")]) == 0
    out, error = capsys.readouterr()
    assert error == ""
    assert all(len(line) <= 80 for line in out.splitlines() if not line.startswith("wrote "))
    result = json.loads((tmp_path / "r.json").read_text())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "sampling-dense.csv").read_text())))
    assert [row["way"] for row in rows] == [row["way"] for row in result["rows"]]
    assert len((tmp_path / "sampling-dense.png").read_bytes()) > 5000
    found = {(row["way"], row["size"]): row for row in result["rows"]}
    # Nearly all edges are kept by so many paths, few by few; and the accuracies follow.
    assert found["rescaled, sobol", 16384]["share"] > 0.9
    assert found["rescaled, sobol", 64]["share"] < 0.2
    top = found["whole", 0]["accuracy"]
    assert result["findings"]["accuracy of the whole network"] == top
    assert found["rescaled, sobol", 16384]["accuracy"] == pytest.approx(top, abs=0.02)
    assert found["counts, sobol", 256]["accuracy"] == pytest.approx(top, abs=0.03)
    assert found["rescaled, sobol", 64]["accuracy"] < top - 0.1
    line = next(line for line in out.splitlines() if line.startswith("paths") and " 64 " in line)
    assert f"{found['largest', 64]['accuracy']:.2%}" in line
