"""What goes wrong with IBM Quantum, by what the user should do.

BadOption            fix the option's name or value
TokenMissing         give a token
TokenRefused         give another token, or another instance
UnknownBackend       choose a back end that exists
BackendUnavailable   wait, or choose another back end
JobFailed            look at the cause: the device or the service refused the circuit
JobStateUnknown      look for the job at the service, by its id
"""

from __future__ import annotations


class BadOption(ValueError):
    """An option that today's Sampler does not have, or a value that it does not take."""


class TokenMissing(ValueError):
    """A job for IBM Quantum, and no token."""


class TokenRefused(ValueError):
    """IBM Quantum does not know the token, or the token may not use the instance."""


class UnknownBackend(ValueError):
    """The account has no such back end; it may have been retired."""


class TooFewQubits(ValueError):
    """The circuit has more wires than the back end has qubits."""


class ShotsMissing(ValueError):
    """The back end can only sample, and no number of shots was given."""


class BackendUnavailable(RuntimeError):
    """The back end is offline, its queue is too long, or the service cannot be reached."""


class JobFailed(RuntimeError):
    """The job was taken, and did not end well; `__cause__` is what Qiskit said."""


class TooManyJobs(JobFailed):
    """The service takes no more jobs now."""


class JobStateUnknown(JobFailed):
    """The job was taken, and the service does not tell what became of it."""
