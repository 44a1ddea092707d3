variable "prefix" {
  description = "What the names begin with."
  type        = string
}

variable "partition" {
  description = "AWS partition, for ARNs."
  type        = string
}

variable "artifact" {
  description = "Path of the control plane's zip."
  type        = string
}

variable "architecture" {
  description = "x86_64 or arm64."
  type        = string
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

variable "runners" {
  description = "Runner function by Python minor."
  type        = map(string)
}

variable "builders" {
  description = "Function that builds sublattices by Python minor."
  type        = map(string)
}

variable "machines" {
  description = "ARN pattern of this deployment's state machines."
  type        = string
}

variable "machine_role_arn" {
  description = "The role that the API gives to state machines."
  type        = string
}

variable "machine_log_group" {
  description = "ARN of the log group to which state machines report errors."
  type        = string
}

variable "machine_tracing" {
  description = "Whether state machines send traces to X-Ray."
  type        = bool
  default     = true
}

variable "shared_with" {
  description = "By owner (ARN of a principal), the principals that may read all dispatches of theirs."
  type        = map(list(string))
  default     = {}
}

variable "sso_owners" {
  description = "Who owns what is dispatched through a role of IAM Identity Center: each person, or the role."
  type        = string
  default     = "person"

  validation {
    condition     = contains(["person", "role"], var.sso_owners)
    error_message = "sso_owners must be person or role."
  }
}

variable "triggers" {
  description = "Names of what triggers need, and null for none: ARN of the function, group of schedules, ARNs of the roles of schedules and of machines that tick."
  type = object({
    function       = string
    schedules      = string
    scheduler_role = string
    ticker_role    = string
  })
  default = null
}

variable "trigger_buckets" {
  description = "Buckets whose events triggers may wait for."
  type        = list(string)
  default     = []
}

variable "offers" {
  description = "What the deployment offers to executors, as JSON by batch, ecs, ec2, braket; one that is missing is not turned on."
  type        = map(string)
  default     = {}
}

variable "bridge" {
  description = "Name of the function that looks after jobs in other places, or an empty string."
  type        = string
  default     = ""
}

variable "answers" {
  description = "What `answer` needs, and null if nothing is to be answered for: what it may do, and the rules that call it."
  type = object({
    grants = any
    rules = map(object({
      description = string
      pattern     = optional(string)
      schedule    = optional(string)
    }))
  })
  default = null
}

variable "kms_key_arn" {
  description = "The key of bucket, table, logs and environments, or null."
  type        = string
  default     = null
}

variable "reserved_concurrency" {
  description = "Executions at a time that are reserved for adopt, answer, api, finish, fire, restart or sweep, and the most they get; one that is missing shares the account's."
  type        = map(number)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.reserved_concurrency), ["adopt", "answer", "api", "finish", "fire", "restart", "sweep"])) == 0
    error_message = "reserved_concurrency knows adopt, answer, api, finish, fire, restart and sweep."
  }
}

variable "throttle" {
  description = "Requests a second that the API answers, and how many at once."
  type = object({
    rate  = optional(number, 100)
    burst = optional(number, 200)
  })
  default = {}
}

variable "manage_gateway_account" {
  description = "Set the role with which API Gateway writes logs, one for all APIs of an account in a region; false where it is set already."
  type        = bool
  default     = true
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
