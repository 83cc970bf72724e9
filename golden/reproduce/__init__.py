"""Reproductions of the papers' figures and tables: ``sobolpath reproduce NAME``.

A reproduction is a module of this package with

- ``NAME``, ``TITLE`` (for the picture and ``--list``) and ``SOURCE`` (paper and figure), strings;
- ``DEFAULTS``, a dictionary with those of ``data``, ``images``, ``epochs`` and ``seeds`` that it
  reads, and their quick values: the command refuses the other options;
- ``rows(options)``, the figures: a list of dictionaries with the same keys, the columns of the CSV.
  ``options`` has the attributes of ``DEFAULTS`` and ``seed``. What takes time shows
  :func:`golden.support.cli.progress`; what is random draws from ``options.seed`` on;
- ``plot(rows, axes)``, which draws them into matplotlib axes: one, or an array of ``PANELS``
  (rows, columns) if the module has that. Matplotlib is not imported: it is an optional dependency;
- ``COLUMNS``, the printed table's: (title, key, format) each, within 80 characters;

and, where wanted, ``table(rows)``, the rows that are printed if they are not all;
``summary(rows)``, a dictionary of what they say together (a correlation, ...); and ``SIZE``, the
picture's width and height in inches. :mod:`golden.reproduce.trials` trains networks by several
seeds. Enter the module in ``MODULES``: the command and its help then know it. Its test, with tiny
sizes, goes to ``tests/``, its picture and what it shows to ``docs/reproductions.md``.
"""

from types import ModuleType

from ..support.plots import Chart
from . import (
    coalescing,
    connectivity,
    connectivity_sigmoid,
    conv_weights,
    densities,
    edges_32,
    growing,
    initializations,
    paths_per_neuron,
    sampling_dense,
    scatter,
)

MODULES = (
    edges_32,
    paths_per_neuron,
    coalescing,
    conv_weights,
    initializations,
    sampling_dense,
    densities,
    scatter,
    connectivity,
    connectivity_sigmoid,
    growing,
)
REPRODUCTIONS = {module.NAME: module for module in MODULES}


def chart(module: ModuleType) -> Chart:
    """The picture of a reproduction, to be drawn of its rows."""
    more = {
        name.lower(): getattr(module, name) for name in ("SIZE", "PANELS") if hasattr(module, name)
    }
    return Chart(module.TITLE, module.plot, **more)
