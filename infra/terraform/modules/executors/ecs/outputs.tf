output "offer" {
  description = "What the control plane is to know (covalent_executors.place.Ecs)."
  value = {
    cluster         = aws_ecs_cluster.this.name
    definitions     = { for python, definition in aws_ecs_task_definition.this : python => definition.family }
    subnets         = var.network.subnet_ids
    security_groups = [var.network.security_group_id]
    has_public_ip   = var.network.has_public_ip
    container       = "electron"
    environment     = local.environment
  }
}

output "grants_of_machines" {
  description = "What the role of state machines may do more."
  value       = local.grants_of_machines
}

output "grants" {
  description = "What each role may do, and why."
  value       = { ecs = module.role.grants }
}

output "policies" {
  description = "The policy of each role, as JSON."
  value       = { ecs = module.role.policy }
}
