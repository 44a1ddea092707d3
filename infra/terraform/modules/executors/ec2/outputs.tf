output "offer" {
  description = "What the control plane is to know (covalent_executors.ec2.place.Ec2Place)."
  value = {
    profile         = aws_iam_instance_profile.this.name
    images          = var.images
    vpc             = var.network.vpc_id
    subnet          = local.subnet
    security_groups = [var.network.security_group_id]
    program         = "s3://${var.deployment.bucket}/programs/job-py{python}-{architecture}.zip"
    heartbeat       = var.heartbeat

    environment = {
      COVALENT_TABLE     = var.deployment.table
      COVALENT_BUCKET    = var.deployment.bucket
      AWS_REGION         = var.deployment.region
      AWS_DEFAULT_REGION = var.deployment.region
    }
  }

  depends_on = [aws_s3_object.program]
}

output "grants_of_machines" {
  description = "What the role of state machines may do more."
  value       = local.grants_of_machines
}

output "grants_of_control" {
  description = "What the control plane may do to find and end instances."
  value       = local.grants_of_control
}

output "grants" {
  description = "What each role may do, and why."
  value       = { ec2 = module.role.grants }
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = { ec2 = module.role.policy }
}

output "rules" {
  description = "What calls the function of the control plane that finds and ends instances."
  value = {
    ec2 = {
      description = "Every few minutes: ends instances that nobody needs any more."
      pattern     = null
      schedule    = "rate(10 minutes)"
    }
  }
}
