output "endpoint" {
  description = "Address of the API, for the SDK: `covalent config set dispatcher.address`, or a profile."
  value       = module.api.endpoint
}

output "region" {
  description = "AWS region, which requests are signed for."
  value       = local.region
}

output "bucket" {
  description = "Bucket of values and documents."
  value       = module.state.bucket
}

output "table" {
  description = "Table of records."
  value       = module.state.table
}

output "runners" {
  description = "Runner function by Python minor."
  value       = module.functions.runners
}

output "prefix" {
  description = "What all names begin with."
  value       = var.prefix
}

output "version" {
  description = "Version of Covalent that these modules belong to."
  value       = local.version
}

output "dashboard_url" {
  description = "Where the dashboard is; null without observability."
  value       = one(module.observability[*].dashboard_url)
}

output "machine_log_group_arn" {
  description = "Where state machines may log, as CreateStateMachine wants it."
  value       = module.workflow.log_group_arn
}

output "image_repository" {
  description = "Where the images of jobs are to be pushed, tagged py311 and so on; null without batch and ecs."
  value       = one(module.image[*].repository)
}

output "permissions" {
  description = "What each role may do, on what, and why."
  value       = merge(module.api.grants, module.functions.grants, module.workflow.grants, local.more[*].grants...)
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = merge(module.api.policies, module.functions.policies, module.workflow.policies, local.more[*].policies...)
}
