output "offer" {
  description = "What the control plane is to know (covalent_executors.braket.place.BraketPlace)."
  value = {
    role        = module.role.arn
    bucket      = aws_s3_bucket.results.bucket
    program     = "s3://${var.deployment.bucket}/${aws_s3_object.program.key}"
    registry    = "${var.deployment.account}.dkr.ecr.${var.deployment.region}.amazonaws.com"
    images      = var.images
    other_roles = var.roles

    environment = {
      COVALENT_TABLE     = var.deployment.table
      COVALENT_BUCKET    = var.deployment.bucket
      AWS_DEFAULT_REGION = var.deployment.region
    }
  }

  depends_on = [aws_s3_bucket_policy.results]
}

output "grants_of_machines" {
  description = "What the role of state machines may do more."
  value       = local.grants_of_machines
}

output "grants_of_control" {
  description = "What the control plane may do to answer for jobs that have ended."
  value       = local.grants_of_control
}

output "grants" {
  description = "What each role may do, and why."
  value       = { braket = module.role.grants }
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = { braket = module.role.policy }
}

output "rules" {
  description = "What calls the function of the control plane that answers for jobs."
  value = {
    braket = {
      description = "Hybrid jobs that have ended."
      schedule    = null

      # covalent_control_plane.hybrid_jobs.PATTERN
      pattern = jsonencode({
        source      = ["aws.braket"]
        detail-type = ["Braket Job State Change"]
        detail      = { status = ["COMPLETED", "FAILED", "CANCELLED"] }
      })
    }
  }
}
