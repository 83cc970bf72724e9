"""PyTorch takes one thread: what is computed here is small, and tests run beside each other."""

import torch

torch.set_num_threads(1)
