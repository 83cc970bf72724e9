"""Sweep files: the cells they make, and what is wrong with them."""

import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cli
from sobolpath.sim.sweep import cell, plan

FIXED = """
[fixed]
data = "digits"
layers = "64-32-16"
"""


def load(folder, text):
    path = folder / "s.toml"
    path.write_text(text)
    return plan.load(path)


def arguments(found):
    return [each.arguments for each in found.cells]


class TestCells:
    def test_every_combination_in_order(self, tmp_path):
        found = load(tmp_path, f"{FIXED}\n[grid]\npaths = [64, 128]\nseed = [3, 1]\n")
        assert found.name == "s"
        assert found.axes == {"paths": (64, 128), "seed": (3, 1)}
        assert [tuple(each.options.values()) for each in found.cells] == [
            (64, 3),
            (64, 1),
            (128, 3),
            (128, 1),
        ]
        assert arguments(found)[1] == (
            "--data=digits",
            "--layers=64-32-16",
            "--paths=64,64",
            "--seed=1",
        )
        assert {each.board for each in found.cells} == {None}

    def test_no_axis_is_one_cell(self, tmp_path):
        (only,) = load(tmp_path, f"{FIXED}paths = 64\n").cells
        assert (only.options, plan.describe(only.options)) == ({}, "the only cell")

    def test_lists_are_joined(self, tmp_path):
        text = '[fixed]\ndata = "digits"\npaths = [128, 64]\ndimensions = [0, 2, 1]\n'
        found = load(tmp_path, f'{text}[grid]\nlayers = [[64, 32, 16], "64-64-16"]\n')
        assert arguments(found)[0][1:] == (
            "--paths=128,64",
            "--dimensions=0,2,1",
            "--layers=64-32-16",
        )
        assert found.axes == {"layers": ("64-32-16", "64-64-16")}

    def test_every_option_of_train_may_be_a_key(self, tmp_path):
        more = 'signs = "fixed"\nrate = 1\nnested = 64\ndownload = true\n'
        found = load(
            tmp_path, f"{FIXED}paths = 128\n{more}[grid]\nqat = [0, 1]\ndecay = [0.1, 0]\n"
        )
        options = plan.parse(found.cells[-1].arguments)
        assert (options.signs, options.rate, options.nested, options.download) == (
            "fixed",
            1.0,
            64,
            True,
        )
        assert (options.qat, options.decay) == (1, 0.0)
        off = load(tmp_path, f"{FIXED}paths = 128\ndownload = false\n")
        assert plan.parse(off.cells[0].arguments).download is False

    def test_boards_share_a_training(self, tmp_path):
        grid = 'seed = [0, 1]\nboard = ["icebreaker", "ulx3s"]\n'
        found = load(tmp_path, f"{FIXED}paths = 64\n[grid]\n{grid}")
        assert [each.board for each in found.cells] == ["icebreaker", "ulx3s"] * 2
        assert len(set(arguments(found))) == 2
        assert found.cells[1].options == {"seed": 0, "board": "ulx3s"}

    def test_paths_without_integers_are_trained_once(self, tmp_path):
        grid = 'topology = ["sobol", "dense"]\nbits = [8, 4]\nboard = ["icebreaker", "hx8k"]\n'
        found = load(tmp_path, f"{FIXED}paths = 64\nqat = 2\n[grid]\n{grid}")
        assert len(found.cells) == 5
        last = found.cells[-1]
        assert (last.options, last.board) == ({"topology": "dense"}, None)
        assert not any(word.startswith(("--bits", "--qat")) for word in last.arguments)

    def test_paths_of_every_junction(self, tmp_path):
        text = FIXED.replace("64-32-16", "64-32-32-16")
        assert "--paths=64,64,64" in arguments(load(tmp_path, f"{text}paths = 64\n"))[0]


