"""The critical path of a routed design, hop by hop, by the names of our own signals."""

from .hierarchy import Hierarchy, plain


def critical(report: dict, hierarchy: Hierarchy) -> dict:
    """The longest path from clock edge to clock edge of nextpnr's report, as a dictionary.

    ``hops`` : from flip-flop to flip-flop, each a net: ``signal``, its driver's name;
    ``near``, whether that is only the nearest signal, of logic between two of ours; ``logic_ns``,
    in the cell that drives it; ``routing_ns``; ``to``, the tile of the cell that it goes to.
    ``setup_ns`` is the last cell's. ``total_ns``, ``logic_ns`` (with the set-up) and
    ``routing_ns`` are sums.
    """
    hops, logic = [], 0.0
    for step in _clocked(report)["path"]:
        if step["type"] != "routing":
            logic += step["delay"]
            continue
        name, near = _name(step["net"], hierarchy)
        hops.append(
            {
                "signal": name,
                "near": near,
                "logic_ns": round(logic, 3),
                "routing_ns": round(step["delay"], 3),
                "to": step["to"]["loc"],
            }
        )
        logic = 0.0
    sums = {
        "logic_ns": round(sum(hop["logic_ns"] for hop in hops) + logic, 3),
        "routing_ns": round(sum(hop["routing_ns"] for hop in hops), 3),
    }
    return {
        "total_ns": round(sum(sums.values()), 3),
        **sums,
        "setup_ns": round(logic, 3),
        "hops": hops,
    }


def _clocked(report):
    """The path that sets Fmax: between two edges of the one clock."""
    paths = [path for path in report["critical_paths"] if path["from"] == path["to"] != "<async>"]
    return max(paths, key=lambda path: sum(step["delay"] for step in path["path"]))


def _name(net, hierarchy):
    """A net by the name of its driver, and whether that is only the nearest one."""
    found = hierarchy.signal(net)
    near = found is None
    if near:
        found = hierarchy.nearest(net) or ("", net)
    part, signal = found
    return plain(".".join(word for word in (part, signal) if word)), near
