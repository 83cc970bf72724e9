"""The same samples in other clothes make the same model, bit for bit, and are judged alike."""

import json
import re

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.data import splits
from sobolpath.golden.data.preparation import Preparation, channels_first
from sobolpath.golden.data.reading import Reading
from sobolpath.golden.data.samples import TRAINING
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models

PARTS = ("x_train", "y_train", "x_test", "y_test")
NETWORK = ["--layers", "64-16-8", "--paths", "64,64", "--epochs", "2"]
COLOURED = ["--layers", "256-16-8", "--paths", "256,64", "--epochs", "2"]


def pictures(channels=0, seed=5):
    """Bytes of 7 x 6 pixels, 0 and 255 among them; three kinds, a bright third each."""
    random = np.random.default_rng(seed)
    y = np.arange(90) % 3
    x = random.integers(0, 120, (90, *[channels] * bool(channels), 7, 6))
    for kind in range(3):
        x[y == kind, ..., 2 * kind : 2 * kind + 2] += 100
    x[0].flat[0], x[1].flat[0] = 0, 255
    return x.astype(np.uint8), y


def four(x, y):
    return dict(zip(PARTS, (x[:60], y[:60], x[60:], y[60:]), strict=True))


def trained(tmp_path, arrays, *words, network=NETWORK):
    """The model that is trained on these arrays, and what train says in JSON."""
    np.savez(tmp_path / "d.npz", **arrays)
    out = ["--out", str(tmp_path / "m.npz"), "--json", str(tmp_path / "t.json")]
    assert main(["train", "--data", str(tmp_path / "d.npz"), *network, *words, *out]) == 0
    return models.load(tmp_path / "m.npz"), json.loads((tmp_path / "t.json").read_text())


