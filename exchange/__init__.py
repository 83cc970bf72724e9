"""Networks of others, and for others: ONNX and QONNX, in and out.

:mod:`exchange.reader` reads a file as a :mod:`exchange.chain` of dense layers, node by node
(:mod:`exchange.nodes`), :mod:`exchange.inputs` says what bytes are to it, :mod:`exchange.dense`
makes them junctions of paths, :mod:`exchange.exact` the integers of the hardware, where the network
is quantized already, and :mod:`exchange.writer` writes a model as ONNX.
"""
