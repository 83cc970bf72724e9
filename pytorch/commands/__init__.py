"""The commands that need PyTorch, a module for each."""