def same(one, other):
    """Whether two models compute the same, from their floats on."""
    names = ("weights", "biases", "float_weights", "float_biases")
    pairs = [pair for n in names for pair in zip(getattr(one, n), getattr(other, n), strict=True)]
    return one.shifts == other.shifts and all(np.array_equal(a, b) for a, b in pairs)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The model of the pictures as bytes, and what was said."""
    return trained(tmp_path_factory.mktemp("plain"), four(*pictures()))


class TestNumbers:
    @pytest.mark.parametrize(
        "dtype", [np.int16, np.uint16, np.int32, np.uint64, np.float16, np.float32, np.float64]
    )
    def test_0_to_255_of_any_kind(self, plain, tmp_path, dtype):
        x, y = pictures()
        model, _ = trained(tmp_path, four(x.astype(dtype), y))
        assert same(model, plain[0])

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    @pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1)])
    def test_other_ranges(self, plain, tmp_path, dtype, low, high):
        x, y = pictures()
        x = (low + x / 255 * (high - low)).astype(dtype)
        told, _ = trained(tmp_path, four(x, y), f"--range={low},{high}")
        assert same(told, plain[0])
        assert (told.preparation.least, told.preparation.largest) == ((low,), (high,))
        found, _ = trained(tmp_path, four(x, y))
        assert same(found, plain[0])

    def test_a_range_that_the_samples_do_not_fill(self, tmp_path, plain):
        """Without the darkest and the brightest only the range that is told gives the same."""
        x, y = pictures()
        dark = four(x // 2 + 20, y)
        model, _ = trained(tmp_path, dark)
        wide, _ = trained(tmp_path, {**dark, **{n: dark[n] / 255 for n in PARTS[::2]}})
        told = {**dark, **{n: dark[n] / 255 for n in PARTS[::2]}}
        assert not same(model, wide)
        assert same(model, trained(tmp_path, told, "--range", "0,1")[0])

    @pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float64])
    def test_truth_values(self, tmp_path, dtype):
        x, y = pictures()
        model, _ = trained(tmp_path, four(x > 110, y))
        other, _ = trained(tmp_path, four((x > 110).astype(dtype), y), "--range", "0,1")
        assert same(model, other)
        assert model.preparation == other.preparation

    def test_numbers_beyond_the_range_are_told(self, tmp_path):
        x, y = pictures()
        _, said = trained(tmp_path, four(x, y), "--range", "0,100")
        (warning,) = said["warnings"]
        assert re.fullmatch(r"\d\d\.\d% of x_train is outside of --range: it is 0 to 255", warning)


class TestShapes:
    @pytest.mark.parametrize("place", [1, 3])
    def test_a_single_channel(self, plain, tmp_path, place):
        x, y = pictures()
        model, _ = trained(tmp_path, four(np.expand_dims(x, place), y))
        assert same(model, plain[0])
        assert model.preparation == plain[0].preparation

    def test_flat_pictures(self, plain, tmp_path):
        x, y = pictures()
        flat = four(x.reshape(90, 42), y)
        assert same(trained(tmp_path, flat, "--shape", "7x6")[0], plain[0])
        model, _ = trained(tmp_path, flat)  # a table: padded at its ends, not row by row
        assert not same(model, plain[0])
        assert model.preparation.shape == (42,)

    @pytest.mark.parametrize("channels", [3, 4])
    def test_channels_first_or_last(self, tmp_path, channels):
        x, y = pictures(channels)
        first, _ = trained(tmp_path, four(x, y), network=COLOURED)
        last, _ = trained(tmp_path, four(np.moveaxis(x, 1, -1), y), network=COLOURED)
        assert first.preparation.shape == last.preparation.shape == (channels, 7, 6)
        assert same(first, last)
        flat = four(np.moveaxis(x, 1, -1).reshape(90, -1), y)
        words = ["--shape", f"7x6x{channels}", "--range", "0,255"]
        told, _ = trained(tmp_path, flat, *words, network=COLOURED)
        assert same(first, told)

    def test_what_is_said_of_the_sizes(self, tmp_path, capsys):
        trained(tmp_path, four(*pictures()))
        assert "sizes       7x6 padded to 8x8, 3 classes padded to 8 outputs\n" in (
            capsys.readouterr().out
        )
        trained(tmp_path, four(*pictures(3)), network=COLOURED)
        assert "sizes       3x7x6 padded to 4x8x8, 3 cl" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("own", "other"),
        [
            ((7, 6), (1, 7, 6)),
            ((7, 6), (7, 6, 1)),
            ((1, 7, 6), (7, 6)),
            ((7, 6), (42,)),
            ((42,), (7, 6)),
            ((3, 7, 6), (7, 6, 3)),
            ((7, 6, 4), (4, 7, 6)),
            ((3, 3, 3), (3, 3, 3)),
        ],
    )
    def test_samples_for_a_model(self, own, other):
        """A model takes them in every form, whatever it was trained on."""
        size = int(np.prod(own))
        samples = np.arange(2 * size).reshape(2, *own)
        moved = samples
        if sorted(own) == sorted(other) and own != other:
            moved = np.moveaxis(samples, *((1, -1) if own[0] in (3, 4) else (-1, 1)))
        moved = moved.reshape(2, *other)
        preparation = Preparation(own, (0.0,), (100.0,))
        assert np.array_equal(preparation.apply(moved), preparation.apply(samples))

    @pytest.mark.parametrize(
        ("own", "other"),
        [
            ((7, 6), (6, 7)),
            ((3, 7, 6), (126,)),
            ((5, 7, 6), (7, 6, 5)),
            ((12,), (3, 2, 2)),
            ((4,), ()),
        ],
    )
    def test_samples_of_another_form(self, own, other):
        with pytest.raises(InputError, match=f"must be of {'x'.join(map(str, own))} numbers, not"):
            Preparation(own, (0.0,), (1.0,)).apply(np.zeros((2, *other)))

    def test_channels(self):
        for shape, wanted in [
            ((2, 8, 8, 3), (2, 3, 8, 8)),
            ((2, 3, 8, 8), (2, 3, 8, 8)),
            ((2, 3, 8, 3), (2, 3, 8, 3)),
            ((2, 8, 8, 2), (2, 8, 8, 2)),
            ((2, 8, 3), (2, 8, 3)),
            ((2, 1, 8, 3), (2, 8, 3)),
        ]:
            assert channels_first(np.zeros(shape)).shape == wanted


class TestLabels:
    NAMES = np.array(["a", "b", "c"])

    @pytest.mark.parametrize(
        ("clothes", "names"),
        [
            (lambda y: y.astype(np.uint8), None),
            (lambda y: y[:, None], None),
            (lambda y: y.astype(np.float32), None),
            (lambda y: y.astype("U1"), None),
            (lambda y: np.eye(3, dtype=np.float32)[y], None),
            (lambda y: np.eye(3, dtype=bool)[y], None),
            (lambda y: y + 1, [1, 2, 3]),
            (lambda y: (y + 1.0)[:, None], [1, 2, 3]),
            (lambda y: y - 1, [-1, 0, 1]),
            (lambda y: 10 * y, [0, 10, 20]),
            (lambda y: TestLabels.NAMES[y], ["a", "b", "c"]),
            (lambda y: TestLabels.NAMES[y].astype("S"), ["a", "b", "c"]),
        ],
    )
    def test_clothes(self, plain, tmp_path, clothes, names):
        x, y = pictures()
        model, said = trained(tmp_path, four(x, clothes(y)))
        assert same(model, plain[0])
        assert model.info.get("labels") == names == said["labels"]
        words = ["eval", str(tmp_path / "m.npz"), "--data", str(tmp_path / "d.npz")]
        assert main([*words, "--json", str(tmp_path / "e.json")]) == 0
        found = json.loads((tmp_path / "e.json").read_text())
        assert found["accuracy_int"] == plain[1]["accuracy_int"]

    def test_truth_values(self, tmp_path):
        x, y = pictures()
        models_of = [trained(tmp_path, four(x, form))[0] for form in (y > 0, (y > 0) * 2 - 1)]
        assert same(*models_of)

    def test_what_numbers_are_called_stands_in_the_file(self, plain, tmp_path):
        x, y = pictures()
        called = np.array(["old", "new", "blue"])
        model, _ = trained(tmp_path, {**four(x, y), "target_names": called})
        assert same(model, plain[0])
        assert model.info["labels"] == called.tolist()
        path = str(tmp_path / "d.npz")
        for labels in (y, called[y], np.eye(3)[y]):
            np.savez(path, **four(x, labels))
            assert np.array_equal(data.load_for(model, path).y_test, y[60:])
        order = np.array(["new", "old", "blue"])  # other numbers for the same names
        np.savez(path, **four(x, np.array([1, 0, 2])[y]), class_names=order)
        assert np.array_equal(data.load_for(model, path).y_test, y[60:])

    def test_names_that_are_none(self, tmp_path):
        x, y = pictures()
        for names in (np.arange(3), np.array(["a"]), np.array([["a", "b", "c"]])):
            model, _ = trained(tmp_path, {**four(x, y), "classes": names})
            assert "labels" not in model.info
        np.savez(tmp_path / "d.npz", **four(x, y), classes=np.array(["a", "a", "b"]))
        with pytest.raises(InputError, match="classes must be different names, one a class"):
            data.load(str(tmp_path / "d.npz"))

    def test_a_class_that_is_missing_is_told(self, tmp_path):
        x, y = pictures()
        _, said = trained(tmp_path, four(x, np.array([0, 1, 3])[y]))
        assert said["warnings"] == ["no training sample has the label 2, of 0 to 3"]


class TestSplit:
    def test_x_and_y_alone(self, tmp_path, capsys):
        x, y = pictures()
        model, said = trained(tmp_path, {"X": x, "y": y}, "--seed", "3")
        assert "split       72 samples to train with, 18 held out by seed 3\n" in (
            capsys.readouterr().out
        )
        train, test = splits.stratified(x, y, None, 0.2, 3)
        assert np.bincount(y[test]).tolist() == [6, 6, 6]
        assert sorted([*train, *test]) == list(range(90))
        parts = dict(zip(PARTS, (x[train], y[train], x[test], y[test]), strict=True))
        other, whole = trained(tmp_path, parts, "--seed", "3")
        assert same(model, other)
        assert said["accuracy_int"] == whole["accuracy_int"]

    @pytest.mark.parametrize("pair", TRAINING[3:])
    def test_names_of_fields(self, tmp_path, pair):
        x, y = pictures()
        np.savez(tmp_path / "d.npz", **dict(zip(pair, (x, y), strict=True)))
        assert len(data.load(str(tmp_path / "d.npz")).x_test) == 18

    @pytest.mark.parametrize(
        "names",
        [
            ("X_train", "Y_train", "X_test", "Y_test"),
            ("train_images", "train_labels", "test_images", "test_labels"),
        ],
    )
    def test_names_of_four_fields(self, tmp_path, names):
        x, y = pictures()
        arrays = four(x, y[:, None]).values()
        np.savez(tmp_path / "d.npz", **dict(zip(names, arrays, strict=True)), val_images=x)
        assert np.array_equal(data.load(str(tmp_path / "d.npz")).y_test, y[60:])

    def test_the_share(self, tmp_path):
        x, y = pictures()
        np.savez(tmp_path / "d.npz", x=x, y=y)
        for share, held in ((0.5, 45), (0.001, 3), (0.999, 87)):
            found = data.load(str(tmp_path / "d.npz"), reading=Reading(held_out=share))
            assert (len(found.x_train), len(found.x_test)) == (90 - held, held)

    def test_a_file_of_held_out_samples(self, tmp_path, plain):
        x, y = pictures()
        np.savez(tmp_path / "e.npz", x=x[60:], y=y[60:])
        alone = {"x": x[:60], "y": y[:60]}
        model, said = trained(tmp_path, alone, "--test", str(tmp_path / "e.npz"))
        assert same(model, plain[0])
        assert said["accuracy_int"] == plain[1]["accuracy_int"]

    def test_eval_holds_out_what_train_did(self, tmp_path, capsys):
        """The same samples, in whatever clothes; of others all are judged."""
        x, y = pictures()
        path, words = tmp_path / "d.npz", ["--seed", "7", "--held-out", "0.3"]
        model, _ = trained(tmp_path, {"x": x, "y": y}, *words)
        for samples in (x, x.astype(np.float32), x[..., None]):
            np.savez(path, data=samples, target=y)
            found = data.load_for(model, str(path))
            assert (len(found.x_train), len(found.x_test), found.judged) == (63, 27, "held-out")
        np.savez(path, x=x[:80], y=y[:80])
        found = data.load_for(model, str(path))
        assert (len(found.x_train), len(found.x_test), found.judged) == (0, 80, "given")
        assert found.facts == (("split", "all 80 samples are judged"),)
        assert main(["eval", str(tmp_path / "m.npz"), "--data", str(path)]) == 0
        assert " of 80 given images\n" in capsys.readouterr().out

    def test_training_that_goes_on_holds_out_the_same(self, tmp_path):
        x, y = pictures()
        first, _ = trained(tmp_path, {"x": x, "y": y}, "--seed", "7")
        first.save(tmp_path / "first.npz")
        words = ["--seed", "8", "--extend", str(tmp_path / "first.npz")]
        second, _ = trained(tmp_path, {"x": x, "y": y}, *words)
        assert second.info["origin"] == first.info["origin"]
        third, _ = trained(tmp_path, {"x": x[1:], "y": y[1:]}, *words)
        assert third.info["origin"]["seed"] == 8

    def test_the_samples_that_a_model_was_trained_on(self, tmp_path):
        x, y = pictures()
        np.savez(tmp_path / "e.npz", x=x[60:], y=y[60:])
        model, _ = trained(tmp_path, {"x": x[:60], "y": y[:60]}, "--test", str(tmp_path / "e.npz"))
        path = str(tmp_path / "d.npz")
        with pytest.raises(InputError, match="--test must be given as before: the model was tr"):
            data.load_for(model, path, reading=Reading())
        again = data.load_for(model, path, reading=Reading(test=str(tmp_path / "e.npz")))
        assert len(again.x_train) == 60
        found = data.load_for(model, path)
        assert found.warnings[0] == "these are the samples that the model was trained on"
        assert "trained on" not in str(data.load_for(model, str(tmp_path / "e.npz")).warnings)

    def test_a_few_samples_to_judge(self, tmp_path, plain):
        """Not all classes need be among them, one sample will do."""
        x, y = pictures()
        np.savez(tmp_path / "d.npz", x=x[61:62], y=y[61:62])
        found = data.load_for(plain[0], str(tmp_path / "d.npz"))
        assert (found.classes, found.y_test.tolist()) == (3, [1])

    @pytest.mark.parametrize(
        ("arrays", "words", "message"),
        [
            ({"y": np.arange(90)}, [], "must have 2 samples or more, so that one is held out, but"),
            ({"y": np.array([*"ab" * 44, "a", "z"])}, [], "held out, but 'z' has 1 (--test FILE"),
            ({"y": np.zeros(90)}, [], "labels must be of 2 or more classes, but all are 0"),
            ({"y": np.full(90, "a")}, [], "labels must be of 2 or more classes, but all are a"),
            ({"y": np.arange(3)}, [], "y must be the labels of 90 samples, not (3,)"),
            ({"x": np.zeros((0, 7, 6))}, [], "x must be (samples, ...), not (0, 7, 6)"),
            ({"x": None}, [], "must have the fields x, y, but x is missing"),
            ({"y": None}, [], "must have the fields x, y, but y is missing"),
            (
                {"y_test": np.zeros(3)},
                [],
                "fields x_train, y_train, x_test, y_test, but x_train",
            ),
            ({}, ["--held-out", "1"], "--held-out must be between 0 and 1, not 1"),
            ({}, ["--held-out", "nan"], "--held-out must be between 0 and 1, not nan"),
            ({}, ["--held-out", "0.1", "--test", "a"], "--held-out must be left out with --tes"),
            ({}, ["--test", "a.txt"], "a.txt: must be a file named .npz, .csv or .tsv"),
            (
                {},
                ["--range", "1,0"],
                "--range must be two finite numbers, the lower first, not 1",
            ),
            ({}, ["--range", "0,inf"], "--range must be two finite numbers, the lower first, not"),
            ({}, ["--range", "1"], "--range must be two numbers LOW,HIGH, not '1'"),
            ({}, ["--range", "a,b"], "--range must be numbers joined by ',', not 'a,b'"),
            (
                {},
                ["--range", "0,1", "--scaling", "common"],
                "--scaling must be left out with --",
            ),
            ({}, ["--shape", "7x7"], "--shape must be of the samples' 7x6 numbers, not 7x7"),
            ({}, ["--shape", "7x0"], "--shape must be sizes of at least 1, not 7x0"),
            ({}, ["--shape", "7-6"], "--shape must be integers joined by 'x', not '7-6'"),
        ],
    )
    def test_complaints(self, tmp_path, capsys, arrays, words, message):
        x, y = pictures()
        arrays = {name: a for name, a in {"x": x, "y": y, **arrays}.items() if a is not None}
        np.savez(tmp_path / "d.npz", **arrays)
        out = tmp_path / "m.npz"
        line = ["train", "--data", str(tmp_path / "d.npz"), *NETWORK, *words, "--out", str(out)]
        assert main(line) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
        assert not out.exists()

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (
                ["--held-out", "0.1"],
                "--held-out must be left out: {} has held-out samples of its",
            ),
            (["--test", "{}"], "--test must be left out: {} has held-out samples of its own"),
        ],
    )
    def test_a_file_with_held_out_samples(self, tmp_path, capsys, words, message):
        path = str(tmp_path / "d.npz")
        np.savez(path, **four(*pictures()))
        words = [word.format(path) for word in words]
        assert main(["train", "--data", path, *NETWORK, *words, "--out", f"{tmp_path}/m.npz"]) == 2
        assert message.format(path) in capsys.readouterr().err

    @pytest.mark.parametrize(
        "words", [["--range", "0,1"], ["--held-out", "0.5"], ["--test", "a"], ["--shape", "8x8"]]
    )
    def test_a_set_by_name_has_all_that(self, tmp_path, capsys, words):
        line = ["train", "--data", "digits", *NETWORK, *words, "--out", str(tmp_path / "m.npz")]
        assert main(line) == 2
        wanted = f"error: {words[0]} must be left out: digits is no file of yours\n"
        assert capsys.readouterr().err == wanted

    def test_a_model_has_its_range(self, plain, tmp_path, capsys):
        plain[0].save(tmp_path / "a.npz")
        np.savez(tmp_path / "d.npz", **four(*pictures()))
        line = ["train", "--data", str(tmp_path / "d.npz"), *NETWORK, "--range", "0,1"]
        line += ["--extend", str(tmp_path / "a.npz"), "--out", str(tmp_path / "m.npz")]
        assert main(line) == 2
        assert "--range must be left out: the model has it\n" in capsys.readouterr().err
