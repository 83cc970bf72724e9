"""The golden model: NumPy integers that define what the hardware computes, and their training."""
