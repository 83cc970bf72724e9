"""Data sets from files: each format, every way to find one, every complaint.

The files are small ones made here. :func:`test_the_real_ones` also loads whichever of the real sets
are there (CI has them beside the checkout) and checks them; where none is, it has nothing to do.
"""

import gzip
import re
import shutil
import zipfile

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.data import fetching, files, sets
from sobolpath.golden.data.preparation import Preparation
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.sim.run.measure import held_out
from tests.support.places import DIGITS
from tests.support.samples import COUNT, FILES, INPUTS, empty_folder, fields, labels, save, save_idx

__all__ = ["empty_folder"]
pytestmark = pytest.mark.usefixtures("folder")


class TestFormats:
    @pytest.mark.parametrize("name", sorted(FILES))
    def test_shapes(self, folder, name):
        save(folder, name)
        loaded = data.load(name)
        assert loaded.name == name
        assert loaded.inputs == INPUTS[name]
        assert loaded.classes == {"mitbih": 5, "morse": 64}.get(name, 10)
        train, held = {"mitbih": (10, 5), "fsdd": (10, 10), "morse": (128, 9)}.get(name, (20, 5))
        assert (len(loaded.x_train), len(loaded.x_test)) == (train, held)

    @pytest.mark.parametrize("name", ["mnist", "fashion"])
    @pytest.mark.parametrize("packed", [False, True])
    def test_idx(self, folder, name, packed):
        save_idx(folder / name, packed)
        loaded, own = data.load(name), fields("mnist")
        square = loaded.x_train.reshape(-1, 32, 32)
        assert np.array_equal(square[:, 2:-2, 2:-2], own["x_train"])
        assert np.count_nonzero(square) == np.count_nonzero(own["x_train"])
        assert np.array_equal(loaded.y_test, own["y_test"])

    def test_images_may_be_flat(self, folder):
        own = fields("mnist")
        flat = {f"x_{p}": own[f"x_{p}"].reshape(-1, 784) for p in ("train", "test")}
        save(folder, "mnist", **flat)
        square = data.load("mnist").x_train.reshape(-1, 32, 32)
        assert np.array_equal(square[:, 2:-2, 2:-2], own["x_train"])

    def test_beats_are_split_by_patient(self, folder):
        own = fields("mitbih")
        save(folder, "mitbih")
        loaded = data.load("mitbih")
        assert loaded.y_train.tolist() == own["y"][np.isin(own["record"], own["ds1"])].tolist()
        assert loaded.y_test.tolist() == own["y"][own["record"] == 100].tolist()
        assert loaded.groups.tolist() == [101] * 5 + [106] * 5

    def test_neither_offset_nor_gain_of_a_beat_matters(self, folder):
        save(folder, "mitbih")
        before, own = data.load("mitbih"), fields("mitbih")
        moved = 3 * own["x"].astype(np.int32) + 1000 * np.arange(COUNT)[:, None]
        save(folder, "mitbih", x=moved)
        after = data.load("mitbih")
        assert np.array_equal(after.x_train, before.x_train)
        assert np.array_equal(after.x_test, before.x_test)

    def test_a_beat_is_centred_and_scaled(self, folder):
        own = fields("mitbih")
        save(folder, "mitbih")
        held = data.load("mitbih").x_test[:, :120].astype(float)
        beats = own["x"][own["record"] == 100][:, :120].astype(float)
        beats -= np.median(beats, axis=1, keepdims=True)
        wanted = 128 + 127 * beats / np.abs(beats).max(axis=1, keepdims=True)
        assert np.abs(held - wanted).max() <= 0.5001

    def test_a_flat_beat(self, folder):
        own = fields("mitbih")
        own["x"][0] = 17
        save(folder, "mitbih", x=own["x"])
        assert (data.load("mitbih").x_train[0, :120] == 128).all()

    def test_intervals(self, folder):
        """Of two records: a beat in time, an early one with its pause, a first and a last one."""
        rr = np.full((24, 2), 300, np.uint16)
        rr[5], rr[6, 0], rr[0, 0], rr[23, 1] = (200, 400), 400, 0, 36008
        record = np.repeat([1, 2], 12)
        share = sets.intervals(rr, record) / 255

        def told(*wanted):
            return pytest.approx(wanted, abs=0.5001 / 255)

        mean = (72 + 4 * 300) / 5  # 0 counts as 72 samples
        assert share[4] == told(300 / mean - 0.5, 300 / mean - 0.5, 0.5, 0.5)
        mean = (72 + 4 * 300 + 200) / 6
        assert share[5] == told(200 / mean - 0.5, 1, 0, 0.25)
        assert share[6][2:] == told(400 / 300 - 0.5, 0.75)
        assert share[12] == told(0.5, 0.5, 0.5, 0.5)
        mean = (9 * 300 + 300) / 10
        assert share[23] == told(300 / mean - 0.5, 1, 0, 0.5)
        save(folder, "mitbih")
        own, last = fields("mitbih"), data.load("mitbih").x_test[:, 120:]
        four = sets.intervals(own["rr"], own["record"])[own["record"] == 100]
        assert np.array_equal(last, np.hstack([four, four]))

    def test_spoken_digits_are_held_out_by_the_file(self, folder):
        save(folder, "fsdd")
        assert np.array_equal(data.load("fsdd").x_test, fields("fsdd")["x"][10:].reshape(10, 256))

    def test_morse_is_scaled_by_1000(self, folder):
        own = fields("morse")
        save(folder, "morse")
        wanted = np.rint(own["xtr"] * (255 / 1000))
        assert np.array_equal(data.load("morse").x_train, wanted)

    def test_reals_are_scaled_by_the_training_samples(self, folder):
        save(folder, "mnist1d")
        loaded, own = data.load("mnist1d"), fields("mnist1d")
        low, high = own["x"].min(), own["x"].max()
        for part, x in (("x_train", own["x"]), ("x_test", own["x_test"])):
            wanted = np.clip((x.astype(float) - low) / (high - low), 0, 1) * 255
            kept = getattr(loaded, part)[:, 12:52]
            assert np.abs(kept - wanted).max() <= 0.5001
        assert not loaded.x_train[:, :12].any()
        assert not loaded.x_train[:, 52:].any()


