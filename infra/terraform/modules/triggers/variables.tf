variable "prefix" {
  description = "What the names begin with."
  type        = string
}

variable "account" {
  description = "AWS account id."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "partition" {
  description = "AWS partition, for ARNs."
  type        = string
}

variable "function" {
  description = "Name of the function that runs the dispatches of triggers."
  type        = string
}

variable "schedules" {
  description = "Name of the group of schedules."
  type        = string
}

variable "buckets" {
  description = "Buckets whose events are sent to EventBridge; their other notifications are replaced."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  default     = {}
}
