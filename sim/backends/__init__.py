"""What simulates the engine cycle by cycle, and the record that each back end makes."""
