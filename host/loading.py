"""Have a device hold a network: what it says of its digest decides."""

from collections.abc import Callable

from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.protocol.network import Learnt, Network

from .errors import Damaged, Doubt, Forgotten
from .session import Session


def holds(identity: Identity, network: Network) -> bool:
    """Whether a device says that it has this network, whole and checked."""
    return identity.network and _received(identity, network)


def _received(identity, network):
    """Whether all bytes of a network came, checked by the device or not."""
    told = identity.digest, identity.infer_bytes
    return told == (network.digest, network.infer_bytes)


def ensure(
    session: Session, network: Network, progress: Callable[[int, int], object] | None = None
) -> bool:
    """Load a network unless the device holds it; returns whether any of it was sent.

    The device's own digest is that of the network when this returns. ``progress`` is told the bytes
    of the network that were sent, and all of them. Raises ``Doubt``: then it is begun again from
    LOAD on, as nothing is known of a WRITE that was not answered. Raises ``Forgotten`` for a
    network that has learnt since, and is gone: it cannot be sent.
    """
    identity = session.identify()
    if holds(identity, network):
        return False
    sent = not _received(identity, network)
    if sent and isinstance(network, Learnt):
        raise Forgotten(
            "the device must still have what it learnt, but its digest is another: load a model"
        )
    if sent:
        _send(session, network, progress)
    session.ask(lambda tag: frames.check(network.digest, tag))
    if not holds(session.identify(), network):
        raise Doubt(
            Damaged("the device must hold the network that was sent, but its digest is another")
        )
    return sent


def _send(session, network, progress):
    """LOAD and the WRITEs, each answered before the next one goes out."""
    session.ask(lambda tag: frames.load(network.infer_bytes, tag))
    total = sum(len(content) for _, _, content in network.records)
    done = 0
    for space, address, content in network.records:
        session.ask(lambda tag, s=space, a=address, c=content: frames.write(s, a, c, tag))
        done += len(content)
        if progress is not None:
            progress(done, total)
