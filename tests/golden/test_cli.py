"""What commands share: exit codes, one-line errors, numbers, files that are whole or not there."""

import errno
import json
import os
import stat
import subprocess
import sys

import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import cli


def raising(error):
    def run(argv):
        raise error

    return run


class TestMain:
    @pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1)])
    def test_what_run_returns(self, returned, code, capsys):
        assert cli.main(lambda argv: returned, []) == code
        assert capsys.readouterr() == ("", "")

    @pytest.mark.parametrize(
        ("error", "code", "line"),
        [
            (InputError("too\n  wide"), 2, "error: too wide\n"),
            (FileNotFoundError(errno.ENOENT, "No such file", "x"), 2, "error: x: No such file\n"),
            (OSError("disk on fire"), 2, "error: disk on fire\n"),
            (KeyboardInterrupt(), 130, "error: interrupted\n"),
        ],
    )
    def test_one_line(self, error, code, line, capsys):
        assert cli.main(raising(error), []) == code
        assert capsys.readouterr() == ("", line)

    @pytest.mark.parametrize("lines", [1, 100_000])
    def test_a_reader_that_has_enough(self, lines):
        """It closes the pipe before, or while, the command prints: no message."""
        run = f"lambda argv: print('line\\n' * {lines})"
        code = (
            f"import sys; from sobolpath.golden.support import cli; sys.exit(cli.main({run}, []))"
        )
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as output:
            done = subprocess.run(
                [sys.executable, "-c", code], stdout=output, stderr=subprocess.PIPE, timeout=60
            )
        assert (done.returncode, done.stderr) == (141, b"")

    def test_bugs_are_not_hidden(self):
        with pytest.raises(ZeroDivisionError):
            cli.main(raising(ZeroDivisionError()), [])

    def test_arguments(self, monkeypatch):
        seen = []
        monkeypatch.setattr("sys.argv", ["prog", "a", "b"])
        cli.main(seen.extend)
        cli.main(seen.extend, ["c"])
        assert seen == ["a", "b", "c"]


class TestParser:
    def test_errors_are_one_line(self):
        parser = cli.Parser(prog="prog")
        parser.add_argument("--count", type=int)
        with pytest.raises(InputError, match=r"invalid int value: 'x' \(try 'prog --help'\)"):
            parser.parse_args(["--count", "x"])
        with pytest.raises(InputError, match="unrecognized arguments: --coun"):
            parser.parse_args(["--coun", "1"])


class TestIntegers:
    @pytest.mark.parametrize(
        ("text", "separator", "numbers"),
        [("64-128-16", "-", (64, 128, 16)), ("2048,1024", ",", (2048, 1024)), ("7", ",", (7,))],
    )
    def test_good(self, text, separator, numbers):
        assert cli.integers(text, separator) == numbers

    @pytest.mark.parametrize("text", ["", "64-", "64,128", "a", "1.5", "-1"])
    def test_bad(self, text):
        with pytest.raises(InputError, match="--layers must be integers joined by '-', not '"):
            cli.integers(text, "-", "--layers")


class TestFiles:
    @pytest.mark.parametrize("content", ["text\n", b"\x00\xff"])
    def test_content_and_folders(self, tmp_path, content):
        path = tmp_path / "a" / "b" / "f"
        cli.write_atomically(path, content)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
        assert os.listdir(path.parent) == ["f"]

    def test_mode_follows_the_umask(self, tmp_path):
        old = os.umask(0o027)
        try:
            cli.write_atomically(tmp_path / "f", "x")
        finally:
            os.umask(old)
        assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640

    def test_failing_leaves_the_old_file(self, tmp_path, monkeypatch):
        path = tmp_path / "f"
        path.write_text("old")
        monkeypatch.setattr(cli.os, "replace", lambda *a: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            cli.write_atomically(path, "new")
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == ["f"]

    def test_a_link_stays_one(self, tmp_path):
        (tmp_path / "f").write_text("old")
        (tmp_path / "link").symlink_to("f")
        cli.write_atomically(tmp_path / "link", "new")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "f").read_text() == "new"

    def test_a_pipe_is_written_as_it_is(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        try:
            cli.write_atomically(tmp_path / "pipe", "new")
            assert os.read(reader, 10) == b"new"
        finally:
            os.close(reader)
        assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)

    def test_writable(self, tmp_path):
        (tmp_path / "f").write_text("old")
        cli.check_writable(tmp_path / "f", tmp_path / "new" / "g", None, "-", "-", read=["m"])
        assert os.listdir(tmp_path) == ["f"]
        assert (tmp_path / "f").read_text() == "old"

    @pytest.mark.parametrize(
        ("paths", "read", "message"),
        [
            (["."], [], "must be a file to write, not a folder"),
            (["f", "./f"], [], "f: must be a file of its own, not one that is read or written"),
            (["f"], ["../{}/f"], "f: must be a file of its own"),
            (["f/g"], [], "g: must be in a folder that can be written, but .*f cannot"),
            (["/proc/g"], [], "/proc/g: must be in a folder that can be written, not /proc: "),
        ],
    )
    def test_not_writable(self, paths, read, message, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "f").write_text("old")
        with pytest.raises(InputError, match=message):
            cli.check_writable(*paths, read=[path.format(tmp_path.name) for path in read])

    def test_json(self, tmp_path, capsys):
        result = {"b": [1, 2.5], "a": None}
        cli.write_json(tmp_path / "r.json", result)
        assert json.loads((tmp_path / "r.json").read_text()) == result
        assert capsys.readouterr().out == ""
        cli.write_json("-", result)
        assert json.loads(capsys.readouterr().out) == result


def test_progress_passes_everything_and_is_silent_without_a_terminal(capsys):
    assert list(cli.progress(range(5), desc="x")) == [0, 1, 2, 3, 4]
    assert capsys.readouterr() == ("", "")
