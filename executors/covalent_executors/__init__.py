"""Executors: what the user writes, what Step Functions calls, what talks to the outside.

registry     name -> the package of an executor
place        what a deployment offers: its runners, by Python version
task         what Step Functions calls for one electron: one call, or several in a row
sublattice   those for a sublattice
local        a process of the runner, wherever the stack runs
awslambda    an AWS Lambda function

Each package holds `spec` (the attributes a user may set), `template` (a pure function to a `TaskTemplate`) and,
where AWS has no integration, `adapter` (I/O).
"""
