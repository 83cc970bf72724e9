"""Tables: columns, sides, what is too wide goes below, and CSV."""

from sobolpath.golden.support import tables

ROWS = [{"a": "one", "b": 5}, {"a": "three", "b": 1234}, {"a": "none", "b": None}]


def test_text_is_left_and_numbers_are_right():
    assert tables.table((("name", "a", ""), ("n", "b", ",d")), ROWS) == [
        "name       n",
        "one        5",
        "three  1,234",
        "none       -",
    ]


def test_cells_are_to_the_right_but_those_of_the_first_column():
    assert tables.grid([["", "first", "b"], ["ab", "x", "yy"]]) == [
        "    first   b",
        "ab      x  yy",
    ]
    assert tables.grid([["", "first", "b"], ["ab", "x", "yy"]], [True] * 3) == [
        "    first  b",
        "ab  x      yy",
    ]


def test_what_is_too_wide_goes_below_beside_the_first_column():
    lines = tables.grid([["name", *("x" * 24 for _ in range(4))], ["a", "1", "2", "3", "4"]])
    assert lines == [
        "name" + 2 * ("  " + 24 * "x"),
        "a" + 3 * " " + 25 * " " + "1" + 25 * " " + "2",
        "",
        "name" + 2 * ("  " + 24 * "x"),
        "a" + 3 * " " + 25 * " " + "3" + 25 * " " + "4",
    ]
    assert max(map(len, lines)) <= tables.MOST
    exact = tables.grid([["x" * 38, "y" * 40], ["a", "b"]])
    assert len(exact) == 2
    assert len(exact[0]) == tables.MOST == 80
    assert len(tables.grid([["x" * 38, "y" * 20, "z" * 19], ["", "", ""]])) == 5


def test_a_column_that_is_wider_than_a_line_is_whole():
    assert tables.grid([["n", "y" * 99], ["a", "b"]])[0] == "n  " + "y" * 99


def test_csv():
    rows = [{"a": 1, "b": 1 / 3, "c": "x, y"}, {"a": 2, "b": 1e-9, "c": ""}]
    assert tables.csv_text(rows) == 'a,b,c\n1,0.333333,"x, y"\n2,1e-09,\n'