class TestPath:
    def save(self, tmp_path, **changes):
        own = {
            "x_train": np.zeros((4, 3, 2), np.uint8),
            "y_train": np.array([0, 1, 2, 0]),
            "x_test": np.ones((2, 3, 2), np.uint8),
            "y_test": np.array([2, 1]),
        }
        own.update(changes)
        np.savez(tmp_path / "own.npz", **{k: v for k, v in own.items() if v is not None})
        return str(tmp_path / "own.npz")

    def test_bytes(self, tmp_path):
        path = self.save(tmp_path)
        loaded = data.load(path)
        assert (loaded.name, loaded.inputs, loaded.classes) == (path, 8, 3)
        assert loaded.x_test.sum() == 12

    def test_a_table_is_scaled_by_feature(self, tmp_path):
        x = np.array([[-1.0, 0], [1, 1], [0, 0.5], [0, 0]])
        path = self.save(tmp_path, x_train=x, x_test=np.array([[5.0, 0.5], [-9, -1]]))
        loaded = data.load(path)
        assert loaded.x_train[:3].tolist() == [[0, 0], [255, 255], [128, 128]]
        assert loaded.x_test.tolist() == [[255, 128], [0, 0]]
        assert loaded.preparation == Preparation((2,), (-1.0, 0.0), (1.0, 1.0))

    @pytest.mark.parametrize("shape", [(2, 1), (1, 1, 2)])
    def test_images_have_one_scale(self, tmp_path, shape):
        x = np.array([[-1.0, 0], [1, 1], [0, 0], [0, 0]]).reshape(4, *shape)
        held = np.array([[5.0, 0.5], [-9, -1]]).reshape(2, *shape)
        loaded = data.load(self.save(tmp_path, x_train=x, x_test=held))
        assert loaded.x_train[:2].tolist() == [[0, 128], [255, 255]]
        assert loaded.x_test.tolist() == [[255, 191], [0, 0]]
        assert loaded.preparation == Preparation(shape[-2:], (-1.0,), (1.0,))

    def test_the_scaling_asked_for(self, tmp_path):
        x = np.array([[0, 0], [100, 1], [50, 1], [0, 0]], np.uint8)
        path = self.save(tmp_path, x_train=x, x_test=x[:2])
        taken = {scaling: data.load(path, scaling=scaling) for scaling in data.SCALINGS}
        assert taken["auto"].x_test.tolist() == [[0, 0], [100, 1]]
        assert taken["feature"].x_test.tolist() == [[0, 0], [255, 255]]
        assert taken["common"].x_test.tolist() == [[0, 0], [255, 3]]
        kinds = {scaling: loaded.preparation.kind for scaling, loaded in taken.items()}
        assert kinds == {"auto": "bytes", "feature": "feature", "common": "common"}
        with pytest.raises(
            InputError, match=r"own\.npz: scaling must be one of auto, feature, com"
        ):
            data.load(path, scaling="rows")
        with pytest.raises(InputError, match="scaling must be left out for digits, which has its"):
            data.load("digits", scaling="feature")

    def test_a_name_without_its_ending(self, tmp_path):
        path = self.save(tmp_path)
        with pytest.raises(InputError, match=r"not '.*own'; did you mean .*own\.npz\?"):
            data.load(path.removesuffix(".npz"))

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"y_test": None}, "must have the fields x_train, y_train, x_test, y_test, but y_test"),
            (
                {"x_train": np.zeros((4, 2))},
                "x_test must have samples of 2 numbers as x_train, not 3x2",
            ),
            ({"x_train": np.zeros(4)}, "x_train must be (samples, ...), not (4,)"),
            ({"x_train": np.zeros((0, 3, 2))}, "x_train must be (samples, ...), not (0, 3, 2)"),
            ({"x_train": np.full((4, 3, 2), np.nan)}, "inputs must be finite numbers"),
            ({"x_test": np.full((2, 3, 2), np.inf)}, "inputs must be finite numbers"),
            ({"x_train": np.full((4, 3, 2), "a")}, "inputs must be finite numbers"),
            (
                {"x_train": np.array([-1e308, 1e308] * 12).reshape(4, 3, 2)},
                "inputs must have a finite range, not as far apart as floats can be",
            ),
            (
                {"x_train": np.full((4, 3, 2), None)},
                "field x_train must be an array of numbers, not pickled objects",
            ),
            ({"y_train": np.zeros(4)}, "y_test must have labels of 0, not 1"),
            ({"y_train": np.array([0, 1, 1])}, "y_train must be the labels of 4 samples, not (3,)"),
            ({"y_test": np.array(0)}, "y_test must be the labels of 2 samples, not ()"),
            ({"y_train": np.array([0, -1, 1, 2]) - 2}, "y_test must have labels of -3, -2, -1, 0,"),
            ({"y_test": np.array([3, 0])}, "y_test must have labels of 0, 1, 2, not 3"),
            ({"y_train": np.ones(4), "y_test": np.ones(2)}, "labels must be of 2 or more classes,"),
            (
                {"x_train": None},
                "must have the fields x_train, y_train, x_test, y_test, but x_t",
            ),
        ],
    )
    def test_bad(self, tmp_path, capsys, changes, message):
        path = self.save(tmp_path, **changes)
        with pytest.raises(InputError, match=re.escape(message)):
            data.load(path)
        arguments = ["train", "--data", path, "--layers", "8-8", "--paths", "16"]
        assert main([*arguments, "--out", str(tmp_path / "m.npz")]) == 2
        error = capsys.readouterr().err
        assert path in error
        assert error.count("\n") == 1

    def test_damaged(self, tmp_path):
        path = tmp_path / "own.npz"
        with pytest.raises(InputError, match=r"must be a readable \.npz file: No such file"):
            data.load(str(path))
        for content in (b"", b"nonsense", gzip.compress(b"x")):
            path.write_bytes(content)
            with pytest.raises(InputError, match=r"must be a \.npz file of NumPy, whole"):
                data.load(str(path))
        np.save(tmp_path / "one.npy", np.zeros(3))
        shutil.move(tmp_path / "one.npy", path)
        with pytest.raises(InputError, match=r"must be a \.npz file of NumPy, whole"):
            data.load(str(path))

    def test_a_field_twice(self, tmp_path):
        path = self.save(tmp_path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("y_test", b"1,2")
        with pytest.raises(InputError, match="must have every field once, but y_test is twice th"):
            data.load(path)

    def test_a_model_is_no_data_set(self):
        with pytest.raises(InputError, match="x_train is missing; it is a model file: give it as"):
            data.load(str(DIGITS))

    def test_other_arrays(self, tmp_path):
        np.savez(tmp_path / "o.npz", np.zeros(3), X=np.zeros(3))
        with pytest.raises(InputError, match=r"it is a \.npz file of other arrays \(X, arr_0\)"):
            data.load(str(tmp_path / "o.npz"))

    def test_flipped_bytes(self, tmp_path):
        path = self.save(tmp_path)
        content = bytearray((tmp_path / "own.npz").read_bytes())
        start = content.index(b"\x93NUMPY") + 130  # within the first array
        content[start] ^= 1
        (tmp_path / "own.npz").write_bytes(content)
        with pytest.raises(InputError, match="field x_train must be a whole array, but the file"):
            data.load(path)

    def test_trains_and_simulates(self, tmp_path):
        random = np.random.default_rng(3)
        y = np.arange(64) % 4
        x = random.integers(0, 60, (64, 16)) + 180 * (np.arange(16) // 4 == y[:, None])
        x = x.astype(np.uint8)
        path = self.save(tmp_path, x_train=x, y_train=y, x_test=x[:7], y_test=y[:7])
        out = str(tmp_path / "m.npz")
        arguments = ["--layers", "16-16-8", "--paths", "64,64", "--epochs", "20", "--out", out]
        assert main(["train", "--data", path, *arguments]) == 0
        model = models.load(out)
        assert model.info["accuracy_int"] == 1
        images, wanted = held_out(model, path)
        assert images.shape == (7, 16)
        assert wanted.tolist() == y[:7].tolist()


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (
            "mnist",
            {"x_train": np.zeros((20, 27, 28), np.uint8)},
            "must have shape (samples, 28, 28)",
        ),
        ("mnist", {"x_test": np.zeros((5, 28, 28))}, "x_test must be uint8, not float64"),
        ("mnist", {"y_test": labels(11)[9:14]}, "labels of y_test must be 0 to 9, not 0 to 10"),
        ("mnist", {"y_train": labels(9)}, "mnist: y_train must have all of 10 classes"),
        (
            "fashion",
            {"x_train": None},
            "must have the fields x_train, y_train, x_test, y_test, but",
        ),
        ("mitbih", {"x": np.zeros((20, 64), np.int16)}, "x must have shape (samples, 128)"),
        ("mitbih", {"x": np.zeros((20, 128))}, "x must be integers, not float64"),
        ("mitbih", {"rr": np.zeros((20, 3), int)}, "rr must have shape (samples, 2), not (20, 3)"),
        ("mitbih", {"rr": np.zeros((3, 2), int)}, "rr must have shape (20,), not (3,)"),
        ("mitbih", {"rr": np.zeros((20, 2))}, "rr must be integers, not float64"),
        ("mitbih", {"rr": None}, "must have the fields x, y, record, rr, ds1, ds2, but rr"),
        ("mitbih", {"record": np.zeros(3)}, "record must have shape (20,), not (3,)"),
        ("mitbih", {"ds2": np.array([101])}, "ds1 and ds2 must share no record"),
        ("mitbih", {"ds1": np.array([7])}, "some beats must be of the records ds1"),
        ("mitbih", {"ds2": np.array([7])}, "mitbih: x_test must be uint8 (images, inputs), not"),
        ("fsdd", {"test": np.arange(20)}, "test must be bool (samples,), not int64"),
        ("fsdd", {"y": labels()[:3]}, "y must have shape (20,), not (3,)"),
        (
            "morse",
            {"xtr": np.full((128, 64), 1001)},
            "inputs must be finite numbers from 0 to 1000",
        ),
        ("mnist1d", {"x": np.full((20, 40), np.nan)}, "inputs must be finite numbers"),
        ("mnist1d", {"x": np.zeros(20)}, "x must have shape (samples, 40), not (20,)"),
        ("mnist1d", {"y": np.zeros(20)}, "y must be integers (samples,), not float64 (20,)"),
    ],
)
def test_bad_files(folder, name, changes, message):
    save(folder, name, **changes)
    with pytest.raises(InputError, match=re.escape(message)):
        data.load(name)


REAL = {
    "mnist": (60000, 10000, 1024, 10),
    "fashion": (60000, 10000, 1024, 10),
    "mitbih": (51001, 49691, 128, 5),
    "fsdd": (2700, 300, 256, 10),
    "morse": (64000, 12800, 64, 64),
    "mnist1d": (4000, 1000, 64, 10),
}


def test_the_real_ones(monkeypatch):
    """Those found beside the checkout are as documented."""
    monkeypatch.undo()
    found = []
    for name, (train, held, inputs, classes) in REAL.items():
        try:
            loaded = data.load(name)
        except fetching.Missing:
            continue
        found.append(name)
        assert loaded.x_train.shape == (train, inputs), name
        assert loaded.x_test.shape == (held, inputs), name
        assert loaded.classes == classes
        assert loaded.x_train.max() == 255
    print(f"found {len(found)} of {len(REAL)} real data sets: {', '.join(found) or 'none'}")
    if (files.BESIDE / "mnist.npz").is_file():
        assert "mnist" in found
