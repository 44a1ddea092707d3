"""Runs an electron as a job of AWS Batch, which Step Functions submits and waits for."""
