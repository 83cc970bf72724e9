"""The model file: round trips, and one line for everything that can be wrong with it."""

import io
import json
import random
import re
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from sobolpath.golden.data.preparation import Preparation
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.model import MAX_BIAS, Model, load
from sobolpath.golden.topology import sobol
from sobolpath.golden.topology.paths import Topology
from tests.support.places import DIGITS


def make(layers=(8, 16, 4), paths=(32, 16), dimensions=(), seed=0, **changes):
    random, topology = np.random.default_rng(seed), Topology(layers, paths, dimensions)
    parts = {
        "topology": topology,
        "weights": tuple(random.integers(-128, 128, n).astype(np.int8) for n in paths),
        "biases": tuple(random.integers(-99, 99, n).astype(np.int32) for n in layers[1:]),
        "shifts": (*range(5, 4 + len(paths)), 0),
        "float_weights": tuple(random.normal(size=n).astype(np.float32) for n in paths),
        "float_biases": tuple(random.normal(size=n).astype(np.float32) for n in layers[1:]),
        "input_scale": 1 / 255,
        "classes": layers[-1],
        "info": {"data": "none", "seed": seed},
    }
    return Model(**{**parts, **changes})


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.npz"
    make().save(path)
    return path


def edit(path, *, sign=True, **changes):
    """Change, add or (None) drop fields of a file; ``sign`` renews its digest."""
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files}
    content.update(changes)
    content = {name: np.asarray(value) for name, value in content.items() if value is not None}
    if sign and changes.get("digest", "") is not None:
        content["digest"] = np.array(models._digest(content))
    np.savez(path, **content)


