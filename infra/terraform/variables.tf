variable "prefix" {
  description = "What all names begin with, so that several deployments share an account."
  type        = string
  default     = "covalent"

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$", var.prefix))
    error_message = "prefix must be 1 to 30 lower-case letters, digits and hyphens, with no hyphen at its ends."
  }

  validation {
    condition     = !can(regex("--|^xn--|^sthree-", var.prefix))
    error_message = "prefix begins the name of a bucket, and S3 reserves names such as xn--...; two hyphens in a row are not allowed."
  }
}

variable "runners" {
  description = "Python minors to run electrons on: those of the people who dispatch."
  type        = list(string)
  default     = ["3.11", "3.12", "3.13"]

  validation {
    condition     = length(var.runners) > 0 && length(distinct(var.runners)) == length(var.runners)
    error_message = "runners must name at least one Python minor, each of them once."
  }

  validation {
    condition     = alltrue([for python in var.runners : contains(["3.11", "3.12", "3.13"], python)])
    error_message = "There are runners for Python 3.11, 3.12 and 3.13."
  }
}

variable "architecture" {
  description = "Processor of all functions: x86_64, or arm64, which costs a fifth less."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64."
  }
}

variable "artifacts" {
  description = "Folder with the zips of the functions, which `make lambda` or `covalent deploy` makes."
  type        = string
  nullable    = false

  validation {
    condition     = fileexists("${var.artifacts}/control-plane-${var.architecture}.zip")
    error_message = "There is no control-plane-${var.architecture}.zip in ${var.artifacts}: run `make lambda`, or name the folder that has it."
  }

  validation {
    condition = alltrue([
      for python in var.runners : fileexists("${var.artifacts}/runner-py${replace(python, ".", "")}-${var.architecture}.zip")
    ])
    error_message = "A zip of a runner is missing in ${var.artifacts}: run `make lambda` for ${join(", ", var.runners)} on ${var.architecture}."
  }
}

variable "runner_memory" {
  description = "Memory of a runner in MB. 1,769 are one virtual CPU."
  type        = number
  default     = 1769

  validation {
    condition     = var.runner_memory >= 128 && var.runner_memory <= 10240 && floor(var.runner_memory) == var.runner_memory
    error_message = "runner_memory must be a whole number of 128 to 10,240 MB."
  }
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the periods that CloudWatch knows, as 7, 30, 90 or 365."
  }
}

variable "throttle" {
  description = "Requests a second that the API answers, and how many at once."
  type = object({
    rate  = optional(number, 100)
    burst = optional(number, 200)
  })
  default = {}

  validation {
    condition     = var.throttle.rate > 0 && var.throttle.burst > 0
    error_message = "rate and burst must be positive."
  }
}

variable "reserved_concurrency" {
  description = "Executions at a time that are reserved for adopt, answer, api, finish, fire, restart or sweep, and the most they get; one that is missing shares the account's."
  type        = map(number)
  default     = {}
}

variable "shared_with" {
  description = "By owner (ARN of a principal), the principals that may read all dispatches of theirs."
  type        = map(list(string))
  default     = {}

  validation {
    condition     = alltrue([for arn in flatten([keys(var.shared_with), values(var.shared_with)]) : startswith(arn, "arn:")])
    error_message = "shared_with must hold ARNs of principals: roles, users or assumed roles."
  }
}

variable "sso_owners" {
  description = "Who owns what is dispatched through a role of IAM Identity Center, which many people share: each person, or the role."
  type        = string
  default     = "person"

  validation {
    condition     = contains(["person", "role"], var.sso_owners)
    error_message = "sso_owners must be person or role."
  }
}

variable "triggers" {
  description = "Have AWS watch for triggers: schedules, cron expressions, events, objects in buckets. Costs nothing while there are none."
  type        = bool
  default     = false
}

variable "trigger_buckets" {
  description = "Buckets of this account whose objects DirTrigger may watch; their events are sent to EventBridge, which replaces their other notifications."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.trigger_buckets) == 0 || var.triggers
    error_message = "trigger_buckets need triggers = true."
  }
}

variable "network" {
  description = "Where jobs of Batch, ECS and EC2 run: a VPC of the deployment's own (cidr, as 10.77.0.0/24), one that is there (vpc_id, subnet_ids), or else the account's default one. public_ip: whether jobs need a public address to call out, as where there is no NAT."
  type = object({
    cidr       = optional(string)
    vpc_id     = optional(string)
    subnet_ids = optional(list(string))
    public_ip  = optional(bool, true)
  })
  default = {}

  validation {
    condition     = var.network.cidr == null || (var.network.vpc_id == null && var.network.subnet_ids == null)
    error_message = "network has either a cidr, for a VPC of its own, or the vpc_id and subnet_ids of one that is there."
  }

  validation {
    condition     = var.network.cidr == null || can(cidrsubnet(var.network.cidr, 1, 0))
    error_message = "network.cidr must be a range of addresses, as 10.77.0.0/24."
  }

  validation {
    condition     = (var.network.vpc_id == null) == (var.network.subnet_ids == null) && try(length(var.network.subnet_ids) > 0, true)
    error_message = "network.vpc_id and network.subnet_ids go together, with one subnet at least."
  }

  validation {
    condition     = var.network.cidr == null || var.network.public_ip
    error_message = "A VPC of the deployment's own has no NAT, so its jobs need public_ip = true."
  }
}

