// Loads a network into the netlist of an engine that learns, lets it learn and infer images, reads
// the network back, and prints a line for what happens:
//   taken CYCLE            the last input of an image was taken
//   result CYCLE           results were written
//   logit VALID DATA LAST  a logit came; x where it is unknown
//   peeked VALID DATA      a byte was read back
//   cycle CYCLE            every 64 cycles
//   busy BUSY CYCLE        the end; busy or updating
`timescale 1ns/1ps

module bench;
  parameter WRITE_BITS = 1, WRITES = 1;              // of the network
  parameter INPUT_BITS = 1, INPUTS = 1;              // of all images
  parameter TASK_BITS = 1, IMAGES = 1, LOGITS = 1;   // a task for each image; all logits
  parameter PEEK_BITS = 1, PEEKS = 1;                // what is read back
  parameter PATIENCE = 1;                            // cycles

  reg [WRITE_BITS-1:0] writes [0:WRITES-1];
  reg [INPUT_BITS-1:0] inputs [0:INPUTS-1];
  reg [TASK_BITS-1:0] tasks [0:IMAGES-1];
  reg [PEEK_BITS-1:0] peeks [0:PEEKS-1];
  reg clk = 0, rst = 1, reading = 0;
  integer written = 0, taken = 0, begun = 0, got = 0, asked = 0, read = 0, cycle = 0;

  wire write_ready, i_ready, task_ready, peek_ready, o_valid, o_last, peeked_valid;
  wire busy, updating, result;
  wire [31:0] o_data;
  wire [7:0] peeked;
  wire write_valid = !rst && written < WRITES;
  wire i_valid = written == WRITES && taken < INPUTS;
  wire task_valid = written == WRITES && begun < IMAGES;
  wire peek_valid = reading && asked < PEEKS;

  top dut (
    .clk(clk),
    .rst(rst),
    .write__payload(writes[write_valid ? written : 0]),
    .write__valid(write_valid),
    .write__ready(write_ready),
    .task__payload(tasks[task_valid ? begun : 0]),
    .task__valid(task_valid),
    .task__ready(task_ready),
    .i__payload(inputs[i_valid ? taken : 0]),
    .i__valid(i_valid),
    .i__ready(i_ready),
    .o__payload({o_last, o_data}),
    .o__valid(o_valid),
    .o__ready(1'b1),
    .peek__payload(peeks[peek_valid ? asked : 0]),
    .peek__valid(peek_valid),
    .peek__ready(peek_ready),
    .peeked__payload(peeked),
    .peeked__valid(peeked_valid),
    .peeked__ready(1'b1),
    .busy(busy),
    .updating(updating),
    .probe__result(result)
  );

  always #5 clk = ~clk;

  initial begin
    $readmemh("writes.hex", writes);
    $readmemh("inputs.hex", inputs);
    $readmemh("tasks.hex", tasks);
    $readmemh("peeks.hex", peeks);
    repeat (4) @(posedge clk);
    rst <= 0;
    wait (read >= PEEKS || cycle == PATIENCE);
    repeat (20) @(posedge clk);  // in which nothing more may come
    $display("busy %b %0d", busy | updating, cycle);
    $finish(0);
  end

  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (cycle % 64 == 0) $display("cycle %0d", cycle);
    if (write_valid && write_ready) written <= written + 1;
    if (task_valid && task_ready) begun <= begun + 1;
    if (i_valid && i_ready) begin
      taken <= taken + 1;
      if (taken % (INPUTS / IMAGES) == INPUTS / IMAGES - 1) $display("taken %0d", cycle);
    end
    if (!rst && result !== 1'b0) $display("result %0d", cycle);
    if (!rst && o_valid !== 1'b0) begin
      got <= got + 1;
      $display("logit %b %h %b", o_valid, o_data, o_last);
    end
    if (got >= LOGITS && busy === 1'b0) reading <= 1;
    if (peek_valid && peek_ready) asked <= asked + 1;
    if (!rst && peeked_valid !== 1'b0) begin
      read <= read + 1;
      $display("peeked %b %h", peeked_valid, peeked);
    end
  end
endmodule