def complaint(path):
    with pytest.raises(InputError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


class TestRoundTrip:
    @pytest.mark.parametrize(
        "shape",
        [
            {},
            {"layers": (1, 1), "paths": (1,)},
            {"layers": (16, 16), "paths": (256,), "dimensions": (17, 4)},
            {"layers": (2**15, 2), "paths": (2**15,)},
        ],
    )
    def test_same(self, tmp_path, shape):
        saved = make(**shape)
        saved.save(tmp_path / "m.npz")
        loaded = load(tmp_path / "m.npz")
        for part in fields(Model):
            first, second = getattr(saved, part.name), getattr(loaded, part.name)
            if isinstance(first, tuple) and isinstance(first[0], np.ndarray):
                assert [a.dtype for a in first] == [b.dtype for b in second]
                assert all(map(np.array_equal, first, second))
            else:
                assert first == second
        for first, second in zip(saved.topology.matrices, loaded.topology.matrices, strict=True):
            assert np.array_equal(first, second)

    def test_same_bytes(self, tmp_path):
        for name in ("a.npz", "b.npz"):
            make().save(tmp_path / name)
        assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()

    def test_no_scipy_needed(self, file, monkeypatch):
        """A file brings its generator matrices."""
        monkeypatch.setattr(sobol, "generator_matrix", None)
        source, target = load(file).topology.edges(1)
        monkeypatch.undo()
        expected = Topology((8, 16, 4), (32, 16)).edges(1)
        assert np.array_equal(source, expected[0])
        assert np.array_equal(target, expected[1])

    def test_its_own_matrices_count(self, file):
        """Another digital sequence than SciPy's: bit reversal with its second column changed."""
        edit(file, directions_0=np.array([4, 6, 1, 0, 0]))
        assert load(file).topology.edges(1)[0][:8].tolist() == [0, 4, 6, 2, 1, 5, 7, 3]

    def test_failing_leaves_the_old_file(self, file, monkeypatch):
        before = file.read_bytes()
        monkeypatch.setattr(models.np, "savez_compressed", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            make(seed=1).save(file)
        assert file.read_bytes() == before
        assert list(file.parent.iterdir()) == [file]

    def test_shipped(self):
        model = load(DIGITS)
        assert model.topology.layers == (64, 128, 128, 16)
        assert model.topology.paths == (2048, 2048, 1024)
        assert model.classes == 10
        assert model.info["data"] == "digits"
        assert model.preparation == Preparation((8, 8), (0.0,), (16.0,))
        assert DIGITS.stat().st_size < 60_000


class TestFiles:
    def test_missing(self, tmp_path):
        assert complaint(tmp_path / "no.npz").startswith("no such model file; make one with")

    def test_folder(self, tmp_path):
        assert complaint(tmp_path) == "must be a readable model file: Is a directory"

    @pytest.mark.parametrize("kind", ["text", "empty", "npy", "zip", "pickle", "png"])
    def test_other_kinds(self, tmp_path, kind):
        path, buffer = tmp_path / "f.npz", io.BytesIO()
        if kind == "npy":
            np.save(buffer, np.arange(3))
        elif kind == "zip":
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr("readme.txt", "hello")
        elif kind == "pickle":
            np.savez(buffer, format=np.array([{}], dtype=object))
        else:
            buffer.write({"text": b"hello", "empty": b"", "png": b"\x89PNG\r\n\x1a\n"}[kind])
        path.write_bytes(buffer.getvalue())
        expected = {
            "npy": "a single array (.npy), not several",
            "zip": "a .zip archive of other files (readme.txt)",
            "png": "a picture",
            "pickle": "a .npz file of other arrays (format)",
        }.get(kind, "truncated or of another kind")
        assert complaint(path) == f"must be a whole model file (.npz), but it is {expected}"

    def test_a_field_twice(self, file):
        with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("layers.npy", archive.read("paths.npy"))
        assert complaint(file) == "must have every field once, but layers is twice there"

    @pytest.mark.parametrize("part", [0.01, 0.3, 0.7, 0.999])
    def test_truncated(self, file, part):
        content = file.read_bytes()
        file.write_bytes(content[: int(len(content) * part)])
        assert complaint(file).endswith("but it is truncated or of another kind")

    def test_damaged_anywhere(self, tmp_path):
        """A changed byte is told, or (in the archive's own time stamps) changes nothing."""
        path, seed = tmp_path / "f.npz", 20240
        content, chance = DIGITS.read_bytes(), random.Random(seed)
        told, original = 0, load(DIGITS)
        for _ in range(150):
            damaged = bytearray(content)
            damaged[chance.randrange(len(damaged))] ^= chance.randrange(1, 256)
            path.write_bytes(damaged)
            try:
                loaded = load(path)
            except InputError as error:
                told += "\n" not in str(error)
            else:
                assert all(map(np.array_equal, loaded.weights, original.weights))
                assert loaded.shifts == original.shifts
        assert told > 120, f"seed {seed}"


with io.BytesIO() as _buffer:
    np.savez(_buffer, **models._fields(make()))
    FIELDS = np.load(io.BytesIO(_buffer.getvalue())).files


class TestFields:
    def test_there_are_all(self):
        per_junction = ("weights", "biases", "float_weights", "float_biases")
        assert len(FIELDS) == 10 + 3 + 2 * len(per_junction)

    @pytest.mark.parametrize("name", FIELDS)
    def test_missing(self, file, name):
        edit(file, **{name: None})
        assert complaint(file).startswith(f"field {name!r} is missing; a model file of version 1")

    @pytest.mark.parametrize("name", FIELDS)
    @pytest.mark.parametrize("value", [b"x", np.zeros((2, 2), complex)])
    def test_of_another_kind(self, file, name, value):
        edit(file, sign=name != "digest", **{name: value})
        assert complaint(file).startswith(f"field {name!r} must be ")

    @pytest.mark.parametrize("name", [n for n in FIELDS if n != "digest"])
    def test_edited(self, file, name):
        """Every field but those whose change is told otherwise, without renewing the digest."""
        with np.load(file) as archive:
            value = archive[name].copy()
        if value.dtype.kind == "U":
            value = np.array(str(value)[:-1] + " }" if name == "info" else str(value) + "x")
        elif value.dtype.kind == "f":
            value = value * 2
        elif name.startswith("biases"):
            value += 1
        elif name.startswith("weights"):
            value ^= 1
        else:
            value = value * 2 if name in ("layers", "paths") else value ^ 1
        edit(file, sign=False, **{name: value})
        assert re.search("must be|must have|needs? ", complaint(file))

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"format": "other"}, "format must be 'sobolpath-model', not 'other'"),
            ({"version": 2}, "field 'sample_shape' is missing; a model file of version 2 has it"),
            ({"version": 3}, "version must be 1 or 2, not 3; update sobolpath or train again"),
            ({"layers": np.array([8, 12, 4])}, "width of layer 1 must be a power of two, not 12"),
            ({"layers": np.array([8])}, "a network must have at least 2 layers, not 1"),
            ({"paths": np.array([32, 128])}, "paths of junction 2 (16 to 4 neurons) must be 16 to"),
            ({"dimensions": np.array([0, 1])}, "3 layers need 3 dimensions, not 2"),
            ({"shifts": np.array([25, 0])}, "shifts must be 2 integers from 0 to 24, the last 0"),
            ({"shifts": np.array([-1, 0])}, "shifts must be 2 integers from 0 to 24, the last 0"),
            ({"shifts": np.array([5, 1])}, "shifts must be 2 integers from 0 to 24, the last 0"),
            ({"shifts": np.array([5])}, "shifts must be 2 integers from 0 to 24, the last 0"),
            ({"input_scale": np.nan}, "input_scale must be a finite number above 0, not nan"),
            ({"input_scale": -1.0}, "input_scale must be a finite number above 0, not -1.0"),
            ({"classes": 5}, "classes must be 1 to 4, the outputs, not 5"),
            ({"classes": 0}, "classes must be 1 to 4, the outputs, not 0"),
            ({"info": "{"}, "field 'info' must be a JSON object"),
            ({"info": "[" * 100_000}, "field 'info' must be a JSON object"),
            ({"info": "[1]"}, "field 'info' must be a JSON object"),
            ({"weights_1": np.zeros(16, np.int8)}, "weights of junction 1 must be int8 (32,), not"),
            (
                {"weights_2": np.zeros(16, np.int16)},
                "weights of junction 2 must be int8 (16,), not",
            ),
            (
                {"biases_1": np.full(16, MAX_BIAS + 1, np.int32)},
                "biases of junction 1 must be within +-2**29, not",
            ),
            (
                {"float_weights_1": np.full(32, np.nan, np.float32)},
                "float_weights of junction 1 must be finite, not NaN or infinite",
            ),
            (
                {"float_biases_2": np.full(4, np.inf, np.float32)},
                "float_biases of junction 2 must be finite, not NaN or infinite",
            ),
            ({"directions_0": np.array([4, 2, 1])}, "field 'directions_0' must be 5 integers of 3"),
            (
                {"directions_0": np.array([4, 2, 8, 0, 0])},
                "field 'directions_0' must be 5 integers of 3 bits",
            ),
            (
                {"directions_0": np.array([4, 2, -1, 0, 0])},
                "field 'directions_0' must be 5 integers of 3 bits",
            ),
            (
                {"directions_0": np.array([4, 4, 1, 0, 0])},
                "field 'directions_0' must be upper triangular with a unit diagonal",
            ),
            (
                {"directions_0": np.array([4, 2, 3, 0, 0])[[1, 0, 2, 3, 4]]},
                "field 'directions_0' must be upper triangular with a unit diagonal",
            ),
        ],
    )
    def test_values(self, file, changes, message):
        edit(file, **changes)
        assert message in complaint(file)

    def test_edited_after_all_checks(self, file):
        edit(file, sign=False, extra=np.arange(3))
        assert complaint(file).startswith("digest must be that of the other fields: the file was")

    def test_info_is_kept(self, file):
        edit(file, info=json.dumps({"a": 1}))
        assert load(file).info == {"a": 1}


