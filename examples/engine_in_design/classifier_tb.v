// Sends the images of a file to the classifier, pixel by pixel, and prints the label of each.
module classifier_tb;
  parameter BYTES = 1;    // of the network
  parameter CLASSES = 10;
  parameter PIXELS = 1;   // of all images
  parameter IMAGES = 1;

  reg clk = 0, rst_n = 0;
  reg [7:0] pixels [0:PIXELS-1];
  integer fed = 0, labels = 0, cycle = 0;
  wire ready, label_valid;
  wire [7:0] label;

  classifier #(.BYTES(BYTES), .CLASSES(CLASSES)) dut (
    .clk(clk),
    .rst_n(rst_n),
    .pixel(pixels[fed < PIXELS ? fed : 0]),
    .pixel_valid(fed < PIXELS),
    .pixel_ready(ready),
    .label(label),
    .label_valid(label_valid)
  );

  always #5 clk = ~clk;
  initial begin
    $readmemh("images.hex", pixels);
    repeat (4) @(posedge clk);
    rst_n <= 1;
    repeat (200000) @(posedge clk);
    $fatal(1, "no label came in 200,000 cycles");
  end

  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (rst_n && fed < PIXELS && ready) fed <= fed + 1;
    if (label_valid) begin
      $display("image %0d: label %0d in cycle %0d", labels, label, cycle);
      labels <= labels + 1;
      if (labels == IMAGES - 1) $finish;
    end
  end
endmodule
