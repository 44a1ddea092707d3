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
  description = "x86_64 or arm64: the processors of Fargate, for which the images are made."
  type        = string
}

variable "type" {
  description = "FARGATE, FARGATE_SPOT, EC2 or SPOT."
  type        = string
}

variable "max_vcpus" {
  description = "How many virtual CPUs run at once."
  type        = number
}

variable "instance_types" {
  description = "Kinds of machines, of EC2 and SPOT."
  type        = list(string)
}

variable "gpu" {
  description = "Kinds of machines with GPUs, which have a queue of their own."
  type        = list(string)
}

variable "disk" {
  description = "GB of a machine's disk, of EC2 and SPOT."
  type        = number
}

variable "own" {
  description = "ARNs of queues and job definitions of the users' own, which executors may name."
  type        = list(string)
}
