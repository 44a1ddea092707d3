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

variable "network" {
  description = "Where jobs run: VPC, subnets, security group, and whether they need public addresses to call out."
  type = object({
    vpc_id            = string
    subnet_ids        = list(string)
    security_group_id = string
    has_public_ip     = bool
  })
}

variable "grants" {
  description = "What user code may do in every job, as the module `policy` has it."
  type        = any
}

variable "images" {
  description = "Image by Python minor."
  type        = map(string)
}

variable "launcher" {
  description = "ARN of the role that pulls the image and writes the log."
  type        = string
}

variable "architecture" {
  description = "x86_64 or arm64: the processors, for which the images are made."
  type        = string
}

variable "insights" {
  description = "Turn on Container Insights, which cost for each metric."
  type        = bool
}

variable "own" {
  description = "ARNs of clusters and task definitions of the users' own, which executors may name, and of the roles that these tasks have."
  type        = list(string)
}
