output "endpoint" {
  description = "Address of the API, for the SDK."
  value       = module.covalent.endpoint
}

output "region" {
  description = "AWS region."
  value       = module.covalent.region
}

output "prefix" {
  description = "What all names begin with."
  value       = module.covalent.prefix
}

output "bucket" {
  description = "Bucket of values and documents."
  value       = module.covalent.bucket
}

output "table" {
  description = "Table of records."
  value       = module.covalent.table
}

output "runners" {
  description = "Runner function by Python minor."
  value       = module.covalent.runners
}

output "version" {
  description = "Version of Covalent that is deployed."
  value       = module.covalent.version
}

output "dashboard_url" {
  description = "Where the dashboard is."
  value       = module.covalent.dashboard_url
}

output "image_repository" {
  description = "Where the images of jobs are to be pushed."
  value       = module.covalent.image_repository
}

output "permissions" {
  description = "What each role may do, on what, and why."
  value       = module.covalent.permissions
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = module.covalent.policies
}
