variable "prefix" {
  description = "What the names begin with."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "cidr" {
  description = "Address range of a VPC of the deployment's own, as 10.77.0.0/24; null: one that is there."
  type        = string
  default     = null
}

variable "vpc_id" {
  description = "A VPC that is there; null: the account's default one."
  type        = string
  default     = null
}

variable "subnet_ids" {
  description = "Subnets of that VPC; null: those that a default VPC has from the beginning."
  type        = list(string)
  default     = null
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  default     = {}
}
