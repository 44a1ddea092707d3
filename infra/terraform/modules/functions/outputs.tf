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
