output "offer" {
  description = "What the control plane is to know (covalent_executors.place.Batch)."
  value = {
    queue       = aws_batch_job_queue.this["electrons"].name
    gpu_queue   = join("", [for kind, queue in aws_batch_job_queue.this : queue.name if kind == "electrons-gpu"])
    is_fargate  = local.is_fargate
    definitions = { for python, definition in aws_batch_job_definition.this : python => definition.name }
    environment = local.environment
  }
}

output "grants_of_machines" {
  description = "What the role of state machines may do more."
  value       = local.grants_of_machines
}

output "grants" {
  description = "What each role may do, and why."
  value       = { batch = module.role.grants }
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = { batch = module.role.policy }
}
