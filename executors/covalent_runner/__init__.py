"""The program that executes one electron, wherever it runs."""