GRID = f"{FIXED}paths = 64\n[grid]\n"
WRONG = [
    ("[fixed]\nepochs = \n", r"must be TOML: Invalid value \(at line 2, column 10\)"),
    ("[fixed\n", r"must be TOML: .*\(at line 1, column 7\)"),
    ("[fixd]\n", r"a table must be one of fixed, grid, not 'fixd'; did you mean 'fixed'\?"),
    ("fixed = 3\n", r"fixed must be a table, \[fixed\], not 3"),
    (FIXED, r"paths must be in \[fixed\] or in \[grid\]"),
    ("", r"layers must be in|data must be in"),
    (
        f"{FIXED}epoch = 3\n",
        r"epoch must be board or an option of sobolpath train; did you mean 'epochs'\?",
    ),
    (f'{FIXED}out = "m.npz"\n', "out must be board or an option of sobolpath train"),
    (f"{GRID}paths = [64]\n", r"paths must be in \[fixed\] or in \[grid\], not in both"),
    (f"{GRID}seed = []\n", r"seed must have a value or more in \[grid\], not none"),
    (f"{GRID}seed = 3\n", r"seed must be a list of values in \[grid\], not 3"),
    (f"{GRID}seed = [1, 2, 1]\n", r"seed must have no value twice in \[grid\], as it has 1"),
    (f"{GRID}rate = [1, 1.0]\n", r"rate must have no value twice in \[grid\], as it has 1.0"),
    (f'{GRID}seed = [1, "2"]\n', "seed must be an integer, not '2'"),
    (f"{GRID}seed = [true]\n", "seed must be an integer, not True"),
    (f"{GRID}seed = [1.5]\n", "seed must be an integer, not 1.5"),
    (f'{GRID}rate = ["x"]\n', "rate must be a number, not 'x'"),
    (f"{GRID}download = [1]\n", "download must be true or false, not 1"),
    (f"{GRID}topology = [3]\n", "topology must be text, or a list, not 3"),
    (f"{GRID}topology = [[1.5]]\n", r"topology must be text, or a list, not \[1.5\]"),
    (f'{GRID}topology = ["sobl"]\n', "topology must be one of .*; did you mean 'sobol'"),
    (f'{GRID}board = ["icebreker"]\n', "board must be one of .*; did you mean 'icebreaker'"),
    (f"{GRID}epochs = [0]\n", "epochs must be an integer from 1 to"),
    (f'{GRID}optimizer = ["adm"]\n', "optimizer must be one of adam, sgd, not 'adm'; did you mean"),
    (
        f'{FIXED}[grid]\npaths = [64, "64,64"]\n',
        "cells must differ, but these are the same: paths 64, and paths 64,64",
    ),
    (f"{GRID}bits = [9]\n", "bits must be an integer from 2 to 8, not 9"),
    (f"{GRID}rate = [nan]\n", "rate must be a finite number above 0, not nan"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_wrong(tmp_path, text, message):
    with pytest.raises(InputError, match=f"s.toml: (?:{message})"):
        load(tmp_path, text)


def test_not_a_file(tmp_path):
    with pytest.raises(InputError, match="must be a sweep file to read: No such file"):
        plan.load(tmp_path / "none.toml")
    (tmp_path / "s.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="must be a sweep file, TOML in UTF-8"):
        plan.load(tmp_path / "s.toml")


class TestKey:
    """What a cell is known by."""

    WORDS = ("--data=digits", "--layers=64-16", "--paths=64")

    def key(self, *words):
        return cell.task_of((*self.WORDS, *words)).key

    def test_defaults_count_as_if_they_were_typed(self):
        assert (
            self.key() == self.key("--seed=0") == self.key("--epochs=60") == self.key("--download")
        )

    def test_options(self):
        keys = {self.key(), self.key("--seed=1"), self.key("--bits=4"), self.key("--rate=0.02")}
        assert len(keys) == 4

    def test_versions(self, monkeypatch):
        before = self.key()
        monkeypatch.setattr(cell, "versions", lambda: {"sobolpath": "9"})
        assert self.key() != before

    def test_contents_of_files(self, tmp_path):
        path = tmp_path / "m.npz"
        keys = []
        for content in (b"a", b"b", b"a"):
            path.write_bytes(content)
            cell.digest.cache_clear()
            keys.append(self.key(f"--extend={path}"))
        assert keys[0] == keys[2] != keys[1]
        cell.digest.cache_clear()

    def test_what_cannot_be_read(self, tmp_path):
        with pytest.raises(InputError, match="must be a file to read for extend: No such file"):
            self.key(f"--extend={tmp_path / 'none.npz'}")
        with pytest.raises(InputError, match="data set must be one of"):
            cell.task_of(("--data=digit", "--layers=64-16", "--paths=64"))


class TestDiffers:
    """A process that is not what the sweep began with computes nothing."""

    def task(self, **more):
        task = cell.task_of(TestKey.WORDS)
        return cell.Task(**{**vars(task), **more})

    def test_version(self):
        versions = {**cell.versions(), "numpy": "1.0"}
        with pytest.raises(cell.Differs, match=r"^numpy 2\..*, not 1.0$"):
            cell.serve(vars(self.task(versions=versions)))
        with pytest.raises(cell.Differs, match=r"^sobolpath .*, not of none$"):
            cell.compute(self.task(versions={}))

    def test_data(self):
        with pytest.raises(cell.Differs, match="another content of what data names"):
            cell.compute(self.task(digests={"data": "0"}))
        words = ("--data=none.npz", *TestKey.WORDS[1:])
        with pytest.raises(cell.Differs, match=r"no such data: none\.npz"):
            cell.compute(self.task(arguments=words))


def test_no_bars_within():
    with cli.quiet():
        assert cli.progress(range(3)).disable is True
        assert cli.progress(range(3), disable=None).disable is True
    assert cli._quiet.get() is False
