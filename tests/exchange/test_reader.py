"""ONNX read as a chain: what each form of a network computes, and what is refused."""

from itertools import pairwise

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from sobolpath.exchange.reader import read
from sobolpath.golden.errors import InputError

from .networks import Graph, mlp, quantized

IMAGES = np.random.default_rng(7).uniform(0, 1, (30, 12))


def by_runtime(path, images=IMAGES):
    """What ONNX Runtime gives for the same file, node by node: what it makes of quantized ones
    saturates on a processor without VNNI."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    run = onnxruntime.InferenceSession(path, options)
    return run.run(None, {"x": images.astype(np.float32)})[0]


def same(graph, tmp_path, images=IMAGES, **more):
    """Read it, and compare with ONNX Runtime; the chain."""
    path = graph.save(tmp_path / "n.onnx")
    chain = read(path)
    logits = chain.activations(images.reshape(len(images), -1))[-1]
    assert logits == pytest.approx(by_runtime(path, images), abs=1e-5)
    assert np.ptp(logits) > 0.1
    return chain


@pytest.mark.parametrize("widths", [(12, 3), (12, 7, 5), (12, 20, 9, 6, 4)])
def test_gemm_and_relu(tmp_path, widths):
    chain = same(mlp(widths)[0], tmp_path)
    assert chain.widths == widths
    assert chain.weights == sum(a * b for a, b in pairwise(widths))
    assert (chain.quantized, chain.input, chain.notes) == (False, None, ())


def test_gemm_with_all_its_attributes(tmp_path):
    graph, ((weights, bias), (last, _)) = Graph(12), mlp((12, 6, 4))[1]
    graph.add("Gemm", weights.T, bias, alpha=0.5, beta=2.0, transB=1).add("Relu")
    graph.add("Gemm", last)
    same(graph, tmp_path)


def test_matmul_scaling_and_normalization(tmp_path):
    """Scales and offsets before, between and behind; batch normalization before and after ReLU."""
    random, graph = np.random.default_rng(3), Graph(12)
    (first, bias), (second, _), (third, _) = mlp((12, 8, 6, 4))[1]
    normal = [
        random.uniform(0.5, 2, 8),
        random.normal(size=8),
        random.normal(size=8),
        random.uniform(0.5, 2, 8),
    ]
    graph.add("Sub", random.uniform(0, 1, 12)).add("Div", 0.25).add("MatMul", first)
    graph.add("Add", bias).add("BatchNormalization", *normal).add("Relu")
    graph.add("BatchNormalization", *normal, epsilon=1e-3).add("MatMul", second).add("Relu")
    graph.add("Mul", random.uniform(0.5, 1, 6)).add("MatMul", third).add("Mul", 3.0)
    same(graph, tmp_path)


def test_a_constant_minus_the_samples(tmp_path):
    graph, ((weights, bias),) = Graph(12), mlp((12, 4))[1]
    one = graph.constant(np.float32(1))
    graph.nodes.append(helper.make_node("Sub", [one, "x"], ["turned"]))
    graph.at = "turned"
    same(graph.add("Gemm", weights, bias), tmp_path)


def test_what_is_passed_over(tmp_path):
    """Flatten, Reshape, Dropout, Identity, Cast; by shapes that the graph computes."""
    graph, ((weights, bias), (last, _)) = Graph(12, [3, 4]), mlp((12, 6, 4))[1]
    graph.add("Identity").add("Flatten").add("Gemm", weights, bias).add("Relu").add("Dropout")
    flat = graph.constant([-1, 6], np.int64)
    graph.nodes.append(helper.make_node("Reshape", [graph.at, flat], ["r"]))
    graph.at = "r"
    chain = same(graph.add("Cast", to=1).add("MatMul", last), tmp_path, IMAGES.reshape(30, 3, 4))
    assert chain.widths == (12, 6, 4)


def test_a_shape_that_is_computed(tmp_path):
    graph, ((weights, bias),) = Graph(12, [3, 4]), mlp((12, 4))[1]
    first = graph.constant([0], np.int64)
    rest = graph.constant([-1], np.int64)
    graph.nodes += [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", first], ["count"]),
        helper.make_node("Concat", ["count", rest], ["flat"], axis=0),
        helper.make_node("Reshape", ["x", "flat"], ["r"]),
    ]
    graph.at = "r"
    same(graph.add("Gemm", weights, bias), tmp_path, IMAGES.reshape(30, 3, 4))


def test_weights_by_way_of_other_nodes(tmp_path):
    """A transposed, scaled, half-precision constant is a constant."""
    graph, ((weights, bias),) = Graph(12), mlp((12, 4))[1]
    half = graph.constant(weights.T, np.float16)
    two = graph.constant(2.0)
    graph.nodes += [
        helper.make_node("Cast", [half], ["whole"], to=1),
        helper.make_node("Transpose", ["whole"], ["turned"]),
        helper.make_node("Mul", ["turned", two], ["doubled"]),
        helper.make_node("MatMul", ["x", "doubled"], ["product"]),
    ]
    graph.at = "product"
    same(graph.add("Add", bias), tmp_path)


def test_clip(tmp_path):
    graph, ((weights, bias), (last, _)) = Graph(12), mlp((12, 6, 4))[1]
    chain = same(
        graph.add("Gemm", weights, bias).add("Clip", 0.0, 0.4).add("MatMul", last), tmp_path
    )
    assert chain.layers[0].ceiling == pytest.approx(0.4)


def test_layers_without_anything_between_are_one(tmp_path):
    graph, ((weights, bias), (last, _)) = Graph(12), mlp((12, 6, 4))[1]
    chain = same(graph.add("Gemm", weights, bias).add("MatMul", last), tmp_path)
    assert chain.widths == (12, 4)
    assert chain.notes == ("Gemm_0 and MatMul_1 are one layer: nothing is between them",)


def test_what_ends_a_network_is_left_out(tmp_path):
    graph, _ = mlp((12, 6, 4))
    graph.kind = TensorProto.INT64
    path = graph.add("Softmax").add("ArgMax", axis=1).save(tmp_path / "n.onnx")
    chain = read(path)
    assert chain.notes == ("left out behind the logits: Softmax, ArgMax",)
    found = chain.activations(IMAGES)[-1].argmax(axis=1)
    assert np.array_equal(found, by_runtime(path)[:, 0])


def test_a_relu_behind_the_last_layer_is_left_out(tmp_path):
    path = mlp((12, 4))[0].add("Relu").save(tmp_path / "n.onnx")
    chain = read(path)
    assert chain.notes == ("left out behind Gemm_0, the last layer: its Relu or Quant",)
    assert np.maximum(chain.activations(IMAGES)[-1], 0) == pytest.approx(by_runtime(path), abs=1e-6)


def test_one_output_is_two_classes(tmp_path):
    path = mlp((12, 6, 1))[0].add("Sigmoid").save(tmp_path / "n.onnx")
    chain = read(path)
    logits = chain.activations(IMAGES)[-1]
    assert logits.shape == (30, 2)
    assert np.array_equal(logits.argmax(axis=1), by_runtime(path)[:, 0] > 0.5)
    assert chain.notes[-1] == "one output became two classes: 0 where it is negative, else 1"


def test_quantize_and_dequantize_linear(tmp_path):
    """The pairs of nodes of ONNX itself, of inputs, weights and activations."""
    random, graph = np.random.default_rng(5), Graph(12)
    zero = np.uint8(0)
    for scale, (n, m) in ((1 / 256, (12, 6)), (1 / 64, (6, 4))):
        graph.add("QuantizeLinear", np.float32(scale), graph.constant(zero, np.uint8))
        graph.add("DequantizeLinear", np.float32(scale), graph.constant(zero, np.uint8))
        whole = graph.constant(random.integers(-128, 128, (n, m)), np.int8)
        scales = graph.constant(random.uniform(0.001, 0.01, m) if n == 6 else np.float32(2**-6))
        graph.nodes.append(helper.make_node("DequantizeLinear", [whole, scales], [f"w{n}"], axis=1))
        graph.add("MatMul", f"w{n}")
        if n == 12:
            graph.add("Relu")
    chain = same(graph, tmp_path)
    assert chain.quantized
    assert (chain.input.bits, chain.input.signed, chain.input.largest) == (8, False, 255)
    assert [layer.quantizer.scale.size for layer in chain.layers] == [1, 4]


@pytest.mark.parametrize("mode", ["ROUND", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN"])
def test_quant(tmp_path, mode):
    graph, infer = quantized((12, 16, 8), 1, mode)
    chain = read(graph.save(tmp_path / "n.onnx"))
    images = np.random.default_rng(2).integers(0, 256, (50, 12))
    found = chain.activations(images / 256)
    for layer, wanted, scale in zip(found, infer(images), (2.0**-7, 2.0**-13), strict=True):
        assert np.array_equal(layer / scale, wanted)


@pytest.mark.parametrize(
    ("own", "ends"),
    [
        ({"bits": 8, "signed": 0}, (0, 255)),
        ({"bits": 4, "signed": 0, "narrow": 1}, (0, 14)),
        ({"bits": 8, "signed": 1}, (-128, 127)),
        ({"bits": 3, "signed": 1, "narrow": 1}, (-3, 3)),
    ],
)
def test_ranges_of_quant(tmp_path, own, ends):
    """Beyond the range integers end at it, whatever the zero point."""
    graph = Graph(12).quant(0.5, 1, **own)
    chain = read(graph.add("MatMul", np.eye(12)[:, :4]).save(tmp_path / "n.onnx"))
    found = chain.activations(np.array([[-1e6, 1e6, 0, 0.5] + [0.0] * 8]))[-1][0]
    assert found.tolist() == [(ends[0] - 1) / 2, (ends[1] - 1) / 2, 0, 0.5]


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 3, 1, 1), (2, 2), (2,), (3, 2, 2)])
def test_constants_of_an_axis(tmp_path, shape):
    """Offsets of channels, rows, columns or pixels, before samples are flattened."""
    random, graph = np.random.default_rng(6), Graph(12, [3, 2, 2])
    graph.add("Sub", random.normal(size=shape)).add("Flatten").add("Gemm", mlp((12, 4))[1][0][0])
    assert same(graph, tmp_path, IMAGES.reshape(30, 3, 2, 2)).widths == (12, 4)


def test_normalization_of_channels(tmp_path):
    random, graph = np.random.default_rng(6), Graph(12, [3, 2, 2])
    normal = [random.uniform(0.5, 2, 3) for _ in range(4)]
    graph.add("BatchNormalization", *normal).add("Flatten").add("Gemm", mlp((12, 4))[1][0][0])
    same(graph, tmp_path, IMAGES.reshape(30, 3, 2, 2))


def test_constants_where_the_file_leaves_the_samples_open(tmp_path):
    """They tell how many numbers there are, or that there are too few."""
    weights = mlp((12, 4))[1][0][0]
    graph = Graph(12, ["k"]).add("Sub", np.arange(12)).add("Gemm", weights)
    assert same(graph, tmp_path).widths == (12, 4)
    graph = Graph(12, ["c", "h", "w"]).add("Sub", np.ones((1, 3, 1, 1))).add("Flatten")
    with pytest.raises(InputError, match=r"Gemm_2 \(Gemm\) must take the 3 numbers that come"):
        read(graph.add("Gemm", weights).save(tmp_path / "n.onnx"))
    graph = Graph(12, ["h", "w"]).add("MatMul", weights)
    with pytest.raises(InputError, match="must follow a Flatten: samples have several axes"):
        read(graph.save(tmp_path / "n.onnx"))


def changed(make):
    """A whole file, whose graph ``make`` has changed."""
    graph, _ = mlp((12, 6, 4))
    make(graph)
    return graph.model().SerializeToString()


def _branch(graph):
    graph.nodes.append(helper.make_node("Relu", ["x"], ["y"]))


def _residual(graph):
    graph.nodes.append(helper.make_node("Add", [graph.at, graph.at], ["y"]))


def _middle(graph):
    graph.add("Softmax").add("Gemm", np.ones((4, 3)))


def _nan(graph):
    graph.add("Relu").add("MatMul", np.full((4, 3), np.nan))


def _quant_mode(graph):
    graph.nodes.insert(0, graph.quant(1.0, rounding_mode="STOCHASTIC").nodes.pop())


def _two_inputs(graph):
    graph.nodes.append(helper.make_node("Add", [graph.at, "z"], ["y"]))


def _normal(values, **own):
    return lambda graph: graph.add("BatchNormalization", *[values] * 4, **own)


def _pair(scale, zero=0):
    """A QuantizeLinear of scale 1, and a DequantizeLinear of another."""

    def make(graph):
        graph.add("QuantizeLinear", np.float32(1), graph.constant(0, np.uint8))
        graph.add("DequantizeLinear", np.float32(scale), graph.constant(zero, np.uint8))

    return make


def _unquantized(graph):
    graph.nodes.append(helper.make_node("DequantizeLinear", [], ["w"]))


MISTAKES = [
    (
        lambda g: g.add("Conv", np.ones((1, 1, 3))),
        r"node Conv_3 \(Conv\) must be Gemm, MatMul, Add",
    ),
    (lambda g: g.add("Tanh"), r"node Tanh_3 \(Tanh\) must be Gemm"),
    (lambda g: g.add("Transpose"), r"node Transpose_3 \(Transpose\) must not reorder samples"),
    (_branch, r"node y \(Relu\) must follow the node before it: a chain has no branches"),
    (_residual, r"node y \(Add\) must use Gemm_2_out once: a chain has no branches"),
    (_two_inputs, r"node y \(Add\) must have constants beside its input"),
    (_middle, r"node Gemm_4 \(Gemm\) must not come behind Softmax, which ends a network"),
    (
        lambda g: g.add("MatMul", np.ones((4, 3))).add("MatMul", np.ones((5, 2))),
        r"node MatMul_4 \(MatMul\) must take the 3 numbers that come, not 5",
    ),
    (lambda g: g.add("MatMul", np.ones((4, 2, 2))), "must have a constant matrix of weights"),
    (
        lambda g: g.add("Gemm", np.ones((4, 3)), transA=1),
        "must multiply samples in rows by",
    ),
    (lambda g: g.add("Gemm", np.ones((4, 3)), np.ones(2)), "must have a bias of 3 numbers, not 2"),
    (_nan, "must have finite weights, not NaN or infinite ones"),
    (lambda g: g.add("Mul", np.inf), "must have finite constants"),
    (lambda g: g.add("Add", np.ones(3)), "must have one constant, or one for each of 4 numbers"),
    (lambda g: g.add("Div", 0.0), "must divide by constants that are not 0"),
    (lambda g: g.add("Clip", -1.0, 1.0), r"must clip from 0 to a number above, not \[-1.0, 1.0\]"),
    (
        lambda g: g.add("Clip", 0.0, np.ones(2)),
        r"must clip from 0 to a number above, not \[0.0, nan",
    ),
    (lambda g: g.add("MatMul", np.ones((4, 0))), "must have a constant matrix of weights"),
    (lambda g: g.add("MatMul"), "must have a constant matrix of weights"),
    (lambda g: g.add("BatchNormalization", np.ones(4)), "must have constants beside its input"),
    (_normal(np.ones(3)), "must have one constant, or one for each of 4 numbers, not 3"),
    (_normal(np.ones(4), training_mode=1), "must be as in inference, not in training"),
    (_normal(-np.ones(4)), "must have as many scales as means, variances from 0"),
    (_pair(0.5), "must have the scale and the zero point of its QuantizeLinear"),
    (_pair(1.0, 3), "must have the scale and the zero point of its QuantizeLinear"),
    (_unquantized, "must have constants beside its input"),
    (
        lambda g: g.add("Cast", to=1).add("DequantizeLinear", np.float32(1)),
        "must follow a QuantizeLinear",
    ),
    (lambda g: g.quant(1.0, bits=1), r"must have 2 to 32 bits, not 1.0"),
    (lambda g: g.quant(-1.0), "must have finite scales above 0"),
    (lambda g: g.quant(1.0, rounding_mode="STOCHASTIC"), "must round by ROUND, FLOOR, CEIL,"),
    (lambda g: g.quant(1.0, zero=3), "the output of Gemm_2 must have the zero point 0"),
    (
        lambda g: g.quant(1.0, signed=1).add("MatMul", np.ones((4, 3))),
        "Gemm_2 must end in a Relu, or an unsigned Quant, before MatMul_4",
    ),
    (
        lambda g: g.add("Relu").add("Add", 1.0).quant(1.0),
        "what is behind Gemm_2 must be one scale, one offset or one Quant",
    ),
]


@pytest.mark.parametrize(("make", "message"), MISTAKES)
def test_networks_that_are_no_chains(tmp_path, make, message):
    (tmp_path / "n.onnx").write_bytes(changed(make))
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path / "n.onnx")
    assert str(error.value).startswith(f"{tmp_path / 'n.onnx'}: ")
    assert "\n" not in str(error.value)


def test_networks_that_begin_wrong(tmp_path):
    path = tmp_path / "n.onnx"
    for graph, message in (
        (Graph(12).add("Relu"), "what is before the first layer must be one scale"),
        (Graph(12).add("Add", 1.0), "what is before the first layer must be one scale"),
        (Graph(12).add("Identity"), "the network must have a layer: Gemm or MatMul"),
        (Graph(12).add("Cast", to=6), r"\(Cast\) must be to floats, not integers"),
        (Graph(12).add("Nonsense", domain="of.others"), r"\(Nonsense\) must be Gemm"),
        (Graph(12).quant(1.0).quant(1.0), "what is before the first layer must be one scale"),
    ):
        with pytest.raises(InputError, match=message):
            read(graph.save(path))


def test_constants_of_unknown_nodes(tmp_path):
    graph = Graph(12)
    graph.nodes.append(helper.make_node("Own", [graph.constant([1.0])], ["w"], domain="of.others"))
    with pytest.raises(InputError, match=r"node w \(Own\) must be one that ONNX defines"):
        read(graph.add("MatMul", "w").save(tmp_path / "n.onnx"))


def test_several_inputs(tmp_path):
    model = mlp((12, 4))[0].model()
    model.graph.input.append(helper.make_tensor_value_info("z", 1, ["n", 3]))
    (tmp_path / "n.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="the network must have one input, not 2"):
        read(tmp_path / "n.onnx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be a whole ONNX file"),
        (b"\x89PNG" + 50 * b"x", "must be a whole ONNX file, but it is a picture"),
        (mlp((12, 6, 4))[0].model().SerializeToString()[:300], "must be a whole ONNX file"),
    ],
)
def test_files_that_are_none(tmp_path, content, message):
    (tmp_path / "n.onnx").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "n.onnx")
    with pytest.raises(InputError, match="must be a readable ONNX file: No such file"):
        read(tmp_path / "other.onnx")


def test_weights_in_a_file_beside(tmp_path):
    graph, _ = mlp((12, 64, 4))
    model = graph.model()
    whole = {"save_as_external_data": True, "location": "w.data", "size_threshold": 0}
    onnx.save_model(model, tmp_path / "n.onnx", **whole)
    found = read(tmp_path / "n.onnx").activations(IMAGES)[-1]
    assert found == pytest.approx(by_runtime(tmp_path / "n.onnx"), abs=1e-5)
    whole = (tmp_path / "w.data").read_bytes()
    (tmp_path / "w.data").write_bytes(whole[:50])
    with pytest.raises(InputError, match=r"constant c\d must be whole, but its bytes are not of"):
        read(tmp_path / "n.onnx")
    moved = onnx.load(tmp_path / "n.onnx", load_external_data=False)
    for tensor in moved.graph.initializer:
        tensor.external_data[0].value = f"../{tmp_path.name}/w.data"
    (tmp_path / "o.onnx").write_bytes(moved.SerializeToString())
    with pytest.raises(InputError, match="its weights must be in files of the same folder"):
        read(tmp_path / "o.onnx")
    (tmp_path / "w.data").unlink()
    with pytest.raises(InputError, match=r"its weights must be beside it, in w\.data"):
        read(tmp_path / "n.onnx")


def test_damaged_files(tmp_path):
    """Bytes that were changed at random, and files that end early: read, or refused in one line."""
    graph, _ = mlp((12, 6, 4))
    graph.add("BatchNormalization", *[np.ones(4)] * 4).add("Softmax")
    files = [graph.model(), quantized((12, 6, 4), 1, "ROUND")[0].model()]
    random, counts = np.random.default_rng(0), {"read": 0, "refused": 0}
    lines = set()
    for trial in range(400):
        content = bytearray(files[trial % 2].SerializeToString())
        for place in random.integers(len(content), size=trial % 3 + 1):
            content[place] = random.integers(256)
        (tmp_path / "n.onnx").write_bytes(content[: None if trial % 5 else place])
        try:
            read(tmp_path / "n.onnx")
            counts["read"] += 1
        except InputError as error:
            counts["refused"] += 1
            lines.add(str(error).count("\n"))
    assert min(counts.values()) > 50
    assert lines == {0}
