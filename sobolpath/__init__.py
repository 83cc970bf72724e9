"""Sparse neural networks made of Sobol' paths, in open hardware.

``golden`` defines what the hardware computes, ``hw`` is that hardware, ``sim`` runs it and
compares, ``boards`` makes bitstreams, ``host`` drives a board. In a checkout these are folders
beside this one, joined by links: so a file is where one looks for it, and every tool that reads
Python finds ``sobolpath.golden`` without being told.
"""

__version__ = "0.1.0"
