"""When the logits of an image come, from an engine that learns and is idle: in closed form."""

from ..machine.schedule import SINGLE
from .schedule import Schedule, Sweep

START = 14  # cycles from the last input taken to the last result, beside those of the forward sweep


def latency(schedule: Schedule) -> int:
    """Cycles from the last input taken to the last result written, in an engine that is idle.

    Inputs are taken word by word. The engine takes one word ahead of its task, so where there is a
    single one the latency has the beginning in it.
    """
    machine, output = schedule.machine, schedule.of(Sweep.FORWARD)[-1]
    words = schedule.topology.layers[0] // machine.input_width
    start = START + schedule.inputs // words - 1 + (words == 1) * SINGLE
    held = schedule.blocks[0].wait + schedule.held
    return start + held + output.last + machine.left + machine.groups
