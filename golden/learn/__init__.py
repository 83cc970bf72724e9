"""Learning in integers: one image, one step of backpropagation along the paths, bit by bit.

:mod:`golden.learn.arithmetic` is the contract. :mod:`golden.learn.by_path` computes it as the paper
writes it, path after path; :mod:`golden.learn.sweeps` in the order of the hardware, row after row;
:mod:`golden.learn.learner` as fast as NumPy can, and
:mod:`golden.learn.compiled` as fast as a compiler can. All agree in every bit.
"""
