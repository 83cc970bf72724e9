"""What a board's clock makes of the models that ship: cycles, time, and what binds."""

from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.machine.model import Model
from sobolpath.golden.training import zoo
from sobolpath.hw.engines import Config
from sobolpath.hw.learn.config import LearnConfig

#: What a task that takes longest means (golden.machine.schedule.Schedule.tasks).
BINDS = {"running": "weights, multipliers", "loading": "inputs", "reading": "outputs"}


def shipped() -> dict[str, Model]:
    """The models that ship: name -> ``golden.machine.model.Model``."""
    paths = ((name, zoo.FOLDER / f"{name}.npz") for name in zoo.RECIPES)
    return {name: models.load(path) for name, path in paths if path.is_file()}


def cycles(model: Model, config: Config) -> dict:
    """Cycles of a model on an engine, as a dictionary; ``why`` alone where it does not fit.

    ``latency_cycles`` from last input to last result, ``interval_cycles`` from one inference to the
    next, of ``images_together`` images; ``weights`` and ``inputs`` of the network;
    ``loading_cycles``, in which its inputs are taken: one each, and one for each group of hidden
    activations that is written meanwhile; ``binds``, what would have to be faster for a shorter
    interval. Of an engine that learns also ``step_cycles``, of an image that is learnt.
    """
    try:
        config.image(model)
    except InputError as error:
        return {"why": str(error)}
    if isinstance(config, LearnConfig):
        return _learning(model, config)
    schedule = config.schedule(model.topology)
    tasks = schedule.tasks
    longest = max(tasks, key=tasks.__getitem__)
    return {
        "latency_cycles": schedule.latency,
        "interval_cycles": schedule.interval,
        "images_together": config.images,
        "weights": model.topology.total_paths,
        "inputs": model.topology.layers[0],
        "loading_cycles": tasks["loading"],
        "binds": BINDS[longest],
    }


def _learning(model, config):
    """:func:`cycles` of an engine that learns, which infers one image after the other."""
    schedule = config.schedule(model.topology)
    counted = schedule.cycles
    return {
        "latency_cycles": counted["forward"],
        "interval_cycles": counted["forward"] + counted["load"],
        "images_together": 1,
        "weights": model.topology.total_paths,
        "inputs": model.topology.layers[0],
        "loading_cycles": schedule.inputs,
        "binds": BINDS["running"],
        "step_cycles": counted["image"],
    }


def speed(counted: dict, lanes: int, clock_mhz: float) -> dict:
    """What :func:`cycles` comes to at a clock, as a dictionary; empty where the model does not fit.

    ``utilization`` : of the multipliers, and of the weight memory's bits a cycle, 0 to 1.
    """
    if "why" in counted:
        return {}
    interval, images = counted["interval_cycles"], counted["images_together"]
    a_second = images * clock_mhz * 1e6 / interval
    return {
        "latency_us": counted["latency_cycles"] / clock_mhz,
        "interval_us": interval / clock_mhz,
        "us_per_image": 1e6 / a_second,
        "images_per_second": a_second,
        "macs_per_second": a_second * counted["weights"],
        "weight_bits_per_cycle": 8 * counted["weights"] / interval,
        "utilization": counted["weights"] / (lanes * interval),
    }


def weights_per_loading_cycle(counted: dict) -> float:
    """How much a model of :func:`cycles` computes for what it has to be given, on this engine.

    Times the clock and the images that share a weight, it is the most multiplications a second that
    loading allows.
    """
    return counted["weights"] / counted["loading_cycles"]


def peak(result: dict) -> float:
    """Multiplications a second that an engine's multipliers can do at its clock."""
    return result["lanes"] * result["images_together"] * result["clock_mhz"] * 1e6


def logic(result: dict) -> tuple[str, int]:
    """The kind of cell that logic is made of on a device, by our name: (name, cells in use)."""
    return next((name, result[name]) for name in ("lc", "lut") if name in result)
