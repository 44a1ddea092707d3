"""From a lattice to an accepted dispatch, and everything else the SDK asks of the control plane.

packaging   a built lattice -> manifest and the bytes of its assets
pickles     values, functions and hooks to bytes; what cannot be pickled is named
assets      bytes by digest; small ones share a pack
submit      a package -> a dispatch
recent      what was just sent, for whoever asks for its result in the same process
address     which control plane, and the token for it
connection  HTTP: retries, compression, reuse of sockets       (the one place that opens them)
problems    an answer that is not a success -> an error of `covalent_contracts.errors`
client      one method per route of `covalent_contracts.api`
upload      objects -> presigned PUTs, in parallel
download    presigned GETs -> bytes, in parallel, checked against their digests
parallel    many requests at once, but not too many

Nothing here is imported by `import covalent`; it is loaded by the first dispatch or `get_result`.
"""
