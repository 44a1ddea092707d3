output "endpoint" {
  description = "The base URL for the SDK, which adds /api/v1 itself; the stage is called api."
  value       = trimsuffix(aws_api_gateway_stage.api.invoke_url, "/${aws_api_gateway_stage.api.stage_name}")
}

output "api_name" {
  description = "Name of the API."
  value       = aws_api_gateway_rest_api.api.name
}

output "functions" {
  description = "Names of the functions of the control plane."
  value = merge(
    {
      api     = aws_lambda_function.api.function_name
      finish  = aws_lambda_function.finish.function_name
      restart = aws_lambda_function.restart.function_name
      sweep   = aws_lambda_function.sweep.function_name
    },
    { for function in aws_lambda_function.fire : "fire" => function.function_name },
    { for function in aws_lambda_function.answer : "answer" => function.function_name },
  )
}

output "log_groups" {
  description = "Names of the functions' log groups."
  value       = { for name, group in aws_cloudwatch_log_group.function : name => group.name }
}

output "dead_letters" {
  description = "Name of the queue of events that could not be worked off."
  value       = aws_sqs_queue.dead_letters.name
}

output "dead_letters_arn" {
  description = "ARN of that queue."
  value       = aws_sqs_queue.dead_letters.arn
}

output "grants" {
  description = "What each role may do, and why."
  value       = { for name, policy in module.policy : name => policy.grants }
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = { for name, policy in module.policy : name => policy.json }
}

output "offers" {
  description = "What the control plane is told that executors can use, as JSON."
  value       = var.offers
}

output "environment" {
  description = "Variables of the functions of the control plane."
  value       = one(aws_lambda_function.api.environment[*].variables)
}
