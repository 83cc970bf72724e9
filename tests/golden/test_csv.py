"""Tables as text: every way to write one is read alike, or one line says where it fails."""

import json
import tracemalloc

import numpy as np
import pytest

from sobolpath.__main__ import main
from sobolpath.golden import data
from sobolpath.golden.data import looks, tables
from sobolpath.golden.data.reading import Reading
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from tests.golden.test_forms import pictures, same

NETWORK = ["--layers", "4-8-8", "--paths", "16,32", "--epochs", "2"]
NAMES = ("long", "wide", "deep", "kind")
KINDS = np.array(["elm", "fir", "oak"])
COUNT = 40


def samples(seed=1):
    """Three measurements of three kinds, by tenths, and the kinds."""
    random = np.random.default_rng(seed)
    y = np.arange(COUNT) % 3
    x = (random.normal(0, 1, (COUNT, 3)) + 3 * np.eye(3)[y] + 10).round(1)
    return x, y


def lines_of(header=NAMES, delimiter=",", point=".", quote="", label=3):
    """The table as lines: the labels in column ``label``, from 0."""
    x, y = samples()
    rows = [[f"{v:.1f}".replace(".", point) for v in row] for row in x.tolist()]
    for row, kind in zip(rows, KINDS[y].tolist(), strict=True):
        row.insert(label, kind)
    names = list(header or ())
    if names and label != 3:
        names.insert(label, names.pop())
    return [delimiter.join(f"{quote}{c}{quote}" for c in row) for row in [names, *rows] if row]


def written(path, lines, end="\n", encoding="utf-8"):
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return str(path)


def load(path, **told):
    return data.load(path, reading=Reading(**told))


