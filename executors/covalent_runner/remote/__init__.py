"""The runner far from AWS: one file that needs Python and nothing else, and the ticket that lies beside it.

    python <program>       reads ticket.json from its own folder, runs the try, hands in the verdict

It exits with 0 once the verdict is handed in, whatever became of the electron, and otherwise says on stderr why not.
"""
