output "function" {
  description = "Name of the function."
  value       = aws_lambda_function.bridge.function_name
}

output "log_group" {
  description = "Name of its log group."
  value       = aws_cloudwatch_log_group.bridge.name
}

output "grants" {
  description = "What each role may do, and why."
  value       = { bridge = module.policy.grants }
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = { bridge = module.policy.json }
}
