"""Which C++ compiler is taken, and what is said where it fails."""

import pytest

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import compilers


def test_what_is_taken(monkeypatch, tmp_path):
    """What $CXX says, or the first that is there."""
    monkeypatch.setenv("CXX", "env -i g++")
    assert compilers.find("it") == ["env", "-i", "g++"]
    monkeypatch.setenv("CXX", "no-such-compiler -x")
    with pytest.raises(InputError, match=r"CXX must be .* not 'no-such-compiler'"):
        compilers.find("it")
    monkeypatch.delenv("CXX")
    assert compilers.find("it")[0] in compilers.COMPILERS
    (tmp_path / "clang++").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compilers.find("it") == ["clang++"]
    (tmp_path / "clang++").unlink()
    message = (
        r"^it needs a C\+\+ compiler, g\+\+ or clang\+\+ on PATH or \$CXX: apt-get install g\+\+$"
    )
    with pytest.raises(InputError, match=message):
        compilers.find("it")


def test_quoting(monkeypatch):
    monkeypatch.setenv("CXX", '"g++')
    with pytest.raises(InputError, match=r"CXX must be a command, not .*No closing quotation"):
        compilers.find("it")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo a note >&2; echo x.cpp:1: error: no >&2; exit 1", r"x\.cpp:1: error: no$"),
        ("echo the first line; echo another; exit 1", "the first line$"),
        ("exit 3", "no message$"),
        ("kill -9 $$", "ended by signal 9$"),
    ],
)
def test_what_is_said(text, message, tmp_path):
    with pytest.raises(InputError, match=r"^the C\+\+ compiler sh failed: " + message):
        compilers.compile_with(["sh", "-c"], [text], tmp_path)


def test_what_it_prints_and_where(tmp_path):
    assert (
        compilers.compile_with(["sh", "-c"], ["touch made; echo $WHO"], tmp_path, {"WHO": "me"})
        == "me\n"
    )
    assert (tmp_path / "made").exists()


def test_hashes():
    assert compilers.digest(("a", 1)) != compilers.digest(("a", 2))
    assert [len(compilers.digest("a", *digits)) for digits in ((), (24,))] == [16, 24]
