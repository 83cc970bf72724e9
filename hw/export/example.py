"""A self-checking Verilog test bench of an exported engine, and the files that it reads."""

from collections.abc import Iterable

import numpy as np

from sobolpath.golden.machine import engine
from sobolpath.golden.machine.model import Model
from sobolpath.golden.machine.records import records
from sobolpath.golden.topology.paths import Topology

from ..engines import Config

INFERENCES = 2  # the second one's inputs come while the first one runs
SEED = 1

BENCH = """\
// Writes a network into {module}, offers the inputs of {inferences} inferences, and compares every
// logit with what it must be. All files in one folder:
//
//   iverilog -o {bench}.vvp {bench}.v {verilog} && vvp -n {bench}.vvp
//
// It ends with PASS and exit code 0, or with FAIL and another one.
module {bench};
  localparam NETWORK = {network};   // bytes
  localparam INPUTS = {inputs};     // each the activations of {neurons}{images} images
  localparam LOGITS = {logits};     // logits, each of 32 bits, signed
  localparam TOGETHER = {together}; // logits of an inference: the last one has tlast
  localparam PATIENCE = {patience}; // cycles

  reg [7:0] network [0:NETWORK-1];
  reg [{top}:0] inputs [0:INPUTS-1];
  reg [31:0] expected [0:LOGITS-1];
  integer sent = 0, fed = 0, got = 0, wrong = 0, cycle = 0, spent = 0;
  reg aclk = 0, aresetn = 0;

  wire s_axis_config_tready, s_axis_input_tready;
  wire s_axis_config_tvalid = aresetn && sent < NETWORK;
  wire s_axis_input_tvalid = sent == NETWORK && fed < INPUTS;
  wire [7:0] s_axis_config_tdata = network[sent];
  wire [{top}:0] s_axis_input_tdata = inputs[fed];
  wire [31:0] m_axis_logits_tdata;
  wire m_axis_logits_tvalid, m_axis_logits_tlast, busy;

  {module} dut (
    .aclk(aclk),
    .aresetn(aresetn),
    .s_axis_config_tdata(s_axis_config_tdata),
    .s_axis_config_tvalid(s_axis_config_tvalid),
    .s_axis_config_tready(s_axis_config_tready),
    .s_axis_config_tlast(1'b0), // records tell their length
    .s_axis_input_tdata(s_axis_input_tdata),
    .s_axis_input_tvalid(s_axis_input_tvalid),
    .s_axis_input_tready(s_axis_input_tready),
{packet}    .m_axis_logits_tdata(m_axis_logits_tdata),
    .m_axis_logits_tvalid(m_axis_logits_tvalid),
    .m_axis_logits_tready(1'b1),
    .m_axis_logits_tlast(m_axis_logits_tlast),
    .busy(busy)
  );

  always #5 aclk = ~aclk;

  initial begin
    $readmemh("{stem}_network.hex", network);
    $readmemh("{stem}_inputs.hex", inputs);
    $readmemh("{stem}_logits.hex", expected);
    repeat (4) @(posedge aclk);
    aresetn <= 1;
    wait (got == LOGITS || cycle == PATIENCE);
    repeat (20) @(posedge aclk);
    if (got == LOGITS && wrong == 0 && busy === 1'b0 && m_axis_logits_tvalid === 1'b0) begin
      $display("PASS: %0d logits are as expected, %0d cycles from the first input on",
               got, spent);
      $finish;
    end else begin
      $fatal(1, "FAIL: %0d of %0d logits came, %0d of them wrong; busy is %b",
             got, LOGITS, wrong, busy);
    end
  end

  always @(posedge aclk) begin
    cycle <= cycle + 1;
    if (s_axis_config_tvalid && s_axis_config_tready) sent <= sent + 1;
    if (s_axis_input_tvalid && s_axis_input_tready) fed <= fed + 1;
    if (fed > 0 && got < LOGITS) spent <= spent + 1;
    if (m_axis_logits_tvalid) begin
      got <= got + 1;
      if (m_axis_logits_tdata !== expected[got]
          || m_axis_logits_tlast !== (got % TOGETHER == TOGETHER - 1)) begin
        wrong <= wrong + 1;
        $display("logit %0d: expected %h, got %h, tlast %b",
                 got, expected[got], m_axis_logits_tdata, m_axis_logits_tlast);
      end
    end
  end
endmodule
"""

#: Of configurations that take several neurons a beat: a packet is an inference.
PACKET = """\
    .s_axis_input_tkeep({{{keep}{{1'b1}}}}),
    .s_axis_input_tlast(fed % {words} == {last}),
"""


def hexadecimal(content: Iterable[int], digits: int = 2) -> str:
    """Unsigned integers as text for ``$readmemh``: one a line, ``digits`` digits each."""
    return "".join(f"{number:0{digits}x}\n" for number in content)


def random_model(config: Config) -> Model:
    """A small network for a configuration, the same each time: three layers, random integers.

    Raises ``InputError`` where the configuration has no room for it.
    """
    rng, lanes = np.random.default_rng(SEED), config.lanes
    topology = Topology((8 * lanes, 4 * lanes, 2 * lanes), (32 * lanes, 16 * lanes))
    outputs = topology.layers[1:]
    model = Model(
        topology=topology,
        weights=tuple(rng.integers(-128, 128, count, np.int8) for count in topology.paths),
        biases=tuple(rng.integers(-20000, 20000, count, np.int32) for count in outputs),
        shifts=(8, 0),
        float_weights=tuple(np.zeros(count, np.float32) for count in topology.paths),
        float_biases=tuple(np.zeros(count, np.float32) for count in outputs),
        input_scale=1.0,
        classes=topology.layers[-1],
    )
    config.image(model)
    return model


def files(config: Config, model: Model, *, module: str, bench: str, verilog: str) -> dict[str, str]:
    """A test bench called ``bench`` of an engine called ``module``: {file name: text}.

    The test bench comes first, then what it reads: the bytes of the network, random inputs (the
    same each time) of ``INFERENCES`` inferences, and their logits by
    ``golden.machine.engine.infer``. ``verilog`` is the name of the engine's file. Raises
    ``InputError`` if ``model`` does not fit.
    """
    network = records(config.image(model))
    shape = (INFERENCES * config.images, model.topology.layers[0])
    inputs = np.random.default_rng(SEED).integers(0, 256, shape, np.uint8)
    beats, logits = config.inputs(inputs), engine.infer(model, inputs)
    schedule = config.schedule(model.topology)
    inference = schedule.latency + inputs.shape[1] + 3 * logits[: config.images].size
    words = len(beats) // INFERENCES
    packet = PACKET.format(keep=config.input_bits // 8, words=words, last=words - 1)
    text = BENCH.format(
        module=module,
        bench=bench,
        stem=bench,
        verilog=verilog,
        inferences=INFERENCES,
        network=len(network),
        inputs=len(beats),
        neurons="" if config.input_width == 1 else f"{config.input_width} neurons in ",
        packet="" if config.input_width == 1 else packet,
        images=config.images,
        top=config.input_bits - 1,
        logits=logits.size,
        together=logits.size // INFERENCES,
        patience=2 * (len(network) + INFERENCES * inference) + 1000,
    )
    return {
        f"{bench}.v": text,
        f"{bench}_network.hex": hexadecimal(network),
        f"{bench}_inputs.hex": hexadecimal(beats, digits=config.input_bits // 4),
        f"{bench}_logits.hex": hexadecimal(logits.ravel().view(np.uint32).tolist(), digits=8),
    }
