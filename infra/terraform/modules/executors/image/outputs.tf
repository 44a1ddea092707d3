output "repository" {
  description = "Where to push the images, tagged py311 and so on."
  value       = aws_ecr_repository.jobs.repository_url
}

output "images" {
  description = "Image by Python minor."
  value       = local.images
}

output "role_arn" {
  description = "Role that pulls them and writes logs; known once its policy is there too."
  value       = aws_iam_role.launcher.arn
  depends_on  = [aws_iam_role_policy.launcher]
}

output "grants" {
  description = "What each role may do, and why."
  value       = { launcher = module.policy.grants }
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = { launcher = module.policy.json }
}
