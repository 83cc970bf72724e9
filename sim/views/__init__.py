"""What a run looks like from within: steps, cycles, pictures."""
