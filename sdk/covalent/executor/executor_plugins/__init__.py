"""The executors that come with Covalent, one module each; the module's name is the executor's short name."""
