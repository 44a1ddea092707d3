"""From a lattice to an accepted dispatch, and everything else the SDK asks of the control plane.

packaging   a built lattice -> manifest and the bytes of its assets
pickles     values, functions and hooks to bytes; what cannot be pickled is named
assets      bytes by digest; small ones share a pack
submit      a package -> a dispatch
recent      what was just sent, for whoever asks for its result in the same process
address     which control plane: a profile, or an address, and the token or region for it
permission  what proves who asks: a bearer token, or
signing     a signature, by the user's AWS                     (botocore is loaded here, and by
credentials                                                     nothing else)
connection  HTTP: retries, compression, reuse of sockets       (the one place that opens them)
problems    an answer that is not a success -> an error of `covalent_contracts.errors`
gateway     what API Gateway says when it lets a request not through
unreachable no answer -> an error, with the reason and the cure
client      one method per route of `covalent_contracts.api`
upload      objects -> presigned PUTs, in parallel; old addresses are renewed
body        a large object in pieces
progress    how far an upload is
download    presigned GETs -> bytes, in parallel, checked against their digests
parallel    many requests at once, but not too many
checkup     what `covalent doctor` looks at

Nothing here is imported by `import covalent`; it is loaded by the first dispatch or `get_result`.
"""
