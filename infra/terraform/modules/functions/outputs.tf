output "runners" {
  description = "Runner function by Python minor."
  value       = { for python, function in aws_lambda_function.runner : python => function.function_name }
}

output "arns" {
  description = "ARNs of the runner functions."
  value       = [for function in aws_lambda_function.runner : function.arn]
}

output "grants" {
  description = "What each role may do, and why."
  value       = { runner = module.policy.grants }
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = { runner = module.policy.json }
}
