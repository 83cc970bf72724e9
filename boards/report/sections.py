"""What a report says: from its figures to sections of text, tables and pictures.

A section is a dictionary: ``title``, ``text`` (paragraphs), ``columns`` and ``rows`` (of text; the
first column is a name), ``picture`` (a name of ``pictures.PICTURES``). All but the title may lack.
"""

from . import speeds


def sections(data: dict) -> list[dict]:
    """The sections of the figures of ``boards.report.collect``, in their order."""
    makers = (_verdict, _parts, _seeds, _path, _floor, _memory, _cells, _models, _roofline)
    return [make(data) for make in (*makers, _boards, _made)]


def _verdict(data):
    result = data["result"]
    limit = result["fmax_limit_mhz"]
    allows = "no ceiling of the data sheet is known to us"
    if limit is not None:
        allows = f"the data sheet allows {limit:g} MHz ({result['fmax_limit']})"
    return {
        "title": "Clock",
        "text": [
            f"{result['clock_mhz']:.2f} MHz: {'met' if result['met'] else 'NOT MET'}. Place and "
            f"route reached {max(result['fmax_mhz']):.2f} MHz (seed {result['seed']}), {allows}: "
            f"the limit is {result['reached_mhz']:.2f} MHz, {result['binds']}."
        ],
        "columns": ["limit", "MHz"],
        "rows": [
            ["place and route", f"{max(result['fmax_mhz']):.2f}"],
            *([f"{name}, data sheet", f"{mhz:g}"] for name, mhz in data["ceilings_mhz"].items()),
        ],
    }


def _parts(data):
    kinds, result = data["kinds"], data["result"]

    def share(count):
        return f"{count / result[kinds[0]]:.1%}"

    rows = [
        [row["part"], *(f"{row[kind]:,}" for kind in kinds), share(row[kinds[0]])]
        for row in data["parts"]
    ]
    totals = [f"{result[kind]:,} of {result[f'{kind}_total']:,}" for kind in kinds]
    return {
        "title": "Utilization by submodule",
        "text": [
            "Every placed cell is in one line. Memories, multipliers and what drives a signal of "
            "ours are where that is; logic between two signals, which has no name of its own, "
            "counts where the nearest signal is driven. What is not attributed has no such name, "
            "as the constants 0 and 1."
        ],
        "columns": ["submodule", *map(str.upper, kinds), f"share of {kinds[0].upper()}"],
        "rows": [*rows, ["total", *totals, share(result[kinds[0]])]],
    }


def _seeds(data):
    result = data["result"]
    met = sum(fmax >= result["clock_mhz"] for fmax in result["fmax_mhz"])
    return {
        "title": "Fmax over seeds",
        "text": [
            f"Place and route meets {result['clock_mhz']:.2f} MHz on {met} of "
            f"{len(result['seeds'])} seeds: {min(result['fmax_mhz']):.2f} to "
            f"{max(result['fmax_mhz']):.2f} MHz. The bitstream is that of seed {result['seed']}."
        ],
        "columns": ["seed", "Fmax, MHz"],
        "rows": [
            [str(seed), f"{fmax:.2f}"]
            for seed, fmax in zip(result["seeds"], result["fmax_mhz"], strict=True)
        ],
        "picture": "fmax",
    }


def _path(data):
    path = data["critical_path"]
    share = path["logic_ns"] / path["total_ns"]
    rows = [
        [
            ("near " if hop["near"] else "") + hop["signal"],
            f"{hop['logic_ns']:.2f}",
            f"{hop['routing_ns']:.2f}",
            "X{} Y{}".format(*hop["to"][:2]),
        ]
        for hop in path["hops"]
    ]
    return {
        "title": "Critical path",
        "text": [
            f"{path['total_ns']:.2f} ns from flip-flop to flip-flop: {path['logic_ns']:.2f} ns in "
            f"cells ({share:.0%}) and {path['routing_ns']:.2f} ns on the way between them. Each "
            "line is a net by the signal of ours that it is, as its driver calls it; of logic "
            "between two signals, the one that it is near to."
        ],
        "columns": ["signal", "its cell, ns", "to the next, ns", "which is at"],
        "rows": [*rows, ["set-up", f"{path['setup_ns']:.2f}", "", ""]],
    }


def _floor(data):
    return {
        "title": "Floor plan",
        "text": [
            "Placed cells in the colour of their submodule: small, logic and flip-flops within "
            "their tile; framed, and with a letter where there is room, the multipliers (D) and "
            "memories (E block RAM, S single-port RAM)."
        ],
        "picture": "floor",
    }


