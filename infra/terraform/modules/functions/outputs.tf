output "runners" {
  description = "Runner function by Python minor."
  value       = local.names.runner
}

output "builders" {
  description = "Builder function by Python minor."
  value       = local.names.builder
}

output "arns" {
  description = "ARNs of the functions."
  value       = [for function in aws_lambda_function.function : function.arn]
}

output "electron_role" {
  description = "Role of user code. A policy that is attached to it holds for the code of all users."
  value       = aws_iam_role.user_code["electron"].name
}

output "grants" {
  description = "What each role may do, and why."
  value       = { for role, policy in module.policy : role => policy.grants }
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = { for role, policy in module.policy : role => policy.json }
}

output "job_grants" {
  description = "What user code may do in a job that has a role of its own: as in a function, but for all dispatches."
  value       = local.grants_of_job
}
