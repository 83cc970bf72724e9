// Cells of Gowin's GW1N that Yosys has as black boxes only, written from Gowin's descriptions:
// SPX9, SDPX9B and DPX9B without output registers, of the latter what reads at port B (UG285);
// MULT9X9 with the registers of both inputs and of the output, of signed operands (UG287).
// What the bitstream would set to 0 starts as x here, and what is unknown spreads. Other modes and
// registers give x.
`timescale 1ns/1ps

module SPX9(
  input CLK, CE, OCE, RESET, WRE, input [2:0] BLKSEL, input [13:0] AD, input [35:0] DI,
  output [35:0] DO
);
  parameter READ_MODE = 0, WRITE_MODE = 0, BIT_WIDTH = 36, BLK_SEL = 0, RESET_MODE = "SYNC";
  wire [35:0] out;
  assign DO = READ_MODE || WRITE_MODE ? 36'hx : out;
  block_ram #(.WIDTH_A(BIT_WIDTH)) memory(
    .clk_a(CLK), .en_a(CE), .write_a(WRE), .address_a(AD), .data_a(DI), .out_a(out),
    .clk_b(CLK), .en_b(1'b0), .write_b(1'b0), .address_b(AD), .data_b(DI), .out_b()
  );
endmodule

module SDPX9B(
  input CLKA, CEA, RESETA, CLKB, CEB, RESETB, OCE, input [2:0] BLKSELA, BLKSELB,
  input [13:0] ADA, ADB, input [35:0] DI, output [35:0] DO
);
  parameter READ_MODE = 0, BIT_WIDTH_0 = 36, BIT_WIDTH_1 = 36, BLK_SEL_0 = 0, BLK_SEL_1 = 0;
  parameter RESET_MODE = "SYNC";
  wire [35:0] out;
  assign DO = READ_MODE ? 36'hx : out;
  block_ram #(.WIDTH_A(BIT_WIDTH_0), .WIDTH_B(BIT_WIDTH_1)) memory(
    .clk_a(CLKA), .en_a(CEA), .write_a(1'b1), .address_a(ADA), .data_a(DI), .out_a(),
    .clk_b(CLKB), .en_b(CEB), .write_b(1'b0), .address_b(ADB), .data_b(DI), .out_b(out)
  );
endmodule

module DPX9B(
  input CLKA, CEA, OCEA, RESETA, WREA, CLKB, CEB, OCEB, RESETB, WREB,
  input [2:0] BLKSELA, BLKSELB, input [13:0] ADA, ADB, input [17:0] DIA, DIB,
  output [17:0] DOA, DOB
);
  parameter READ_MODE0 = 0, READ_MODE1 = 0, WRITE_MODE0 = 0, WRITE_MODE1 = 0;
  parameter BIT_WIDTH_0 = 18, BIT_WIDTH_1 = 18, BLK_SEL_0 = 0, BLK_SEL_1 = 0;
  parameter RESET_MODE = "SYNC";
  wire [35:0] out;
  assign DOA = 18'hx, DOB = WREB === 1'b0 && !READ_MODE1 ? out[17:0] : 18'hx;
  block_ram #(.WIDTH_A(BIT_WIDTH_0), .WIDTH_B(BIT_WIDTH_1)) memory(
    .clk_a(CLKA), .en_a(CEA), .write_a(WREA), .address_a(ADA), .data_a({18'hx, DIA}), .out_a(),
    .clk_b(CLKB), .en_b(CEB), .write_b(WREB), .address_b(ADB), .data_b({18'hx, DIB}), .out_b(out)
  );
endmodule

module MULT9X9(
  input CLK, CE, RESET, ASIGN, BSIGN, ASEL, BSEL, input [8:0] A, B, SIA, SIB,
  output [17:0] DOUT, output [8:0] SOA, SOB
);
  parameter AREG = 0, BREG = 0, OUT_REG = 0, PIPE_REG = 0, ASIGN_REG = 0, BSIGN_REG = 0;
  parameter SOA_REG = 0, MULT_RESET_MODE = "SYNC";
  reg signed [8:0] a, b;
  reg signed [17:0] product;
  wire plain = {CE, RESET, ASIGN, BSIGN, ASEL, BSEL} === 6'b101100
      && AREG && BREG && OUT_REG && !PIPE_REG;
  always @(posedge CLK) begin
    a <= plain ? A : 9'hx;
    b <= plain ? B : 9'hx;
    product <= a * b;
  end
  assign DOUT = product;
endmodule