def _memory(data):
    rows = [
        [
            f"{space['number']} {space['space']}",
            f"0 to {space['bytes'] - 1:,}",
            f"{space['words']:,}",
            str(space["bytes_per_word"]),
        ]
        for space in data["spaces"]
    ]
    return {
        "title": "Memory map: what the host writes",
        "text": [
            "Spaces of WRITE in docs/host-protocol.md; golden/machine/image.py says what is where."
        ],
        "columns": ["space", "byte addresses", "words", "bytes a word"],
        "rows": rows,
    }


def _cells(data):
    rows = [
        [
            memory["memory"],
            f"{memory['words']:,} x {memory['bits']}"
            + (f", {memory['copies']} copies" if memory["copies"] > 1 else ""),
            ", ".join(f"{count} {kind}" for kind, count in memory["cells"].items())
            or "no memory cells found",
            "-" if memory["fill"] is None else f"{memory['fill']:.0%}",
        ]
        for memory in data["memories"]
    ]
    return {
        "title": "Memories of the engine",
        "columns": ["memory", "words x bits", "in", "bits in use"],
        "rows": rows,
    }


def _models(data):
    columns = ["model", "weights", "latency, cycles", "interval, cycles", "latency, us"]
    columns += ["us an image", "images/s", "M mult/s", "multipliers busy", "binds"]
    rows, images = [], data["result"]["images_together"]
    for name, model in data["models"].items():
        if "why" in model:
            rows.append([name, model["why"], *[""] * (len(columns) - 2)])
            continue
        rows.append(
            [
                name,
                f"{model['weights']:,}",
                f"{model['latency_cycles']:,}",
                f"{model['interval_cycles']:,}",
                f"{model['latency_us']:.2f}",
                f"{model['us_per_image']:.2f}",
                f"{model['images_per_second']:,.0f}",
                f"{model['macs_per_second'] / 1e6:,.0f}",
                f"{model['utilization']:.1%}",
                model["binds"],
            ]
        )
    together = "" if images == 1 else f", of {images} images that share each weight"
    return {
        "title": "The models that ship",
        "text": [
            f"At {data['result']['clock_mhz']:.2f} MHz, by the closed form of golden/machine/"
            "schedule.py, "
            f"which the simulation equals. The latency is that of one inference{together}, from "
            "the last input to the last result; the interval is from one inference to the next. "
            "What binds is what takes the interval: the run itself, with the gaps between its "
            "junctions; taking the inputs; or handing over the outputs."
        ],
        "columns": columns,
        "rows": rows,
    }


def _roofline(data):
    lanes, images = data["result"]["lanes"], data["result"]["images_together"]
    bits = 8 * lanes
    return {
        "title": "Roofline",
        "text": [
            f"Each weight that is read serves {images} multiplication{'s' * (images > 1)}, however "
            f"large the network: {bits} bits a cycle are all that the weight memory gives, and "
            f"{lanes * images} multipliers take just that. So memory and multipliers are one roof, "
            "the level one. The slanted one is loading: one neuron's inputs per cycle, but for the "
            "cycles in which hidden activations are written, which take turns with the inputs. A "
            "network of few weights for each cycle of loading stands on it. What is left between a "
            "point and its roof are the gaps between junctions, and rows that wait for the "
            "requantizer. Both axes are logarithmic.",
        ],
        "picture": "roofline",
    }


def _boards(data):
    rows = [
        [
            name,
            f"{result['lanes']} x {result['images_together']}",
            f"{result['clock_mhz']:g}",
            "{1:,} {0}".format(*_upper(speeds.logic(result))),
            f"{speeds.peak(result) / 1e6:,.0f}",
            f"{speeds.peak(result) / speeds.logic(result)[1] / 1e6:.2f}",
        ]
        for name, result in data["boards"].items()
    ]
    return {
        "title": "Multiplications a second for each logic cell",
        "text": [
            "Lanes times images times the clock, over the logic cells in use: what all "
            "multipliers can do, on this board and on the others, whose figures are kept in "
            "docs/boards.json."
        ],
        "columns": ["board", "lanes x images", "MHz", "logic", "M mult/s", "M mult/s a cell"],
        "rows": rows,
        "picture": "boards",
    }


def _upper(pair):
    return pair[0].upper(), pair[1]


def _made(data):
    made, result = data["made"], data["result"]
    rows = [["command", made["command"]], ["date", made["date"]]]
    rows += [["time", f"{made['seconds']:g} s"], ["bitstream", result["bitstream"]]]
    rows += [["SHA-256", result["sha256"]]]
    rows += [[name, version or "not installed"] for name, version in result["tools"].items()]
    return {"title": "How it was made", "columns": ["", ""], "rows": rows}
