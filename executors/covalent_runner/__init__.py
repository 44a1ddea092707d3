"""The program that executes one electron, wherever it runs.

event --lambda_handler--> Run | Wait | Collect | Report | Lost

lambda_handler  parses the event, hands it on, raises what Step Functions shall see.
run             one electron: check, claim, fetch, execute, commit, arrive.      No AWS is known here, nor below.
gates, report   waiting for parents in other branches; what to do when a branch stopped.
sublattices     what building one leaves behind; `collect` takes over what its dispatch gave (`returning`).
inputs, values  bytes by digest; bytes to Python values, light nodes evaluated.
watcher         stops electrons that were cancelled; processes: with all that they have started.
execute         hooks and function inside streams, workdir and packages.         Nothing is read or written here.
metrics         how long tries wait and run, for CloudWatch.
store           what is needed of the outside; `aws_store` does it on DynamoDB, S3 and Step Functions.
aws_direct      the table's requests, first tried without most of botocore; `http_post` sends them.
"""
