"""The bridge: looks after electrons in places that Step Functions cannot call (`covalent_executors.bridged`).

handler   what Lambda calls: step, cancel
steps     one step of a try: submit the job; or look at it, and record what became of it
errands   what a job has to do, and its ticket
program   the runner as one file
secret    reads keys and passwords from where they are kept

It never unpickles. Where a job runs there are no credentials of AWS: it reads and writes at addresses in its ticket,
and the bridge records what the job has handed in, as the runner records what it has run itself.
"""
