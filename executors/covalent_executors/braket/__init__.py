"""Runs an electron as a hybrid job of Amazon Braket, which answers Step Functions itself.

spec      what the user writes.          template  what Step Functions calls.
place     what the deployment offers.
"""
