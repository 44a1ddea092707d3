"""Hosts that are reached by ssh, and what runs there: what the SSH and Slurm executors have in common.

settings     what a user may set of a login
login        who logs in where, and with what
host_keys    which host keys are trusted                         (asyncssh)
connections  one connection for each login, kept and closed      (asyncssh)
failures     what asyncssh raises, as `Refused` or `Busy`        (asyncssh)
host         commands and files, whatever a host is reached by
ssh_host     commands and files over a connection                (asyncssh)
scripts      pieces of scripts for its shell
keeper       a program that starts a job there and looks after it
launcher     a program that checks the Python there, and becomes the job

The last two are run on the other host, alone: nothing but the standard library is there.
"""
