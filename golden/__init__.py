"""The golden model: NumPy integers that define what the hardware computes, and how networks are made."""
