// Loads a network into the netlist of an engine, runs images, and prints a line for what happens:
//   taken CYCLE            the last input of an inference was taken
//   result CYCLE           results were written
//   logit VALID DATA LAST  a logit came; x where it is unknown
//   cycle CYCLE            every 64 cycles
//   busy BUSY CYCLE        the end
`timescale 1ns/1ps

module bench;
  parameter WRITE_BITS = 1, WRITES = 1;                // of the network
  parameter INPUT_BITS = 1, INPUTS = 1, TOGETHER = 1;  // all inputs, those of an inference
  parameter LOGITS = 1, PATIENCE = 1;                  // all logits, cycles

  reg [WRITE_BITS-1:0] writes [0:WRITES-1];
  reg [INPUT_BITS-1:0] inputs [0:INPUTS-1];
  reg clk = 0, rst = 1;
  integer written = 0, taken = 0, got = 0, cycle = 0;

  wire write_ready, i_ready, o_valid, o_last, busy, result;
  wire [31:0] o_data;
  wire write_valid = !rst && written < WRITES;
  wire i_valid = written == WRITES && taken < INPUTS;

  top dut (
    .clk(clk),
    .rst(rst),
    .write__payload(writes[write_valid ? written : 0]),
    .write__valid(write_valid),
    .write__ready(write_ready),
    .i__payload(inputs[i_valid ? taken : 0]),
    .i__valid(i_valid),
    .i__ready(i_ready),
    .o__payload({o_last, o_data}),
    .o__valid(o_valid),
    .o__ready(1'b1),
    .busy(busy),
    .probe__result(result)
  );

  always #5 clk = ~clk;

  initial begin
    $readmemh("writes.hex", writes);
    $readmemh("inputs.hex", inputs);
    repeat (4) @(posedge clk);
    rst <= 0;
    wait (got >= LOGITS || cycle == PATIENCE);
    repeat (20) @(posedge clk);  // in which nothing more may come
    $display("busy %b %0d", busy, cycle);
    $finish(0);
  end

  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (cycle % 64 == 0) $display("cycle %0d", cycle);
    if (write_valid && write_ready) written <= written + 1;
    if (i_valid && i_ready) begin
      taken <= taken + 1;
      if (taken % TOGETHER == TOGETHER - 1) $display("taken %0d", cycle);
    end
    if (!rst && result !== 1'b0) $display("result %0d", cycle);
    if (!rst && o_valid !== 1'b0) begin
      got <= got + 1;
      $display("logit %b %h %b", o_valid, o_data, o_last);
    end
  end
endmodule
