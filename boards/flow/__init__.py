"""From a board to its bitstream, and its netlist back to the golden model."""