class TestPreparation:
    """Version 2 tells how samples become inputs; a model that does not know is of version 1."""

    TABLE = Preparation((3, 2), (-1.0, 0, 0, 1e-3, 5, -7), (1.0, 0, 2, 1e9, 6, -6), 8)

    def test_round_trip(self, tmp_path):
        for name, known in (("a", None), ("b", self.TABLE), ("c", Preparation.of_bytes((5,)))):
            saved, path = make(preparation=known), tmp_path / f"{name}.npz"
            saved.save(path)
            loaded = load(path)
            assert loaded.preparation == known
            assert all(map(np.array_equal, loaded.weights, saved.weights))
            with np.load(path) as archive:
                assert archive["version"] == (1 if known is None else 2)
                assert ("sample_least" in archive.files) == (known is not None)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"sample_shape": None}, "field 'sample_shape' is missing; a model file of version 2"),
            ({"sample_least": None}, "field 'sample_least' is missing; a model file of version 2"),
            ({"sample_least": np.arange(6)}, "field 'sample_least' must be 1-dimensional of kind"),
            ({"sample_least": np.zeros(5)}, "least and largest must be 1 or 6 numbers each, not 5"),
            ({"sample_largest": np.zeros(1)}, "least and largest must be 1 or 6 numbers each, not"),
            ({"sample_least": np.full(6, 2.0)}, "least and largest must be finite numbers, the"),
            ({"sample_largest": np.full(6, np.inf)}, "least and largest must be finite numbers"),
            ({"sample_shape": np.array([3, 3])}, "inputs must be at least 16 for samples of shape"),
            (
                {"sample_shape": np.array([0])},
                "samples must have axes of at least 1, not the shape",
            ),
            ({"sample_shape": np.array([], int)}, "samples must have axes of at least 1, not the"),
        ],
    )
    def test_complaints(self, tmp_path, changes, message):
        path = tmp_path / "m.npz"
        make(preparation=self.TABLE).save(path)
        edit(path, **changes)
        assert message in complaint(path)

    def test_it_is_in_the_digest(self, tmp_path):
        path = tmp_path / "m.npz"
        make(preparation=self.TABLE).save(path)
        edit(path, sign=False, sample_least=np.array([-1.0, 0, 0, 2e-3, 5, -7]))
        assert complaint(path).startswith("digest must be that of the other fields")

    def test_it_must_make_the_inputs(self):
        with pytest.raises(InputError, match="preparation must make 8 inputs, one per neuron of"):
            make(preparation=Preparation.of_bytes((16,)))


class TestModel:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"weights": ()}, "weights must be 2 arrays, one per junction, not 0"),
            ({"biases": ([0] * 16, [0] * 4)}, "biases of junction 1 must be int32 (16,), not list"),
            ({"shifts": (1, 2, 0)}, "shifts must be 2 integers"),
        ],
    )
    def test_complaints(self, changes, message):
        with pytest.raises(InputError, match=re.escape(message)):
            make(**changes)

    def test_the_largest_bias(self):
        biases = (np.full(16, -MAX_BIAS, np.int32), np.full(4, MAX_BIAS, np.int32))
        assert make(biases=biases).biases[0][0] == -(2**29)

    def test_frozen(self):
        with pytest.raises(AttributeError):
            make().classes = 3
        assert replace(make(), classes=3).classes == 3
