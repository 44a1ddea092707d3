output "arn" {
  description = "ARN of the role; known once its policy is there too."
  value       = aws_iam_role.this.arn
  depends_on  = [aws_iam_role_policy.this]
}

output "name" {
  description = "Name of the role; as above."
  value       = aws_iam_role.this.name
  depends_on  = [aws_iam_role_policy.this]
}

output "grants" {
  description = "What the role may do, and why."
  value       = module.policy.grants
}

output "policy" {
  description = "Its policy, as JSON."
  value       = module.policy.json
}
