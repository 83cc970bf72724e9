"""The engine for designs of others: Verilog, AXI4-Stream ports, core file, example."""
