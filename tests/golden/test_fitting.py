"""Which engines a network fits, said before it is trained, and padding to what one needs."""

import json
import re

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.boards import NAMES, load
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import fitting, model, registry
from sobolpath.golden.topology.catalogue import build
from sobolpath.golden.topology.paths import Topology
from sobolpath.golden.training import loop
from sobolpath.hw.config import CONFIGS
from sobolpath.hw.engines import learning
from tests.support.places import DIGITS


@pytest.fixture
def table(tmp_path):
    """Three classes of thirteen features."""
    random = np.random.default_rng(5)
    y = np.arange(90) % 3
    x = random.normal(size=(3, 13))[y] + random.normal(0, 0.3, (90, 13))
    path = tmp_path / "t.npz"
    np.savez(path, x_train=x[:60], y_train=y[:60], x_test=x[60:], y_test=y[60:])
    return str(path)


class TestMisfit:
    def test_it_is_what_packing_says(self):
        for name, config in CONFIGS.items():
            reason = fitting.misfit(model.load(DIGITS).topology, config)
            assert (reason is None) == (name != "tiny")
            if reason is None:
                config.image(model.load(DIGITS))
            else:
                with pytest.raises(InputError, match=re.escape(reason)):
                    config.image(model.load(DIGITS))

    @pytest.mark.parametrize(
        ("layers", "paths", "message"),
        [
            ((16, 32, 4), (256, 128), "layer 2 must have at least 8 neurons, one per lane, not 4"),
            ((4096, 16), (4096,), "the neurons of the widest layer must be at most 2048, not 4096"),
            ((4, 16, 8), (32, 32), "layer 0 must have at least 8 neurons, one per lane, not 4"),
        ],
    )
    def test_reasons(self, layers, paths, message):
        assert message in fitting.misfit(Topology(layers, paths), CONFIGS["icebreaker"])

    def test_paths_that_no_engine_runs(self):
        topology = build("fixed-fan", (16, 16), (64,), seed=0)
        assert "linear over GF(2)" in fitting.misfit(topology, CONFIGS["icebreaker"])


class TestPadded:
    @pytest.mark.parametrize("name", sorted(CONFIGS))
    @pytest.mark.parametrize(
        ("layers", "paths"),
        [((13, 30, 3), (60, 64)), ((4, 3), (4,)), ((1, 1, 1), (1, 1)), ((2, 4, 2), (8, 4))],
    )
    def test_it_fits(self, name, layers, paths):
        wide, more = fitting.padded(layers, paths, CONFIGS[name])
        assert fitting.misfit(Topology(wide, more), CONFIGS[name]) is None

    def test_what_is_large_enough_stays(self):
        sizes = (64, 128, 128, 16), (2048, 2048, 1024)
        assert fitting.padded(*sizes, CONFIGS["icebreaker"]) == sizes

    def test_classes_and_features_keep_their_paths(self):
        wide = fitting.padded((16, 32, 4), (256, 64), CONFIGS["ulx3s"])
        assert wide == ((64, 64, 16), (1024, 256))

    def test_no_more_than_there_is_room_for(self):
        """A dense network stays a dense one."""
        assert fitting.padded((4, 2), (8,), CONFIGS["icebreaker"]) == ((8, 8), (64,))
        assert fitting.padded((2, 8, 8), (16, 64), CONFIGS["ulx3s"])[1][-1] <= 64 * 16

    def test_too_few_or_too_many_paths_are_left_to_the_topology(self):
        assert fitting.padded((16, 32, 4), (256,), CONFIGS["icebreaker"])[1] == (256,)
        assert fitting.padded((16,), (), CONFIGS["icebreaker"]) == ((16,), ())


class TestEngines:
    def test_boards_are_known(self):
        found = registry.known()
        names = set(NAMES) - set(learning())  # those pack no models
        assert set(found) == {*CONFIGS, "icebreaker-paper", "ulx3s-paper"} >= names
        assert {name: load(name).config for name in names}.items() <= found.items()
        assert registry.named("upduino") is CONFIGS["icebreaker"]

    def test_unknown(self):
        with pytest.raises(
            InputError,
            match="not 'tinny'; did you mean 'tiny'",
        ):
            registry.named("tinny")

    def test_none(self, monkeypatch, table, tmp_path, capsys):
        monkeypatch.setattr(registry, "known", dict)
        assert train(table, tmp_path) == 0
        assert "fits" not in capsys.readouterr().out


def train(table, tmp_path, *more, layers="16-32-4", paths="256,128"):
    words = ["train", "--data", table, "--layers", layers, "--paths", paths, "--epochs", "3"]
    return main([*map(str, (*words, "--out", tmp_path / "m.npz", *more))])


class TestTrain:
    def test_it_is_said_before(self, table, tmp_path, capsys, monkeypatch):
        def stop(*_, **__):
            raise InputError("here")

        monkeypatch.setattr(loop, "train", stop)
        assert train(table, tmp_path) == 2
        lines = capsys.readouterr().out.splitlines()
        assert "fits        tiny" in lines
        head = "fits not    icebreaker, icebreaker-1, hx8k, tangnano9k, upduino: layer 2 must"
        start = lines.index(head)
        assert lines[start + 1] == " " * 12 + "have at least 8 neurons, one per lane, not 4"
        assert lines[-2] == " " * 12 + "--fit NAME pads the network for one of them"
        assert max(map(len, lines)) <= 80

    def test_json(self, table, tmp_path):
        assert train(table, tmp_path, "--json", tmp_path / "r.json") == 0
        result = json.loads((tmp_path / "r.json").read_text())
        assert result["fits"] == ["tiny"]
        assert set(result["misfits"]) == set(registry.known()) - {"tiny"}
        assert result["misfits"]["ulx3s"].startswith("layer 2 must have at least 16 neurons")

    @pytest.mark.parametrize(
        ("name", "layers"), [("icebreaker", (16, 32, 8)), ("orangecrab-85", (64, 64, 16))]
    )
    def test_padded(self, table, tmp_path, capsys, name, layers):
        """Also from layers that are no powers of two; the model prepares samples to the inputs."""
        assert train(table, tmp_path, "--fit", name, layers="13-30-3") == 0
        loaded = model.load(tmp_path / "m.npz")
        assert loaded.topology.layers == layers
        assert loaded.classes == 3
        assert loaded.preparation.inputs == layers[0]
        out = capsys.readouterr().out
        assert "--fit" not in out
        assert main(["eval", str(tmp_path / "m.npz"), "--data", table]) == 0
        share = f"{loaded.info['accuracy_int']:.2%}"
        assert f"integer     {share}" in capsys.readouterr().out
        assert loaded.info["accuracy_int"] > 0.7
        registry.named(name).image(loaded)

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (("--fit", "nowhere"), "the engine to fit must be one of tiny, icebreaker, "),
            (
                ("--fit", "tiny", "--layers", "16-128-4", "--paths", "256,128"),
                "the network must fit tiny: the neurons of the widest layer must be at most 64",
            ),
        ],
    )
    def test_complaints(self, table, tmp_path, capsys, more, message):
        assert train(table, tmp_path, *more) == 2
        out, err = capsys.readouterr()
        assert message in err
        assert out == ""
        assert not (tmp_path / "m.npz").exists()
