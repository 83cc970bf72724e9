"""The tags: what is known of a step of learning, and travels beside its data."""

from amaranth.lib import data, enum

from sobolpath.golden.learn.schedule import Sweep

from .config import LearnConfig


class Does(enum.Enum, shape=2):
    """What a step does: :class:`golden.learn.schedule.Sweep`, and the update of biases."""

    FORWARD = Sweep.FORWARD
    BACKWARD = Sweep.BACKWARD
    UPDATE = Sweep.UPDATE
    BIAS = 3


def row(config: LearnConfig) -> data.StructLayout:
    """Of a row of sums: what it is, the row of its neurons, its shift, whether signs are ``fixed``,
    whether it is of the last layer (``output``), and that one's last (``closing``)."""
    return data.StructLayout(
        {
            "does": Does,
            "row": range(config.rows),
            "shift": 5,
            "fixed": 1,
            "output": 1,
            "closing": 1,
        }
    )


def step(config: LearnConfig) -> data.StructLayout:
    """Of a step. ``valid`` : there is one. ``first``, ``last`` : it begins, ends a row of sums."""
    return data.StructLayout({"valid": 1, "first": 1, "last": 1, "row": row(config)})


def issue(config: LearnConfig) -> data.StructLayout:
    """A step where it is issued: the rows of activations, of errors and, where it ``chooses``
    (backwards), of weights that it reads, and D."""
    return data.StructLayout(
        {
            "activations": range(config.rows),
            "errors": range(config.machine.error_rows),
            "weights": range(config.weight_words),
            "chooses": 1,
            "distance": config.lane_bits,
            "step": step(config),
        }
    )
