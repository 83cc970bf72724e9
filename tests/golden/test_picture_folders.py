"""A folder of pictures for each class: the same model as of the arrays of their pixels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.data import pictures
from sobolpath.golden.data.reading import Reading
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from tests.golden.test_forms import COLOURED, NETWORK, same
from tests.golden.test_forms import pictures as bytes_of

CLASSES = ("elm", "fir", "oak")


def save(folder, x, y, names=CLASSES):
    """A PNG of each sample, in the folder of its class; grey, or with channels behind."""
    for number, (pixels, kind) in enumerate(zip(x, y, strict=True)):
        place = folder / names[kind]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number:03}.png")
    return str(folder)


def in_order(channels=0):
    """Pixels and classes, class by class, as a folder has them; channels behind."""
    x, y = bytes_of(channels)
    order = np.argsort(y, kind="stable")
    x = np.moveaxis(x, 1, -1) if channels else x
    return np.ascontiguousarray(x[order]), y[order]


def trained(tmp_path, path, network, name="m.npz", *words):
    out = tmp_path / name
    assert main(["train", "--data", str(path), *network, *words, "--out", str(out)]) == 0
    return models.load(out)


@pytest.mark.parametrize(("channels", "network"), [(0, NETWORK), (3, COLOURED)])
class TestTrain:
    def test_as_arrays(self, tmp_path, capsys, channels, network):
        x, y = in_order(channels)
        folder = save(tmp_path / "set", x, y)
        (tmp_path / "set" / "notes.txt").write_text("no picture")
        (tmp_path / "set" / ".cache").mkdir()
        np.savez(tmp_path / "d.npz", x=x, y=np.array(CLASSES)[y])
        model = trained(tmp_path, folder, network)
        kind = "coloured" if channels else "grey"
        assert f"pictures    90 {kind} of 7x6 pixels\n" in capsys.readouterr().out
        other = trained(tmp_path, tmp_path / "d.npz", network, "a.npz")
        assert same(model, other)
        assert model.preparation == other.preparation
        assert model.info["labels"] == list(CLASSES)
        for path in (folder, str(tmp_path / "d.npz")):
            assert len(data.load_for(model, path).x_test) == 18

    def test_held_out_pictures(self, tmp_path, channels, network):
        x, y = in_order(channels)
        for part, which in (("train", slice(0, None, 2)), ("test", slice(1, None, 2))):
            save(tmp_path / "set" / part, x[which], y[which])
        found = data.load(str(tmp_path / "set"))
        assert (len(found.x_train), len(found.x_test)) == (45, 45)
        assert np.array_equal(found.y_test, y[1::2])
        apart = data.load(
            str(tmp_path / "set" / "train"), reading=Reading(test=str(tmp_path / "set" / "test"))
        )
        assert np.array_equal(apart.x_test, found.x_test)
        assert network


class TestSizes:
    def test_all_of_one_size(self, tmp_path):
        x, y = in_order()
        double = x.repeat(2, axis=1).repeat(2, axis=2)
        folder = save(tmp_path / "set", [*x[:60], *double[60:]], y)
        with pytest.raises(
            InputError, match=r"oak/060\.png: must be of 7x6 pixels as the others, "
        ):
            data.load(folder)
        found = data.load(folder, reading=Reading(shape=(7, 6)))
        plain = data.load(save(tmp_path / "plain", x, y))
        assert np.array_equal(found.x_train, plain.x_train)

    def test_a_model_has_its_size_and_colours(self, tmp_path):
        x, y = in_order()
        model = trained(tmp_path, save(tmp_path / "set", x, y), NETWORK)
        colours = np.repeat(x[:9, :, :, None], 3, axis=3).repeat(2, axis=1).repeat(2, axis=2)
        found = data.load_for(model, save(tmp_path / "new", colours, y[:9]))
        assert np.array_equal(found.x_test, model.preparation.apply(x[:9]))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("7x6x3", "--shape must be rows and columns of pictures, not 7x6x3"),
        (None, "set: must have a folder of pictures (PNG or JPEG) for each class"),
    ],
)
def test_complaints(tmp_path, capsys, shape, message):
    folder = tmp_path / "set"
    folder.mkdir()
    if shape:
        save(folder, *in_order())
    words = ["--shape", shape] if shape else []
    line = ["train", "--data", str(folder), *NETWORK, *words, "--out", str(tmp_path / "m.npz")]
    assert main(line) == 2
    assert message in (error := capsys.readouterr().err)
    assert error.count("\n") == 1


def test_files_that_are_no_pictures(tmp_path, monkeypatch):
    folder = save(tmp_path / "set", *in_order())
    monkeypatch.setattr(pictures, "MOST", 90 * 42 - 1)
    with pytest.raises(InputError, match="must have pictures of at most 3779 bytes: --shape makes"):
        data.load(folder)
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"--label must be left out: .* has no columns"):
        data.load(folder, reading=Reading(label="a"))
    file = Path(folder) / "elm" / "000.png"
    whole = file.read_bytes()
    for content in (b"", b"text", whole[:50]):
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"000\.png: must be a whole picture \(PNG or JPEG\)"):
            data.load(folder)
