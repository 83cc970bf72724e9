// A design around the engine: after reset it loads a network from a ROM, then it takes
// pixels and gives, for every image, the number of the class with the largest logit.
module classifier #(
  parameter NETWORK = "network.hex", // what `sobolpath hw image` wrote
  parameter BYTES = 1,               // how many bytes there are in it
  parameter CLASSES = 10             // logits from here on belong to no class
) (
  input wire clk,
  input wire rst_n,
  input wire [7:0] pixel,
  input wire pixel_valid,
  output wire pixel_ready,
  output reg [7:0] label,
  output reg label_valid
);
  reg [7:0] network [0:BYTES-1];
  initial $readmemh(NETWORK, network);

  // The network goes first. Inputs wait until the last byte of it has been taken.
  reg [23:0] sent;
  wire loaded = sent == BYTES;
  wire config_ready, input_ready;
  assign pixel_ready = loaded && input_ready;
  always @(posedge clk)
    if (!rst_n) sent <= 0;
    else if (!loaded && config_ready) sent <= sent + 1;

  wire [31:0] logit;
  wire logit_valid, logit_last;
  path_engine engine (
    .aclk(clk),
    .aresetn(rst_n),
    .s_axis_config_tdata(network[loaded ? 0 : sent]),
    .s_axis_config_tvalid(!loaded),
    .s_axis_config_tready(config_ready),
    .s_axis_config_tlast(1'b0),
    .s_axis_input_tdata(pixel),
    .s_axis_input_tvalid(loaded && pixel_valid),
    .s_axis_input_tready(input_ready),
    .m_axis_logits_tdata(logit),
    .m_axis_logits_tvalid(logit_valid),
    .m_axis_logits_tready(1'b1),
    .m_axis_logits_tlast(logit_last),
    .busy()
  );

  // The logits come in the order of their neurons, which are the classes: keep the largest one.
  reg [7:0] class_number, best_class;
  reg signed [31:0] best;
  wire better = class_number < CLASSES && (class_number == 0 || $signed(logit) > best);
  always @(posedge clk) begin
    label_valid <= rst_n && logit_valid && logit_last;
    if (!rst_n) class_number <= 0;
    else if (logit_valid) begin
      class_number <= logit_last ? 0 : class_number + 1;
      if (better) begin
        best <= logit;
        best_class <= class_number;
      end
      if (logit_last) label <= better ? class_number : best_class;
    end
  end
endmodule
