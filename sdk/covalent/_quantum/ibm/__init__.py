"""Circuits on IBM Quantum and on Qiskit's own simulators: what QiskitExecutor and IBMQExecutor are made of.

fields --account, options--> where and how --place--> a sampler (V2) --device--> results as PennyLane wants them

retired   what the service no longer offers, and what takes its place.    Knows no Qiskit.
options   documented options in the words of today's Sampler.             Knows no Qiskit.
account   who asks: token, channel, instance; connects once.              The only one that knows the service.
place     where circuits run: a simulator here, a fake back end, a device.
sessions  runtime sessions and batches, kept from one call to the next.
circuits  PennyLane circuits to Qiskit's, bits to measurements.
device    a PennyLane device over all this.
"""
