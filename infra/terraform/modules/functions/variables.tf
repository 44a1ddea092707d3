variable "prefix" {
  description = "What the names begin with."
  type        = string
}

variable "runners" {
  description = "Python minors that there is a runner for, as 3.11."
  type        = list(string)
}

variable "architecture" {
  description = "x86_64 or arm64."
  type        = string
}

variable "artifacts" {
  description = "Folder with the zips that `make lambda` makes."
  type        = string
}

variable "memory" {
  description = "Memory of a runner in MB; 1,769 are one virtual CPU."
  type        = number
}

variable "bucket" {
  description = "Name of the bucket."
  type        = string
}

variable "bucket_arn" {
  description = "ARN of the bucket."
  type        = string
}

variable "table" {
  description = "Name of the table."
  type        = string
}

variable "table_arn" {
  description = "ARN of the table."
  type        = string
}

variable "machines" {
  description = "ARN pattern of this deployment's state machines."
  type        = string
}

variable "kms_key_arn" {
  description = "The key of bucket and table, or null."
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
