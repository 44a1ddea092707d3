"""What crosses a process boundary: the bottom layer that every other package may import.

status    the states of a dispatch and of a node, and the legal moves between them
ids       dispatch ids, owners
keys      where objects lie in S3
records   what items look like in DynamoDB
layout    the version of what is stored
envelope  the event that Step Functions hands to the runner
wording   an error in one line
sheet     what the runner must know of one electron
built     what building a sublattice gives
transport one value as bytes, with a header anyone may read
pickling  the only place that pickles and unpickles           (never in the control plane)
manifest  what the SDK posts: a transport graph as JSON        (pydantic)
api       the other requests and answers of the HTTP API       (pydantic)
errors    the tree of errors

Everything but `pickling`, `manifest` and `api` needs the standard library only.
"""
