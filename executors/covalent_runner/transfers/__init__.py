"""File transfers before and after an electron, where the electron runs.

places       one end of a transfer: a path of this machine, or an address elsewhere.
moves        a way, a source and a target: what the SDK sends, and what the hooks of an electron call.
disk, rsync  ways between paths of this machine, and of others over ssh.
objects      folders and files between a disk and whatever keeps objects by key: `web`, `s3`, `azure`, `gcloud`.
credentials  secrets, which never travel: where one is kept does.
errors       which end failed, why, and what to do.

Everything streams: no file is ever in memory as a whole. A file that arrives on a disk has another name until it is
whole. The vendors' packages are imported when they are needed, never before.
"""
