"""LocalStack on this machine, without Docker: `python -m covalent_localstack.host`.

pythons    which interpreters are here
install    .venv-localstack: LocalStack, our plugin, and an environment for each Lambda runtime
process    LocalStack as a child: its environment, when it is ready, how it ends
__main__   `install` and `serve`
"""
