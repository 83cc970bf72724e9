// Two cells of the ECP5 that Yosys has as black boxes only, written from Lattice's descriptions:
// DP16KD (FPGA-TN-02204), MULT18X18D with the registers of both inputs and of the output or without
// any, always on (FPGA-TN-02205).
// What the bitstream would set to 0 starts as x here, and what is unknown spreads. Other modes and
// a reset give x, and so does what a port reads that writes but for NORMAL, where it holds.
`timescale 1ns/1ps

module DP16KD(
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
  input DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
  input DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
  input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
  output DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
  output DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18;
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG";
  parameter REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000";
  parameter CSDECODE_B = "0b000";
  parameter WRITEMODE_A = "NORMAL";
  parameter WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA";
  parameter CLKBMUX = "CLKB";
  parameter GSR = "ENABLED";

  wire [17:0] dia = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
                     DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] dib = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
                     DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2,
                     ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2,
                     ADB1, ADB0};
  wire [35:0] array_a, array_b;
  reg [35:0] register_a, register_b;
  reg wrote_a, wrote_b;

  // Of 36 bits the lower half leaves by port A, but is read through port B like the upper one.
  wire alike = REGMODE_A == REGMODE_B && CLKA === CLKB && (REGMODE_A == "NOREG" || OCEA === OCEB);
  wire plain = {RSTA, RSTB, CSA2, CSA1, CSA0, CSB2, CSB1, CSB0} === 8'h00
      && (DATA_WIDTH_B != 36 || alike);
  wire [35:0] read_a = plain && (WRITEMODE_A == "NORMAL" || wrote_a === 1'b0) ? array_a : 36'hx;
  wire [35:0] read_b = plain && (WRITEMODE_B == "NORMAL" || wrote_b === 1'b0) ? array_b : 36'hx;
  wire [35:0] doa = REGMODE_A == "OUTREG" ? register_a : REGMODE_A == "NOREG" ? read_a : 36'hx;
  wire [35:0] dob = REGMODE_B == "OUTREG" ? register_b : REGMODE_B == "NOREG" ? read_b : 36'hx;
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
          DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} =
      DATA_WIDTH_B == 36 ? dob[17:0] : doa[17:0];
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
          DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} =
      DATA_WIDTH_B == 36 ? dob[35:18] : dob[17:0];

  always @(posedge CLKA) begin
    if (CEA !== 1'b0) wrote_a <= CEA ? WEA : 1'bx;
    if (OCEA !== 1'b0) register_a <= OCEA ? read_a : 36'hx;
  end
  always @(posedge CLKB) begin
    if (CEB !== 1'b0) wrote_b <= CEB ? WEB : 1'bx;
    if (OCEB !== 1'b0) register_b <= OCEB ? read_b : 36'hx;
  end

  block_ram #(.WIDTH_A(DATA_WIDTH_A), .WIDTH_B(DATA_WIDTH_B)) memory(
    .clk_a(CLKA), .en_a(CEA), .write_a(WEA), .address_a(ada), .data_a({dib, dia}), .out_a(array_a),
    .clk_b(CLKB), .en_b(CEB), .write_b(WEB), .address_b(adb), .data_b({18'hx, dib}), .out_b(array_b)
  );
endmodule

module MULT18X18D(
  input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
  input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
  input C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
  output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
  output P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
  wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  parameter REG_INPUTA_CLK = "NONE";
  parameter REG_INPUTB_CLK = "NONE";
  parameter REG_OUTPUT_CLK = "NONE";
  wire signed [18:0] left = {SIGNEDA & A17, a}, right = {SIGNEDB & B17, b};
  reg signed [18:0] left_register, right_register;
  reg signed [37:0] product_register;
  always @(posedge CLK0) begin
    left_register <= left;
    right_register <= right;
    product_register <= left_register * right_register;
  end
  // An unsigned choice beside it would make the multiplication unsigned, hence 38'shx.
  wire signed [37:0] product =
      REG_INPUTA_CLK != REG_OUTPUT_CLK || REG_INPUTB_CLK != REG_OUTPUT_CLK ? 38'shx
      : REG_OUTPUT_CLK == "NONE" ? left * right : product_register;
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
          P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} =
      product[35:0];
endmodule
