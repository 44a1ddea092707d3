variable "artifacts" {
  description = "Folder with the zips that `make lambda` makes."
  type        = string
  default     = "../../../../dist/lambda"
}

variable "prefix" {
  description = "What all names begin with."
  type        = string
  default     = "covalent"
}

variable "protect" {
  description = "Refuse to destroy what holds results."
  type        = bool
  default     = true
}

variable "manage_gateway_account" {
  description = "Set the role with which API Gateway writes logs; false if the account has one."
  type        = bool
  default     = true
}

variable "trigger_buckets" {
  description = "Buckets whose objects triggers may watch."
  type        = list(string)
  default     = []
}
