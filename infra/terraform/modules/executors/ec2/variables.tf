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

variable "runners" {
  description = "Python minors that there is a program for."
  type        = list(string)
}

variable "artifacts" {
  description = "Folder with the zips that `make lambda` makes."
  type        = string
}

variable "images" {
  description = "Image (AMI) by architecture, or resolve:ssm: and the name of a parameter."
  type        = map(string)
}

variable "heartbeat" {
  description = "Seconds of silence after which an instance is lost; it must also have started within them."
  type        = number
}
