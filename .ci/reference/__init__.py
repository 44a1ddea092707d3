"""Holds the product to the text of Covalent's API reference: signatures, configuration, commands, code blocks.

text        the reference as sections, headings and code blocks.   Nothing of ours is known here.
promises    headings as signatures and attributes, compared with what our packages have.
blocks      every code block is run by one of the two below.
config      blocks of the configuration file, read back through `ct.get_config`.
commands    the command line: every synopsis and option.
"""
