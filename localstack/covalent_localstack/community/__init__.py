"""What LocalStack lacks without Docker, as a plugin that runs inside LocalStack's own Python 3.13 environment.

executor     LocalStack asks for an execution environment   -> a seat in the function's pool
pool         few warm processes for each function           -> an invocation waits for one, its clock starts then
worker       one process that runs awslambdaric             -> started, killed when its time is up
runtime_api  what awslambdaric polls                        -> one server for each process
runtimes     python3.12                                     -> the interpreter that the installation prepared
providers    batch, ecs, ecr, dynamodb, dynamodbstreams     -> the moto that LocalStack brings
dynamodb     requests one at a time                         -> conditional writes have one winner
definitions  a definition is parsed                         -> once, not at every start
containers   a job or task is to run                  -> a process, as the embedded AWS has it
jobs         a state waits for one                    -> learns that it failed, ends it when it is stopped
stopping     an execution is stopped, its task fails        -> it was aborted, and has not failed
signatures   what a description and a request say of IAM authorization
identity     who signed a request to API Gateway            -> requestContext.identity, and 403 for nobody

Nothing here may import the rest of the project: it is not installed there, but for what runs containers
(`covalent_localstack.host.install` names it). `executor`, `providers`, `identity`, `definitions`, `containers`, `jobs`
and `stopping` import LocalStack, `dynamodb` imports moto, the others the standard library only.
"""
