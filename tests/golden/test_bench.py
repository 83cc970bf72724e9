"""What training costs: the fit, the sizes, the turns, and the command."""

import json

import numpy as np
import pytest

from sobolpath.__main__ import main, run
from sobolpath.golden.commands import bench
from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cli
from sobolpath.golden.training import loop

TINY = ["bench", "--data", "random", "--layers", "16-8-8", "--paths", "32,16", "--batch", "4"]
TINY += ["--batches", "2", "--repeats", "2", "--sizes", "16,32,64"]


def test_a_line_is_found_again():
    slope, intercept, r_squared = bench.fit([1, 2, 4], [7, 9, 13])
    assert (slope, intercept, r_squared) == pytest.approx((2, 5, 1))
    slope, intercept, r_squared = bench.fit([0, 1, 2, 3], [0, 1, 1, 0])
    assert (slope, intercept, r_squared) == pytest.approx((0, 0.5, 0), abs=1e-9)
    assert bench.fit([1, 2, 3], [4, 4, 4])[2] == 1


def test_sizes_move_to_what_a_junction_can_have():
    layers = (1024, 256, 256, 16)
    assert bench.sized(layers, 4096) == (4096, 4096, 4096)
    assert bench.sized(layers, 65536) == (65536, 65536, 4096)
    assert bench.sized(layers, 1) == (1024, 256, 256)


def test_a_time_is_the_least_and_scales_to_an_epoch():
    timing = bench.Timing("x", 5, [3.0, 2.0, 4.0], 100, 1000)
    assert timing.per_image == 0.02
    report = timing.report()
    assert report["seconds_per_epoch"] == pytest.approx(20)
    assert report["nanoseconds_per_image"] == pytest.approx(2e7)
    assert report["timings"] == [3.0, 2.0, 4.0]


def test_networks_take_turns(monkeypatch):
    calls = []
    monkeypatch.setattr(
        loop, "train", lambda network, images, *_, **__: calls.append((network, len(images)))
    )
    samples = bench.SimpleNamespace(images=np.zeros((12, 4)), labels=np.zeros(12), classes=2)
    with cli.progress(total=4) as bar:
        seconds = bench.measure("ab", samples, loop.Recipe(batch=3), 2, bar)
        assert bar.n in (0, 4)  # 0 where it is disabled
    assert calls == [("a", 3), ("b", 3), ("a", 12), ("b", 12), ("a", 12), ("b", 12)]
    assert [len(own) for own in seconds] == [2, 2]


def test_the_command_reports_what_it_measured(tmp_path, capsys):
    path = tmp_path / "bench.json"
    assert main([*TINY, "--json", str(path)]) == 0
    out, error = capsys.readouterr()
    assert max(map(len, out.splitlines())) <= 80
    assert error == ""
    result = json.loads(path.read_text())
    assert [way["name"] for way in result["ways"]] == ["paths", "masked", "dense"]
    assert [way["weights"] for way in result["ways"]] == [48, 48, 192]
    assert [each["weights"] for each in result["line"]] == [32, 64, 128]
    for each in (*result["ways"], *result["line"]):
        assert len(each["timings"]) == 2
        assert each["seconds_per_epoch"] == pytest.approx(min(each["timings"]) / 8 * 60000)
    paths, masked, dense = (way["seconds_per_epoch"] for way in result["ways"])
    assert result["ratio_masked"] == pytest.approx(masked / paths)
    assert result["ratio_dense"] == pytest.approx(dense / paths)
    line = [(each["weights"], each["nanoseconds_per_image"]) for each in result["line"]]
    slope, intercept, r_squared = bench.fit(*zip(*line, strict=True))
    assert result["slope_ns"] == pytest.approx(slope)
    assert result["intercept_ns"] == pytest.approx(intercept)
    assert result["r_squared"] == pytest.approx(r_squared)
    slow, fast = ("Masked matrices", "paths") if masked > paths else ("Paths", "masked matrices")
    ratio = max(masked / paths, paths / masked)
    assert f"{slow} take {ratio:.2f} times as long as {fast}." in out
    assert f"{result['slope_ns']:.3f} ns a path and image" in out


def test_a_data_set_is_used_again_where_it_is_small(capsys):
    arguments = ["bench", "--data", "digits", "--layers", "64-16-16", "--paths", "64,32"]
    arguments += ["--batch", "2000", "--batches", "1", "--repeats", "1", "--sizes", "64,128,256"]
    assert main([*arguments, "--json", "-"]) == 0
    result = json.loads(capsys.readouterr().out)
    epoch, seconds = result["ways"][0]["seconds_per_epoch"], result["ways"][0]["timings"][0]
    assert 1000 < epoch / (seconds / 2000) < 1797  # images of an epoch: fewer than were trained


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--batch", "0"], "batch must be an integer from 1 to 1048576, not 0"),
        (["--batches", "0"], "batches must be an integer from 1"),
        (["--repeats", "0"], "repeats must be an integer from 1 to 1000, not 0"),
        (["--batch", "1048576"], "batch times batches must be an integer from 1 to 1048576"),
        (["--sizes", "16"], "sizes must be 3 or more different ones"),
        (["--sizes", "16,17,32"], "must be a power of two, not 17"),
        (["--sizes", "1,2,3"], "sizes must be 3 or more different ones that fit the layers, not 1"),
        (["--sizes", "a"], "--sizes must be integers joined by ','"),
        (["--paths", "32"], "3 layers need 2 path counts"),
        (["--optimizer", "x"], "optimizer must be one of adam, sgd"),
        (["--data", "digits"], "layer 0 must have 64 neurons"),
        (["--data", "x"], "data set must be one of"),
        (["--topology", "x"], "topology must be one of"),
    ],
)
def test_what_cannot_be_timed_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        run([*TINY, *options])
