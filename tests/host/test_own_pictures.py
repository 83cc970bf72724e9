"""A picture for a model of one's own images is prepared as those were, whatever their form."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from sobolpath.__main__ import main
from sobolpath.golden.data.background import background, border
from sobolpath.golden.data.preparation import Preparation
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.topology.paths import Topology
from sobolpath.host.commands import pictures
from tests.support.networks import random_model

RANDOM = np.random.default_rng(4)
COLOUR = RANDOM.integers(0, 256, (7, 6, 4), np.uint8)
GREY = COLOUR[..., 0] // 3  # its border is dark
ROUNDED = {"bytes": (0.0, 255.0), "unit": (0.0, 1.0), "signed": (-1.0, 1.0)}


def save(path, pixels):
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(("low", "high"), ROUNDED.values(), ids=ROUNDED)
class TestForms:
    @pytest.mark.parametrize("channels", [3, 4])
    def test_colour(self, tmp_path, channels, low, high):
        pixels = COLOUR[..., :channels]
        path = save(tmp_path / "x.png", pixels)
        bytes_of = Preparation.of_bytes((channels, 7, 6)).apply(np.moveaxis(pixels, -1, 0)[None])
        for shape in ((channels, 7, 6), (7, 6, channels)):
            own = Preparation(shape, (low,), (high,))
            sample, said = pictures.sample(path, own)
            assert (sample.shape, said) == ((1, *shape), "")
            if shape[0] == channels:
                assert np.array_equal(own.apply(sample), bytes_of)

    @pytest.mark.parametrize("shape", [(7, 6), (1, 7, 6), (7, 6, 1)])
    def test_grey(self, tmp_path, shape, low, high):
        own = Preparation(shape, (low,), (high,))
        sample, said = pictures.sample(save(tmp_path / "x.png", GREY), own)
        wanted = Preparation.of_bytes((7, 6)).apply(GREY[None])
        assert (sample.shape, said) == ((1, *shape), "")
        assert np.array_equal(own.apply(sample), wanted)


class TestBackground:
    @pytest.mark.parametrize(
        ("drawn", "pixels", "changed"),
        [
            ("dark", GREY, False),
            ("dark", 255 - GREY, True),
            ("bright", GREY, True),
            ("bright", 255 - GREY, False),
            (None, GREY, False),
            (None, 255 - GREY, False),
        ],
    )
    def test_dark_and_bright(self, tmp_path, drawn, pixels, changed):
        own = Preparation.of_bytes((7, 6))
        sample, said = pictures.sample(save(tmp_path / "x.png", pixels), own, drawn)
        assert np.array_equal(sample[0], 255 - pixels if changed else pixels)
        was = "bright" if pixels is not GREY else "dark"
        wanted = f"dark and bright changed places, as its border is {was}" if changed else ""
        assert said == wanted

    def test_colours_stay(self, tmp_path):
        own = Preparation.of_bytes((3, 7, 6))
        white = np.full((7, 6, 3), 255, np.uint8)
        assert pictures.sample(save(tmp_path / "x.png", white), own)[0].min() == 255

    def test_of_images(self):
        dark, bright = GREY, 255 - GREY
        assert (border(dark), border(bright)) == ("dark", "bright")
        assert background([dark] * 9 + [bright]) == "dark"
        assert background([bright] * 9 + [dark]) == "bright"
        assert background([dark] * 8 + [bright] * 2) is None
        assert background([dark / 255, bright / 255] * 5, 0.5) is None

    @pytest.mark.parametrize("bright", [False, True])
    def test_the_model_file_keeps_it(self, tmp_path, bright):
        """Images on white paper: a picture on white paper is taken as it is."""
        y = np.arange(40) % 2
        x = np.where(RANDOM.random((40, 8, 8)) < 0.3, 60 * y[:, None, None], 255).astype(np.uint8)
        x[:, [0, -1]], x[..., [0, -1]] = 255, 255
        x = x if bright else 255 - x
        np.savez(tmp_path / "d.npz", x=x, y=y)
        words = ["--layers", "64-16-16", "--paths", "64,32", "--epochs", "1"]
        out = ["--out", str(tmp_path / "m.npz")]
        assert main(["train", "--data", str(tmp_path / "d.npz"), *words, *out]) == 0
        model = models.load(tmp_path / "m.npz")
        assert model.info["origin"]["background"] == ("bright" if bright else "dark")
        save(tmp_path / "x.png", x[3])
        line = ["host", "classify", str(tmp_path / "x.png"), "--port", "twin:tiny"]
        assert main([*line, "--model", str(tmp_path / "m.npz")]) == 0


class TestSamples:
    def test_a_sample_in_other_forms(self, tmp_path):
        own = Preparation((3, 7, 6), (0.0,), (255.0,))
        first = np.moveaxis(COLOUR[..., :3], -1, 0)
        for form in (first, first[None], COLOUR[..., :3]):
            np.save(tmp_path / "x.npy", form)
            assert np.array_equal(pictures.sample(tmp_path / "x.npy", own)[0], first[None])

    @pytest.mark.parametrize("shape", [(2, 7, 6), (5,), (2, 2, 2, 2)])
    def test_no_picture(self, tmp_path, shape):
        save(tmp_path / "x.png", GREY)
        sizes = "x".join(map(str, shape))
        with pytest.raises(InputError, match=f"samples are no pictures, but {sizes} numbers"):
            pictures.sample(tmp_path / "x.png", Preparation(shape, (0.0,), (1.0,)))

    def test_infer_takes_any_form(self, tmp_path):
        """Channels last, for a model of channels first: the same logits."""
        model = random_model(np.random.default_rng(1), Topology((256, 16), (256,)))
        model = replace(model, preparation=Preparation((3, 7, 6), (0.0,), (255.0,)))
        model.save(tmp_path / "m.npz")
        found = []
        for form in (np.moveaxis(COLOUR[..., :3], -1, 0), COLOUR[..., :3]):
            np.save(tmp_path / "x.npy", form[None])
            line = ["host", "infer", str(tmp_path / "x.npy"), "--out", str(tmp_path / "o.npy")]
            line += ["--port", "twin:icebreaker", "--model", str(tmp_path / "m.npz")]
            assert main(line) == 0
            found.append(np.load(tmp_path / "o.npy"))
        assert np.array_equal(*found)
