"""Runs an electron as a task of ECS on Fargate, which Step Functions starts and waits for."""
