output "vpc_id" {
  description = "The VPC."
  value       = local.vpc_id
}

output "subnet_ids" {
  description = "Its subnets, for jobs; known once there is a way out of them."
  value       = local.is_own ? aws_subnet.own[*].id : coalesce(var.subnet_ids, one(data.aws_subnets.found[*].ids))

  depends_on = [aws_route.internet, aws_route_table_association.own, aws_vpc_endpoint.own]
}

output "security_group_id" {
  description = "Security group of jobs; known once they can call out."
  value       = aws_security_group.jobs.id

  depends_on = [aws_vpc_security_group_egress_rule.jobs]
}
