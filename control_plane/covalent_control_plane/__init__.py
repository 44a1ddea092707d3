"""The control plane: checks, stores, compiles and starts dispatches. It never unpickles."""
