output "grants" {
  description = "What each role may do, and why."
  value       = { for name, policy in module.policy : name => policy.grants }
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = { for name, policy in module.policy : name => policy.json }
}
