output "runners" {
  description = "Runner function by Python minor."
  value       = { for python, function in aws_lambda_function.runner : python => function.function_name }
}

output "builders" {
  description = "Builder function by Python minor."
  value       = { for python, function in aws_lambda_function.builder : python => function.function_name }
}

output "arns" {
  description = "ARNs of the functions."
  value = concat(
    [for function in aws_lambda_function.runner : function.arn],
    [for function in aws_lambda_function.builder : function.arn],
  )
}

output "grants" {
  description = "What each role may do, and why."
  value       = { runner = module.policy.grants, builder = module.builder_policy.grants }
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = { runner = module.policy.json, builder = module.builder_policy.json }
}
