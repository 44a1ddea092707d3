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

variable "artifacts" {
  description = "Folder with the zips that `make lambda` makes."
  type        = string
}

variable "architecture" {
  description = "x86_64 or arm64."
  type        = string
}

variable "endpoint" {
  description = "Address of the API, where jobs renew their tickets."
  type        = string
}

variable "dead_letters_arn" {
  description = "Queue of events that could not be worked off."
  type        = string
}
