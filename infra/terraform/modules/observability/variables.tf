variable "prefix" {
  description = "What the names begin with."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "functions" {
  description = "Functions of the control plane: api, finish, restart and sweep."
  type = object({
    api     = string
    finish  = string
    restart = string
    sweep   = string
  })
}

variable "runners" {
  description = "Runner function by Python minor."
  type        = map(string)
}

variable "api_name" {
  description = "Name of the API."
  type        = string
}

variable "dead_letters" {
  description = "Name of the queue of events that could not be worked off."
  type        = string
}

variable "table" {
  description = "Name of the table."
  type        = string
}

variable "log_groups" {
  description = "Log groups of api, finish, restart and sweep."
  type        = map(string)
}

variable "alarm_topic_arn" {
  description = "SNS topic that hears of alarms; null: they only show in the console."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the alarms."
  type        = map(string)
  default     = {}
}
