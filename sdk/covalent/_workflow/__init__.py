"""From decorated functions to a transport graph.

electron      the decorator, and what a call of it leaves in a lattice
lattice       the decorator, and the build: runs the workflow function once
tracing       the build that is under way
operations    operators on electrons that are deferred, and those that cannot be
unpacking     how many values `a, b = electron` asks for
capture       values to bytes at the time of the call; finds the electrons in them
arguments     arguments against a signature
metadata      executor and hooks: the electron's own, else the lattice's, else the default
transport     the graph
deps*         what runs before and after an electron
"""
