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

variable "machines" {
  description = "ARN pattern of this deployment's state machines."
  type        = string
}

variable "function_arns" {
  description = "ARNs of the functions that state machines call."
  type        = list(string)
}

variable "grants" {
  description = "What machines may do more, for executors that are turned on, as the module `policy` has it."
  type        = any
  default     = {}
}

variable "kms_key_arn" {
  description = "A key for the log group, or null."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  default     = {}
}
