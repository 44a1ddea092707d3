"""Hosts that are reached by ssh, and what runs there: what the SSH and Slurm executors have in common.

settings     what a user may set of a login                      (no I/O)
login        who logs in where, and with what                    (reads keys by the bridge's `Secrets`)
host_keys    which host keys are trusted
connections  one connection for each login, kept and closed      (asyncssh is loaded here)
failures     what asyncssh raises, as `Refused` or `Busy`
host         commands and files over a connection
keeper       a program that starts a job there and looks after it
launcher     a program that checks the Python there, and becomes the job

The last two are run on the other host, alone: nothing but the standard library is there.
"""
