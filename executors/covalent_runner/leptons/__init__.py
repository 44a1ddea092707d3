"""What a lepton is where it runs: a callable that travels as the function of its node, with its library in it.

library     the bytes of a .so, .py or .sh file, on disk while they are needed
python      a function of a module
shell       a command, or a function of a script, in bash; `placeholders` fills in `{name}`
c_function  a function of a C library:  values --c_values--> memory --c_process--> memory --c_values--> values

`c_types` names C's types in a form that travels. `c_process` runs as a program of its own, so that a function which
crashes takes no worker with it.
"""
