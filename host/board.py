"""A board, as a program uses it: open, load a model, infer."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike

from sobolpath.golden.errors import InputError
from sobolpath.golden.learn.parameters import Parameters
from sobolpath.golden.learn.program import unpack
from sobolpath.golden.learn.start import FRACTIONS
from sobolpath.golden.machine import engine
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.image import Space
from sobolpath.golden.machine.model import Model
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.identity import STATES, Identity
from sobolpath.golden.protocol.network import RECORD_BYTES, Network, pack, used

from . import loading
from .errors import CannotLearn, Changed, NoNetwork, TooBig
from .inference import Batch
from .learning import Lesson, resolved
from .links import BAUD, Link, connect
from .session import Session

#: Is told how much was done, and of how much: bytes of a load, images of a batch.
Progress = Callable[[int, int], object]
#: Of an identity, what is no property of the engine.
PASSING = (*STATES, "infer_bytes", "digest")


class Board:
    """A device behind ``link``; it is found when this is made. A context manager.

    No answer of it is wrong: each is checked, whatever is in doubt is repeated from a break on,
    and what cannot be had raises one of ``sobolpath.host.errors``. One thread uses it at a time.

    Parameters
    ----------
    link : see ``sobolpath.host.links``; it is closed with the board.
    retries : how often anything is repeated, at most, before that.

    Members
    -------
    identity : what the device said of itself last (``golden.protocol.identity.Identity``).
    model, network : what was loaded last, ``None`` before; of a device that learns, the model as
        it came to the device.
    """

    def __init__(self, *, link: Link, retries: int = 3) -> None:
        self.model: Model | None = None
        self.network: Network | None = None
        self._doubtful = False  # the network may have learnt once more
        self._link = link
        try:
            self._session = Session(link, retries=retries)
            self._engine = _engine(self._session.start())
        except BaseException:
            link.close()
            raise

    @classmethod
    def open(
        cls, port: str, *, baud: int = BAUD, retries: int = 3, level: str = "bytes"
    ) -> "Board":
        """Open a port and find the device.

        ``port``, ``baud``, ``level`` : see ``links.connect``; ``retries`` : see the class. Raises
        ``NoDevice``, ``PortBusy``, ``NoReply``, ``NotOurs``, ``OtherVersion``.
        """
        return cls(link=connect(port, baud=baud, level=level), retries=retries)

    def __enter__(self) -> "Board":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back. The device keeps its network."""
        self._link.close()

    @property
    def identity(self) -> Identity:
        """What the device said of itself last."""
        identity = self._session.identity
        assert identity is not None  # start() has seen to it
        return identity

    @property
    def name(self) -> str:
        """The port, as it was typed."""
        return self._link.name

    def identify(self) -> Identity:
        """Ask the device what it is. Raises as :meth:`infer` does."""
        return self._session.persist(self._session.identify)

    def pack(self, model: Model) -> Network:
        """A model as this device takes it. Raises ``TooBig`` where it does not.

        A device that learns takes its floats.
        """
        try:
            return pack(model, self.identity)
        except InputError as error:
            raise TooBig(str(error)) from None

    def load(self, model: Model | Path | str, *, progress: Progress | None = None) -> bool:
        """Have the device hold a model: it says so, by its digest, before this returns.

        Parameters
        ----------
        model : a ``golden.machine.model.Model``, a model file, or the name of one that ships.
        progress : is told the bytes sent, and all bytes to send.

        Returns whether anything was sent: ``False`` where the device held it already. Raises
        ``TooBig``, ``InputError`` for a file that is no model, and as :meth:`infer` does.
        """
        if not isinstance(model, Model):
            model = models.load(model)
        network = self.pack(model)
        self.model, self.network, self._doubtful = None, None, False
        sent = self._session.persist(lambda: self._ensure(network, progress))
        if self.identity.learns:
            parameters = Parameters.of_model(model, FRACTIONS)
            known = model.classes, model.info, model.preparation
            model = parameters.model(FRACTIONS, *known)
        self.model, self.network = model, network
        return sent

    def infer(self, images: ArrayLike, *, progress: Progress | None = None) -> np.ndarray:
        """The logits of images, from the network that :meth:`load` loaded.

        Parameters
        ----------
        images : ``uint8`` (n, n_0), or (n_0,) for one, in natural neuron order; any n.
        progress : is told the images that are done, and all of them.

        Returns ``int32`` (n, n_L), equal to ``golden.machine.engine.infer``. Raises ``NoNetwork``
        where none was loaded, ``InputError`` for other images; ``NoReply``, ``Damaged``,
        ``Refused``, ``Unplugged`` or ``Changed`` where the device cannot be had; what was loaded
        stays loaded, and the next call begins anew.
        """
        if self.network is None:
            raise NoNetwork("a network must be loaded before images are inferred: call load")
        network = self._settled()
        batch = Batch(images, network)
        return batch.run(self._session, lambda: self._ensure(network), progress)

    def learn(
        self,
        images: ArrayLike,
        labels: ArrayLike,
        *,
        rate: int = 5,
        fixed: bool = False,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Have the device learn images, one after the other, each of them once.

        Parameters
        ----------
        images : as of :meth:`infer`.
        labels : their classes, integers (n,), or one for one image.
        rate : of the learning rate 2**-rate, 0 to 15.
        fixed : weights keep their signs.
        progress : is told the images that are learnt, and all of them.

        Returns the logits of each image, from before it was learnt: ``int32`` (n, n_L). Where a
        step was made, but its reply did not arrive, they are -2**31. Raises ``CannotLearn``,
        ``Forgotten`` where the device lost what it had learnt, and as :meth:`infer` does; what was
        learnt till then stays learnt.
        """
        model, network = self._learning()
        task = {"rate": rate, "fixed": fixed}
        lesson = Lesson(images, labels, network, classes=model.classes, **task)
        self._session.persist(lambda: self._ensure(network))
        try:
            return lesson.run(self._session, progress)
        finally:
            self.network, self._doubtful = lesson.network, lesson.doubtful

    def parameters(self) -> Parameters:
        """The weights and biases that the device has by now: they are read back.

        Their ``model`` is what the device infers with. Raises as :meth:`learn` does.
        """
        model, network = self._learning()
        return self._session.persist(lambda: self._read(model.topology, network))

    def _learning(self):
        """The model and the network of a device that learns. Raises as :meth:`learn` does."""
        if not self.identity.learns:
            raise CannotLearn(
                f"{self.name}: must be a device that learns, but its engine infers alone: build "
                "one that learns"
            )
        if self.model is None:
            raise NoNetwork("a network must be loaded before a device learns: call load")
        return self.model, self._settled()

    def _settled(self):
        """The network, once it is known how often it has learnt."""
        network = self.network
        assert network is not None  # whoever asks has seen to it
        if self._doubtful:
            self.network = self._session.persist(lambda: resolved(self._session, network))
            self._doubtful = False
        assert self.network is not None
        return self.network

    def _read(self, topology, network):
        """The parameters, if the device still holds the network behind it. Raises ``Doubt``."""
        self._ensure(network)
        found = {}
        for space, parts in used(topology, self.identity).items():
            found[space] = b"".join(self._bytes(space, *part) for part in parts)
        self._ensure(network)
        lanes = self.identity.lanes
        return unpack(topology, lanes, found[Space.WEIGHTS], found[Space.BIASES])

    def _bytes(self, space, first, count):
        """Bytes of a memory. Raises ``Doubt``."""
        content = bytearray()
        while len(content) < count:
            address, size = first + len(content), min(RECORD_BYTES, count - len(content))
            content += self._session.ask(
                lambda tag, a=address, s=size: frames.read(space, a, s, tag), size
            )
        return bytes(content)

    @property
    def names(self) -> tuple[str, ...]:
        """What the classes of the loaded model are called, class 0 first; their numbers otherwise.

        Raises ``NoNetwork`` where none was loaded.
        """
        if self.model is None:
            raise NoNetwork("a network must be loaded before its classes have names: call load")
        return self.model.names

    def classify(self, samples: ArrayLike) -> np.ndarray:
        """The classes of samples as the model's data set has them: ``int64`` (n,).

        :attr:`names` says what they are called.

        ``samples`` : (n, ...), prepared as the model file says. Raises as :meth:`infer` does, and
        ``InputError`` where the model does not know how its samples are prepared.
        """
        if self.model is None:
            raise NoNetwork("a network must be loaded before samples are classified: call load")
        if self.model.preparation is None:
            raise InputError("the model must know how samples are prepared, but it does not")
        images = self.model.preparation.apply(samples)
        return engine.classify(self.model, self.infer(images))

    def _ensure(self, network: Network, progress: Progress | None = None) -> bool:
        """The device holds the network: asked, loaded where it does not, asked again."""
        sent = loading.ensure(self._session, network, progress)
        if _engine(self.identity) != self._engine:
            raise Changed(
                f"{self.name}: must be the device that was opened, but its engine is another now: "
                "open it again"
            )
        return sent


def _engine(identity: Identity) -> tuple[object, ...]:
    """What of an identity does not change while a device is what it is."""
    return tuple(value for name, value in vars(identity).items() if name not in PASSING)
