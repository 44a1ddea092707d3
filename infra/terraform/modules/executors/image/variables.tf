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

variable "runners" {
  description = "Python minors that there is an image for."
  type        = list(string)
}

variable "images" {
  description = "Images by Python minor, where they are not in the repository that is made here."
  type        = map(string)
  default     = {}
}

variable "kms_key_arn" {
  description = "A key for the repository, or null."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  default     = {}
}
