"""Which version of the stored form this one writes: of the items of `records`, and of the keys of `keys`.

A change that older items do not fit raises it, and adds what brings them over to `covalent db migrate`.
"""

LAYOUT = 1

JOURNAL = "state.sqlite"
"""The file in the offline AWS's data folder that holds the items; its `user_version` is their layout."""
