"""What is on a board beside the engine: clock and reset, serial port, host protocol."""
