variable "grants" {
  description = "What is allowed, on what, under which conditions, and why."
  type = map(object({
    why       = string
    actions   = list(string)
    resources = list(string)
    conditions = optional(list(object({
      test     = string
      variable = string
      values   = list(string)
    })), [])
  }))

  validation {
    condition     = alltrue([for grant in values(var.grants) : length(grant.why) >= 10])
    error_message = "Every grant needs a reason."
  }

  validation {
    condition     = alltrue([for action in flatten(values(var.grants)[*].actions) : !strcontains(action, "*")])
    error_message = "Actions are named one by one."
  }

  validation {
    condition     = alltrue([for grant in values(var.grants) : length(grant.actions) > 0 && length(grant.resources) > 0])
    error_message = "Every grant names actions and resources."
  }
}
