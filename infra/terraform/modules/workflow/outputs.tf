output "role_arn" {
  description = "ARN of the role of the state machines; known once its policy is there too."
  value       = aws_iam_role.machine.arn
  depends_on  = [aws_iam_role_policy.machine]
}

output "log_group" {
  description = "Name of the log group for the machines."
  value       = aws_cloudwatch_log_group.machines.name
}

output "log_group_arn" {
  description = "ARN of the log group for the machines, as CreateStateMachine wants it."
  value       = "${aws_cloudwatch_log_group.machines.arn}:*"
  depends_on  = [aws_cloudwatch_log_resource_policy.machines]
}

output "grants" {
  description = "What each role may do, and why."
  value       = { machine = module.policy.grants }
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = { machine = module.policy.json }
}