def equal(one, other):
    return all(
        np.array_equal(getattr(one, n), getattr(other, n))
        for n in ("x_train", "y_train", "x_test", "y_test")
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The data set of the same samples as arrays."""
    path = tmp_path_factory.mktemp("plain") / "d.npz"
    x, y = samples()
    np.savez(path, x=x, y=KINDS[y])
    return data.load(str(path))


class TestForms:
    @pytest.mark.parametrize("header", [NAMES, None])
    @pytest.mark.parametrize(
        "how",
        [
            {},
            {"delimiter": ";"},
            {"delimiter": "\t"},
            {"delimiter": ", "},
            {"quote": '"'},
            {"delimiter": ";", "point": ","},
            {"delimiter": ";", "point": ",", "quote": '"'},
            {"label": 0},
            {"label": 1},
        ],
    )
    def test_the_same_samples(self, tmp_path, plain, header, how):
        found = load(written(tmp_path / "d.csv", lines_of(header, **how)))
        assert equal(found, plain)
        assert found.labels == plain.labels == tuple(KINDS)
        assert found.preparation == plain.preparation

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_lines_and_letters(self, tmp_path, plain, end, encoding):
        found = load(written(tmp_path / "d.csv", lines_of(), end, encoding))
        assert equal(found, plain)

    def test_other_forms(self, tmp_path, plain):
        lines = lines_of(header=None)
        spaced = [" long length ,wide, deep,kind", "", *lines, "", " "]
        spaced[2] = spaced[2].replace(",", " , ")
        assert equal(load(written(tmp_path / "d.tsv", spaced)), plain)
        counted = ["0,1,2,3", *lines]  # as pandas names columns
        assert equal(load(written(tmp_path / "d.CSV", counted)), plain)
        no_end = tmp_path / "e.csv"
        no_end.write_text("\n".join(lines))
        assert equal(load(str(no_end)), plain)

    def test_names_with_everything(self, tmp_path):
        """Delimiters, quotes and line ends in a quoted field, letters of other tongues."""
        names = np.array(['"x;y, z"', '"say ""oak"""', '"two\r\nlines"'])
        called = ["x;y, z", 'say "oak"', "two\r\nlines"]
        x, y = samples()
        lines = [f"{a},{b},{c},{names[k]}" for (a, b, c), k in zip(x, y, strict=True)]
        found = load(written(tmp_path / "d.csv", ["a,b,c,größe", *lines]), label="Größe")
        assert sorted(found.labels) == sorted(called)

    @pytest.mark.parametrize(
        ("clothes", "labels"),
        [
            (np.array(["0", "1", "2"]), None),
            (np.array(["1", "2", "10"]), (1, 2, 10)),
            (np.array(["1.0", "2.0", "3.0"]), (1, 2, 3)),
            (np.array(["-1", "0", "1"]), (-1, 0, 1)),
            (np.array(["01", "02", "3"]), ("01", "02", "3")),
            (np.array(["a", "b", "c"]), ("a", "b", "c")),
        ],
    )
    def test_labels(self, tmp_path, plain, clothes, labels):
        x, y = samples()
        lines = [f"{clothes[k]},{a},{b},{c}" for (a, b, c), k in zip(x, y, strict=True)]
        found = load(written(tmp_path / "d.csv", lines), label="1")
        assert found.labels == labels
        assert equal(found, plain)

    def test_numbers(self, tmp_path):
        lines = ["a,b,y", *["1e2,-.5,0", "+3.,TRUE,1"] * 5, "1_0,false,1"]
        with pytest.raises(InputError, match="line 12, column 'a': must be a number, not '1_0'"):
            load(written(tmp_path / "d.csv", lines))
        found = tables.from_table(written(tmp_path / "d.csv", lines[:-1]), Reading())
        assert found.x[:2].tolist() == [[100, -0.5], [3, 1]]

    @pytest.mark.parametrize("name", ["Label", "CLASS", "target", "y", "Species"])
    def test_the_label_by_its_name(self, tmp_path, name):
        lines = [f"a,{name},b", *["1.5,0,2", "2.5,1,1"] * 9]
        found = load(written(tmp_path / "d.csv", lines))
        assert found.y_test.max() == 1
        assert found.facts[0][1].endswith(f"labels in column '{name}', by its name")

    def test_the_label_that_is_asked_for(self, tmp_path):
        lines = ["a,b,c", *["0,1,2", "1,0,5"] * 9]
        path = written(tmp_path / "d.csv", lines)
        told = {label: load(path, label=label) for label in ("a", "1", "B", "3")}
        assert told["a"].facts == told["1"].facts
        assert told["3"].labels == (2, 5)
        assert equal(load(path), told["3"])
        assert "labels in column 'B'".lower() in told["B"].facts[0][1]
        look = looks.Look(",", ("2", "1", "3"), [["0", "1", "2"]], False)
        assert look.find("2", "--label") == 0  # a name comes first

    def test_a_column_that_counts_the_rows_is_left_out(self, tmp_path, plain, capsys):
        lines = lines_of()
        numbers = ["", *map(str, range(COUNT))]  # as pandas writes its index
        indexed = [f"{n},{line}" for n, line in zip(numbers, lines, strict=True)]
        found = load(written(tmp_path / "d.csv", indexed))
        assert equal(found, plain)
        assert ("left out", "column 1, which only counts the rows") in found.facts
        shuffled = [indexed[0], indexed[2], indexed[1], *indexed[3:]]
        assert load(written(tmp_path / "d.csv", shuffled)).preparation.shape == (4,)

    def test_columns_that_are_dropped(self, tmp_path, plain):
        lines = [f"{line},{'city' if not n else 'Rome'}" for n, line in enumerate(lines_of())]
        path = written(tmp_path / "d.csv", lines)
        assert equal(load(path, drop=("city",), label="kind"), plain)
        assert equal(load(path, drop=("5",)), plain)

    def test_constant_columns_are_told(self, tmp_path):
        lines = ["a,b,y", *["1,7,0", "2,7,1", "3,7,1"] * 9]
        found = load(written(tmp_path / "d.csv", lines))
        assert found.warnings[0].startswith("1 of 2 features (1) have fewer than 3 distinct val")


class TestCommands:
    def train(self, tmp_path, lines, *words, name="d.csv"):
        path = written(tmp_path / name, lines)
        out = ["--out", str(tmp_path / "m.npz"), "--json", str(tmp_path / "t.json")]
        assert main(["train", "--data", path, *NETWORK, *words, *out]) == 0
        return models.load(tmp_path / "m.npz"), json.loads((tmp_path / "t.json").read_text())

    def test_the_same_model_as_of_arrays(self, tmp_path, capsys):
        x, y = samples()
        np.savez(tmp_path / "d.npz", x=x, y=KINDS[y])
        words = ["--out", str(tmp_path / "a.npz"), "--seed", "5"]
        assert main(["train", "--data", str(tmp_path / "d.npz"), *NETWORK, *words]) == 0
        capsys.readouterr()
        model, said = self.train(tmp_path, lines_of(), "--seed", "5")
        assert same(model, models.load(tmp_path / "a.npz"))
        out = capsys.readouterr().out
        for line in (
            "table       40 rows, 4 columns divided by commas, a header; labels in column\n"
            "            'kind', the only one of text\n",
            "split       32 samples to train with, 8 held out by seed 5\n",
            "sizes       3 padded to 4, 3 classes padded to 8 outputs\n",
            "classes     0 to 2 are elm, fir, oak\n",
        ):
            assert line in out
        assert said["labels"] == ["elm", "fir", "oak"]
        assert model.info["origin"]["table"] == {
            "header": list(NAMES),
            "width": 4,
            "features": [0, 1, 2],
            "label": 3,
        }

    def test_pixels(self, tmp_path, capsys):
        """A table of pixels as Kaggle has them: the same model as of the bytes."""
        x, y = pictures()
        x = np.pad(x, [(0, 0), (0, 1), (1, 1)])
        np.savez(tmp_path / "d.npz", x=x, y=y)
        layers = ["--layers", "64-16-8", "--paths", "64,64", "--epochs", "2"]
        out = ["--out", str(tmp_path / "a.npz")]
        assert main(["train", "--data", str(tmp_path / "d.npz"), *layers, *out]) == 0
        names = ["label", *(f"pixel{n}" for n in range(64))]
        rows = [",".join(map(str, [k, *row])) for k, row in zip(y, x.reshape(90, 64), strict=True)]
        path = written(tmp_path / "d.csv", [",".join(names), *rows])
        out[1] = str(tmp_path / "b.npz")
        words = ["--shape", "8x8", "--range", "0,255"]
        assert main(["train", "--data", path, *layers, *words, *out]) == 0
        one, other = (models.load(tmp_path / f"{name}.npz") for name in "ab")
        assert same(one, other)
        assert one.preparation == other.preparation
        for model in (one, other):
            for file in ("d.npz", "d.csv"):
                found = data.load_for(model, str(tmp_path / file))
                assert (len(found.x_test), found.judged) == (18, "held-out")
        capsys.readouterr()
        assert main(["train", "--data", path, *layers, *out]) == 0
        hint = " seem to be the pixels of images: --shape 8x8"
        assert hint in capsys.readouterr().out

    def test_eval_takes_columns_by_their_names(self, tmp_path):
        model, said = self.train(tmp_path, lines_of())
        x, y = samples()
        header = "kind,more,deep,long,wide"
        lines = [f"{KINDS[k]},text,{c},{a},{b}" for (a, b, c), k in zip(x, y, strict=True)]
        path = written(tmp_path / "e.csv", [header, *lines])
        found = data.load_for(model, path)
        assert (len(found.x_test), found.judged) == (8, "held-out")
        words = ["eval", str(tmp_path / "m.npz"), "--data", path]
        assert main([*words, "--json", str(tmp_path / "e.json")]) == 0
        found = json.loads((tmp_path / "e.json").read_text())
        assert found["accuracy_int"] == said["accuracy_int"]
        other = written(tmp_path / "f.csv", [header.replace("kind", "tree"), *lines])
        with pytest.raises(
            InputError, match=r"f\.csv: must have the column 'kind', as what the ne"
        ):
            data.load_for(model, other)
        assert main([*words[:3], other, "--label", "tree"]) == 0

    def test_eval_without_a_header(self, tmp_path):
        model, _ = self.train(tmp_path, lines_of())
        path = written(tmp_path / "e.csv", lines_of(header=None))
        assert data.load_for(model, path).judged == "held-out"
        wide = [f"{line},1" for line in lines_of(header=None)]
        with pytest.raises(
            InputError, match="must have 4 columns, as what the network was trained"
        ):
            data.load_for(model, written(tmp_path / "e.csv", wide))
        with pytest.raises(
            InputError, match="must have the column 'long', as what the network was"
        ):
            data.load_for(model, written(tmp_path / "e.csv", lines_of(("a", *NAMES[1:]))))

    def test_a_table_for_a_model_of_arrays(self, tmp_path, plain):
        x, y = samples()
        np.savez(tmp_path / "d.npz", x=x, y=KINDS[y])
        out = ["--out", str(tmp_path / "a.npz")]
        assert main(["train", "--data", str(tmp_path / "d.npz"), *NETWORK, *out]) == 0
        model = models.load(tmp_path / "a.npz")
        found = data.load_for(model, written(tmp_path / "d.csv", lines_of()))
        assert equal(found, plain)

    def test_a_file_of_held_out_samples(self, tmp_path):
        x, y = samples()
        np.savez(tmp_path / "e.npz", x=x[30:], y=KINDS[y[30:]])
        lines = lines_of()
        test = written(tmp_path / "e.csv", [lines[0], *lines[31:]])
        one, said = self.train(tmp_path, lines[:31], "--test", test)
        other, also = self.train(tmp_path, lines[:31], "--test", str(tmp_path / "e.npz"))
        assert same(one, other)
        assert said["accuracy_int"] == also["accuracy_int"]
        unknown = written(tmp_path / "e.csv", [lines[0], "1,2,3,ash"])
        with pytest.raises(
            InputError, match=r"y_test must have labels of elm, fir, oak, not 'ash'"
        ):
            load(str(tmp_path / "d.csv"), test=unknown)
        bad = written(tmp_path / "e.csv", [lines[0], "1,x,3,elm"])
        with pytest.raises(
            InputError, match=r"^\S+e\.csv: line 2, column 'wide': must be a number"
        ):
            load(str(tmp_path / "d.csv"), test=bad)

    def test_one_row_to_judge(self, tmp_path):
        model, _ = self.train(tmp_path, lines_of())
        path = written(tmp_path / "e.csv", lines_of()[:2])
        assert main(["eval", str(tmp_path / "m.npz"), "--data", path]) == 0
        assert data.load_for(model, path).y_test.tolist() == [0]


ROWS = ["1.5,2,0", "2.5,1,1"] * 9


@pytest.mark.parametrize(
    ("lines", "told", "message"),
    [
        ([], {}, "must have rows, but it is empty"),
        (["a,b,y"], {}, "must have rows of samples, but has a header alone"),
        (["a", "1", "2"], {}, "must have 2 columns or more, divided by commas, semicolons or tabs"),
        (["a,b,y", *ROWS, "1,2"], {}, "line 20: must have 3 fields, not 2"),
        (["a,b,y", *ROWS, "1,2,3,4"], {}, "line 20: must have 3 fields, not 4"),
        (
            ["a,b,y", *ROWS, "", "1,,0"],
            {},
            "line 21, column 'b': a value must be there, but it is ",
        ),
        (
            [*ROWS, "NA,1,0"],
            {},
            "line 19, column 1: a value must be there, but it is missing: fill",
        ),
        (["a,b,y", *ROWS, "1,nan,0"], {}, "line 20, column 'b': a value must be there, but it is"),
        (["a,b,y", *ROWS, "1,inf,0"], {}, "line 20, column 'b': must be a number, not 'inf'"),
        (["a,b,y", *ROWS, "1,1e999,0"], {}, "column 'b': must be a finite number, not '1e999'"),
        (
            ["a,b,y", *ROWS, "1,x,0"],
            {},
            "not 'x' (--drop b leaves the column out, --label b takes ",
        ),
        (["a,b,y", *ROWS, '1,"2,5",0'], {}, "line 20, column 'b': must be a number, not '2,5'"),
        (
            ["a,b,y", *ROWS, "1,2,"],
            {},
            "line 20: the label must be there, but is missing in column",
        ),
        (
            ["a,b,y", *ROWS, "1,2,?"],
            {},
            "line 20: the label must be there, but is missing in colum",
        ),
        (["a;b;y", "1,5;2;0", "1.5;2;0"], {}, "must be a number with a decimal comma, not '1.5'"),
        (["a,A,y", *ROWS], {}, "line 1: columns must have different names, but 'a' is twice"),
        (
            ["a,b,y", *ROWS],
            {"label": "z"},
            "--label must be one of a, b, y, or a column's number, ",
        ),
        (["length,b,y", *ROWS], {"label": "lenght"}, "not 'lenght'; did you mean 'length'?"),
        (ROWS, {"label": "4"}, "--label must be a column's number, 1 to 3, not '4'"),
        (ROWS, {"label": "0"}, "--label must be a column's number, 1 to 3, not '0'"),
        (ROWS, {"label": "1"}, "y must be classes: whole numbers or text, not 1.5"),
        (["a,b,y", *ROWS], {"drop": ("c",)}, "--drop must be one of a, b, y, or a column's number"),
        (
            ["a,b,y", *ROWS],
            {"label": "y", "drop": ("3",)},
            "--drop must leave column 'y', which has",
        ),
        (
            ["a,b,y", *ROWS],
            {"drop": ("a", "b")},
            "there must be a column of numbers beside that of",
        ),
        (
            [f"{n % 7},{n * n}" for n in range(30)],
            {},
            "--label must say which column has the labels: column 2, the last one, has 30",
        ),
        (
            ["a,b,y", "1,2,0", "2,1,1"],
            {},
            "every class must have 2 samples or more, so that one is",
        ),
        (["a,b,y", *["1,2,x"] * 9], {}, "labels must be of 2 or more classes, but all are x"),
        (
            ["a,b,y", '1,2,"' + "x" * 200000 + '"'],
            {},
            "line 2: must be a row of a table, but field ",
        ),
    ],
)
def test_complaints(tmp_path, capsys, lines, told, message):
    path = tmp_path / "d.csv"
    path.write_text("\n".join(lines) + ("\n" if lines else ""))
    words = [
        w for n, v in told.items() for w in (f"--{n}", v if isinstance(v, str) else ",".join(v))
    ]
    out = tmp_path / "m.npz"
    assert main(["train", "--data", str(path), *NETWORK, *words, "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()


class TestFiles:
    def test_no_table(self, tmp_path):
        path = str(tmp_path / "d.csv")
        with pytest.raises(InputError, match=r"d\.csv: must be a readable table: No such file"):
            load(path)
        np.savez(tmp_path / "x.npz", x_train=1, y_train=1)
        (tmp_path / "x.npz").rename(path)
        with pytest.raises(
            InputError, match=r"must be a table as text, but it is a data set: give"
        ):
            load(path)
        (tmp_path / "d.csv").write_bytes(b"\0\1\2")
        with pytest.raises(InputError, match=r"d\.csv: must be a table as text$"):
            load(path)
        written(tmp_path / "d.csv", ["größe,y", "1,0"], encoding="latin-1")
        with pytest.raises(InputError, match=r"must be text in UTF-8 \(of Excel: CSV UTF-8\)"):
            load(path)

    def test_a_large_table_is_bounded(self, tmp_path, monkeypatch):
        rows = [f"{n},{n * 3 % 7},{n % 2}" for n in range(3 * tables.PIECE)]
        path = written(tmp_path / "d.csv", ["a,b,y", *rows])
        monkeypatch.setattr(tables, "MOST", 3 * tables.PIECE)
        with pytest.raises(
            InputError, match=r"must have at most 12,288 numbers: make a \.npz file"
        ):
            load(path)

    def test_memory_is_that_of_the_numbers(self, tmp_path):
        random = np.random.default_rng(1)
        x = random.integers(0, 256, (6 * tables.PIECE, 16))
        rows = [",".join(map(str, [*row, row[0] % 3])) for row in x.tolist()]
        path = written(tmp_path / "d.csv", rows)
        tracemalloc.start()
        found = tables.from_table(path, Reading())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert np.array_equal(found.x, x)
        piece = tables.PIECE * 16 * 60  # rows as text, and as floats
        assert peak < 2.5 * x.size * 8 + 2 * piece

    def test_a_set_by_name_has_no_columns(self, tmp_path, capsys):
        np.savez(tmp_path / "d.npz", x=np.zeros((4, 2)), y=np.arange(4) % 2)
        for name, why in (("digits", "no file of yours"), (f"{tmp_path}/d.npz", "no columns")):
            for option in ("--label", "--drop"):
                line = [
                    "train",
                    "--data",
                    name,
                    *NETWORK,
                    option,
                    "a",
                    "--out",
                    f"{tmp_path}/m.npz",
                ]
                assert main(line) == 2
                assert f"{option} must be left out: {name} " in (err := capsys.readouterr().err)
                assert why in err
