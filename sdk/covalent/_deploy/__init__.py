"""Put the control plane into an AWS account, look after it, and take it away: what `covalent deploy` does.

settings --workspace--> folder --terraform--> events --deployment--> what the command shows

settings     what is asked for: region, prefix, Python versions, further variables.
workspace    the folder that Terraform works in, one for each deployment; remembers the settings.
terraform    runs Terraform; the only module that starts it. Its lines become events.
account      what is asked of AWS beside Terraform; the only module here that makes a boto3 client.
deployment   up, plan, status and down, as streams of events.
outputs      what a deployment says of itself, and the profile that the SDK reads.
estimate     what it costs when nothing runs, and what an electron costs.
explanation  what Terraform and AWS refuse, as a short message with its cure.
artifacts    the zips that Lambda runs; sources where they and the Terraform modules come from.
"""
