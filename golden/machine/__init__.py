"""What the hardware computes, bit for bit and cycle for cycle, and the files that it takes."""
