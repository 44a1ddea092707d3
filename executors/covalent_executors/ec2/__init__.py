"""Runs an electron on an EC2 instance of its own, which answers Step Functions itself and then terminates.

spec      what the user writes.          template  what Step Functions calls.
place     what the deployment offers.    script    what the instance does.
"""
