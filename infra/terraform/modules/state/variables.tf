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

variable "kms_key_arn" {
  description = "A KMS key for bucket and table; null: keys that AWS owns, at no cost."
  type        = string
  default     = null
}

variable "protect" {
  description = "Refuse to destroy a bucket with objects, and the table."
  type        = bool
  default     = true
}

variable "cold_after_days" {
  description = "Days after which objects move to a storage class that becomes cheaper while nobody reads them; null: never."
  type        = number
  default     = 30

  validation {
    condition     = var.cold_after_days == null || try(var.cold_after_days >= 0, false)
    error_message = "cold_after_days must not be negative."
  }
}

variable "tags" {
  description = "Tags of bucket and table."
  type        = map(string)
  default     = {}
}