variable "images" {
  description = "Images of jobs of Batch and ECS by Python minor, where they are not in the repository that is made for them (output image_repository)."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.images), var.runners)) == 0
    error_message = "images are for Python minors of runners."
  }
}

variable "batch" {
  description = "Make what AWSBatchExecutor needs; null: do not. type: FARGATE, FARGATE_SPOT, EC2 or SPOT; max_vcpus: virtual CPUs at once; instance_types, gpu (types with GPUs, which get a queue of their own) and disk (GB): machines of EC2 and SPOT; own: ARNs of queues and job definitions of yours that executors may name."
  type = object({
    type           = optional(string, "FARGATE")
    max_vcpus      = optional(number, 256)
    instance_types = optional(list(string), ["optimal"])
    gpu            = optional(list(string), [])
    disk           = optional(number, 60)
    own            = optional(list(string), [])
  })
  default = null

  validation {
    condition     = var.batch == null || contains(["FARGATE", "FARGATE_SPOT", "EC2", "SPOT"], try(var.batch.type, "FARGATE"))
    error_message = "batch.type must be FARGATE, FARGATE_SPOT, EC2 or SPOT."
  }

  validation {
    condition     = length(try(var.batch.gpu, [])) == 0 || !startswith(try(var.batch.type, "FARGATE"), "FARGATE")
    error_message = "Fargate has no GPUs: batch.gpu needs batch.type EC2 or SPOT."
  }

  validation {
    condition     = try(var.batch.max_vcpus, 1) >= 1
    error_message = "batch.max_vcpus must be at least 1."
  }
}

variable "ecs" {
  description = "Make what ECSExecutor needs; null: do not. insights: turn on Container Insights, which cost for each metric; own: ARNs of clusters and task definitions of yours that executors may name, and of the roles of these tasks."
  type = object({
    insights = optional(bool, false)
    own      = optional(list(string), [])
  })
  default = null
}

variable "ec2" {
  description = "Make what EC2Executor needs; null: do not. images: AMI by architecture, or resolve:ssm: and the name of a parameter that has it; heartbeat: seconds of silence after which an instance is lost."
  type = object({
    images = optional(map(string), {
      x86_64 = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
      arm64  = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    })
    heartbeat = optional(number, 300)
  })
  default = null

  validation {
    condition     = length(setsubtract(keys(try(var.ec2.images, {})), ["x86_64", "arm64"])) == 0
    error_message = "ec2.images are for x86_64 and arm64."
  }

  validation {
    condition     = try(var.ec2.heartbeat, 300) >= 60
    error_message = "ec2.heartbeat must be a minute at least: an instance must have started within it."
  }
}

variable "braket" {
  description = "Make what BraketExecutor needs; null: do not. images: by Python minor, in place of Braket's own; roles: names of further roles that jobs may have; keep_days: how long the bucket keeps what jobs leave behind."
  type = object({
    images    = optional(map(string), {})
    roles     = optional(list(string), [])
    keep_days = optional(number, 30)
  })
  default = null
}

variable "bridge" {
  description = "Make the function that SSHExecutor, SlurmExecutor and the executors of Azure and Google need."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "A KMS key for bucket, table, logs and environments. null: keys of AWS's own, at no cost; a key costs 1 $ a month."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, not an alias: arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "observability" {
  description = "Make alarms (0.10 $ a month each) and a dashboard."
  type        = bool
  default     = false
}

variable "alarm_topic_arn" {
  description = "SNS topic that hears of alarms; null: they only show in the console."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_topic_arn == null || can(regex("^arn:[a-z-]+:sns:", var.alarm_topic_arn))
    error_message = "alarm_topic_arn must be the ARN of an SNS topic."
  }
}

variable "cold_after_days" {
  description = "Days after which objects of 128 KiB and more move to a storage class that becomes cheaper while nobody reads them; null: never."
  type        = number
  default     = 30
}

variable "manage_gateway_account" {
  description = "Set the role with which API Gateway writes logs. An account has one for all its APIs in a region: false if it is set already, as by another deployment."
  type        = bool
  default     = true
}

variable "protect" {
  description = "Refuse to destroy the table, and the bucket while objects are in it."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of everything that can have some."
  type        = map(string)
  default     = {}
}
