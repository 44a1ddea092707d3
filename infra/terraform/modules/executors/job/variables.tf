variable "prefix" {
  description = "What the names begin with."
  type        = string
}

variable "name" {
  description = "What the name ends with."
  type        = string
}

variable "description" {
  description = "What the role is for."
  type        = string
}

variable "service" {
  description = "The service of AWS that takes the role."
  type        = string
}

variable "conditions" {
  description = "For what the service may take it, as in a policy; empty where the service says nothing of that."
  type        = map(map(string))
  default     = {}
}

variable "grants" {
  description = "What the role may do, as the module `policy` has it."
  type        = any
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  default     = {}
}
