variable "deployment" {
  description = "The deployment: names, ARNs, and what holds for everything in it."
  type = object({
    prefix             = string
    account            = string
    region             = string
    partition          = string
    bucket             = string
    bucket_arn         = string
    table              = string
    table_arn          = string
    machines           = string
    kms_key_arn        = string
    log_retention_days = number
    tags               = map(string)
  })
}

variable "grants" {
  description = "What user code may do in every job, as the module `policy` has it."
  type        = any
}

variable "artifacts" {
  description = "Folder with what `make lambda` makes."
  type        = string
}

variable "images" {
  description = "Image by Python minor, in place of Braket's own; its repository's name begins with amazon-braket."
  type        = map(string)
}

variable "roles" {
  description = "Names of further roles that users may name for their jobs."
  type        = list(string)
}

variable "keep_days" {
  description = "Days for which the bucket keeps what jobs and quantum tasks leave behind."
  type        = number
}

variable "protect" {
  description = "Refuse to destroy the bucket while objects are in it."
  type        = bool
}
