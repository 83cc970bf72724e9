"""Small files of every data set, and an empty folder to put them in, for the tests."""

import gzip

import numpy as np
import pytest

from sobolpath.golden.data import files

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


@pytest.fixture(name="folder")
def empty_folder(tmp_path, monkeypatch):
    """An empty folder that is the only place where data sets are looked for."""
    place = tmp_path / "sets"
    place.mkdir()
    monkeypatch.setenv("SOBOLPATH_DATA", str(place))
    monkeypatch.setattr(files, "BESIDE", tmp_path / "nowhere" / "shared" / "data")
    monkeypatch.setenv("SOBOLPATH_CACHE", str(tmp_path / "kept"))
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
        rr = random.integers(150, 450, (COUNT, 2)).astype(np.uint16)
        ds1, ds2 = np.array([101, 106]), np.array([100])
        return {"x": x, "y": labels(5), "record": record, "rr": rr, "ds1": ds1, "ds2": ds2}
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
    for key, name in files.IDX.items():
        if packed:
            (place / f"{name}.gz").write_bytes(gzip.compress(idx(own[key])))
        else:
            (place / name).write_bytes(idx(own[key]))
    return place
