// A block RAM of 18 kbit with two ports, as the ECP5's and Gowin's are: widths of 1 to 36, a word's
// address in the high digits, byte enables in the lowest ones where a word has several bytes.
// What the bitstream would set to 0 starts as x here, and what is unknown spreads.
`timescale 1ns/1ps

module block_ram(
  input clk_a, en_a, write_a, clk_b, en_b, write_b,
  input [13:0] address_a, address_b,
  input [35:0] data_a, data_b,
  output reg [35:0] out_a, out_b
);
  parameter WIDTH_A = 18;
  parameter WIDTH_B = 18;

  reg [8:0] bytes [0:2047];  // of 9 bits; those of narrower ports leave the ninth alone
  integer unknown;

  // What a port of a width sees at an address.
  function [35:0] word(input integer width, input [13:0] address);
    reg [8:0] single;
    begin
      single = bytes[address[13:3]];
      case (width)
        36: word = {bytes[{address[13:5], 2'd3}], bytes[{address[13:5], 2'd2}],
                    bytes[{address[13:5], 2'd1}], bytes[{address[13:5], 2'd0}]};
        18: word = {bytes[{address[13:4], 1'd1}], bytes[{address[13:4], 1'd0}]};
        9: word = single;
        4: word = address[2] ? single[7:4] : single[3:0];
        2: word = single[{address[2:1], 1'b0} +: 2];
        1: word = single[address[2:0]];
        default: word = 36'hx;
      endcase
    end
  endfunction

  task write(input integer width, input [13:0] address, input [35:0] value);
    integer part;
    begin
      case (width)
        36: for (part = 0; part < 4; part = part + 1) begin
          if (address[part] !== 1'b0)
            bytes[{address[13:5], part[1:0]}] = address[part] ? value[9 * part +: 9] : 9'hx;
        end
        18: for (part = 0; part < 2; part = part + 1) begin
          if (address[part] !== 1'b0)
            bytes[{address[13:4], part[0]}] = address[part] ? value[9 * part +: 9] : 9'hx;
        end
        9: bytes[address[13:3]] = value[8:0];
        4: bytes[address[13:3]][{address[2], 2'b00} +: 4] = value[3:0];
        2: bytes[address[13:3]][{address[2:1], 1'b0} +: 2] = value[1:0];
        1: bytes[address[13:3]][address[2:0]] = value[0];
      endcase
    end
  endtask

  function dark(input integer width, input [13:0] address);  // an unknown address
    dark = width == 36 ? ^address[13:5] === 1'bx : width == 18 ? ^address[13:4] === 1'bx
         : width == 9 ? ^address[13:3] === 1'bx : ^address[13:2] === 1'bx;
  endfunction

  task forget;
    for (unknown = 0; unknown < 2048; unknown = unknown + 1) bytes[unknown] = 9'hx;
  endtask

  // What one port reads where the other one writes in that cycle is not defined here.
  always @(posedge clk_a) if (en_a !== 1'b0) begin
    out_a <= write_a === 1'b0 && en_a === 1'b1 ? word(WIDTH_A, address_a) : write_a === 1'b1 ? out_a : 36'hx;
    if (write_a !== 1'b0) begin
      if (en_a === 1'bx || write_a === 1'bx || dark(WIDTH_A, address_a)) forget;
      else write(WIDTH_A, address_a, data_a);
    end
  end
  always @(posedge clk_b) if (en_b !== 1'b0) begin
    out_b <= write_b === 1'b0 && en_b === 1'b1 ? word(WIDTH_B, address_b) : write_b === 1'b1 ? out_b : 36'hx;
    if (write_b !== 1'b0) begin
      if (en_b === 1'bx || write_b === 1'bx || dark(WIDTH_B, address_b)) forget;
      else write(WIDTH_B, address_b, data_b);
    end
  end
endmodule
