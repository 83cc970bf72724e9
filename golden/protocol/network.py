"""What is sent to a device so that it runs a model: LOAD, the WRITEs, CHECK."""

import zlib
from dataclasses import dataclass, replace

from ..learn import program as learn
from ..learn.arithmetic import Fractions
from ..learn.parameters import Parameters
from ..machine import capacity as row_lane
from ..machine.capacity import fit
from ..machine.image import MemoryImage, Space
from ..machine.model import Model
from ..machine.schedule import plan
from ..path_order import capacity as path_order
from ..topology.paths import Paths
from . import frames
from .identity import Identity

RECORD_BYTES = 4096  # at most, of one WRITE
BIT_TIMES = 20  # of two bytes


@dataclass(frozen=True)
class Network:
    """A model as it is loaded into one kind of device.

    Parameters
    ----------
    records : what is written, in order: (space, address, 1 to ``RECORD_BYTES`` bytes).
    inputs, outputs : neurons of the first and of the last layer.
    images : that are inferred together.
    overlap : the inputs of the next INFER may be sent before the reply has come.
    """

    records: tuple[tuple[Space, int, bytes], ...]
    inputs: int
    outputs: int
    images: int
    overlap: bool = False

    @property
    def infer_bytes(self) -> int:
        """Bytes of the data of one INFER."""
        return self.inputs * self.images

    @property
    def reply_bytes(self) -> int:
        """Bytes of the payload of its reply."""
        return 4 * self.outputs * self.images

    @property
    def digest(self) -> int:
        """The CRC-32 of the data of LOAD and of all WRITEs: what the device comes to."""
        value = zlib.crc32(self.infer_bytes.to_bytes(2, "little"))
        for _, _, content in self.records:
            value = zlib.crc32(content, value)
        return value

    def learnt(self) -> "Learnt":
        """The same after a step of learning."""
        return Learnt(**vars(self), told=frames.learnt(self.digest))

    def frames(self, tag: int = 0) -> list[bytes]:
        """The commands LOAD, WRITE ..., CHECK; tags count from ``tag`` on, modulo 256."""
        found = [frames.load(self.infer_bytes, tag % 256)]
        for number, (space, address, content) in enumerate(self.records, tag + 1):
            found.append(frames.write(space, address, content, number % 256))
        found.append(frames.check(self.digest, (tag + len(found)) % 256))
        return found


@dataclass(frozen=True)
class Learnt(Network):
    """A network that a device has learnt from since it was loaded: its ``records`` are gone.

    ``told`` : the digest that the device has by now.
    """

    told: int = 0

    @property
    def digest(self) -> int:
        """What the device tells."""
        return self.told

    def learnt(self) -> "Learnt":
        """The same after one more step."""
        return replace(self, told=frames.learnt(self.told))


def records(image: MemoryImage) -> tuple[tuple[Space, int, bytes], ...]:
    """The records of a memory image: (space, address, at most ``RECORD_BYTES`` bytes)."""
    return tuple(
        (space, first, content[first : first + RECORD_BYTES])
        for space, content in image.spaces()
        for first in range(0, len(content), RECORD_BYTES)
    )


def pack(model: Model, identity: Identity) -> Network:
    """The :class:`Network` of a model for the device of this identity; of its floats, in the
    default digits, where that device learns (:func:`pack_parameters`).

    Raises ``InputError`` where it does not fit: neurons of the widest or of the last layer, paths,
    biases, words of the program, bytes of one INFER; or where the engine does not take its paths.
    """
    topology = model.topology
    if identity.learns:
        fractions = Fractions()
        return pack_parameters(Parameters.of_model(model, fractions), fractions, identity)
    fit("device", "bytes of one INFER", topology.layers[0] * identity.images, frames.MAX_LENGTH)
    if identity.path_order:
        image = path_order.fitted(model, identity, identity.bias_neurons, "device")
    else:
        image = row_lane.fitted(model, identity, "device")
    ends, overlap = (topology.layers[0], topology.layers[-1]), _overlaps(topology, identity)
    return Network(records(image), *ends, identity.images, overlap)


def pack_parameters(parameters: Parameters, fractions: Fractions, identity: Identity) -> Network:
    """The :class:`Network` of parameters for a device that learns.

    Of both planes of weights the rows that are in use are written. Raises ``InputError`` where they
    do not fit.
    """
    topology = parameters.topology
    fit("device", "bytes of one INFER", topology.layers[0], frames.MAX_LENGTH)
    image = learn.fitted(parameters, fractions, identity, "device")
    found = [
        (space, first + part, content[part : part + RECORD_BYTES])
        for space, first, content in _learn_spaces(image, topology, identity)
        for part in range(0, len(content), RECORD_BYTES)
    ]
    return Network(tuple(found), topology.layers[0], topology.layers[-1], 1)


def _learn_spaces(image, topology, identity):
    """What is written of an image that learns: (space, first address, bytes)."""
    (_, weights), *others = image.spaces()
    for first, count in used(topology, identity)[Space.WEIGHTS]:
        yield Space.WEIGHTS, first, weights[first : first + count]
    for space, content in others:
        yield space, 0, content


def used(topology: Paths, identity: Identity) -> dict[Space, list[tuple[int, int]]]:
    """Of a device that learns, where its network's weights and biases stand: (address, bytes)."""
    count, plane = topology.total_paths, identity.weight_words * identity.lanes
    return {
        Space.WEIGHTS: [(0, count), (plane, count)],
        Space.BIASES: [(0, 4 * sum(topology.layers[1:]))],
    }


def _overlaps(topology, identity):
    """Whether no byte is lost that comes while the engine runs.

    Inputs wait where the schedule has no place for them yet, and while an activation is written in
    every cycle, as in a junction of few paths per neuron. Two bytes can wait, on a serial line for
    ``BIT_TIMES`` bits.
    """
    if not identity.overlap or identity.path_order:
        return False
    schedule = plan(topology, identity.machine)
    groups, wide = schedule.machine.groups, schedule.wide
    busy = sum(
        wide.layers[junction] // identity.lanes * groups
        for junction in wide.junctions
        if wide.fan_in(junction) <= groups
    )
    return schedule.overlap and (not identity.divisor or busy < BIT_TIMES * identity.divisor)
