"""Runs electrons as jobs of a cluster that Slurm manages.

script    the batch script of a job             (pure)
states    what Slurm says of a job              (pure)
refusals  what sbatch says when it takes none   (pure)
adapter   commands of Slurm on a login node
"""
