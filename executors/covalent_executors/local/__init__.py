"""Runs an electron in the runner of the stack: a worker process offline, the deployment's own function on AWS."""
