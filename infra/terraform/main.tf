# Covalent's control plane in one account and region. This module only wires the others.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  version = "0.1.0" # covalent._version; a test holds them together

  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name
  tags      = merge({ "covalent:deployment" = var.prefix }, var.tags)

  # What the roles may do to state machines; made of names, because the machines come and go. The name is a prefix and
  # 40 hexadecimal digits. Forty question marks and not a star, so that the deployment `covalent` can do nothing to
  # the machines of the deployment `covalent-test`.
  machine  = "${var.prefix}-${join("", [for _ in range(40) : "?"])}"
  machines = "arn:${local.partition}:states:${local.region}:${local.account}:stateMachine:${local.machine}"

  # Made of its name too: the module that makes it needs the role that machines assume, and that role may call it.
  adopter = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.prefix}-adopt"

  # Made of names, because the function has to know them before they are there.
  triggers = !var.triggers ? null : {
    function       = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.prefix}-fire"
    schedules      = "${var.prefix}-triggers"
    scheduler_role = "arn:${local.partition}:iam::${local.account}:role/${var.prefix}-scheduler"
    ticker_role    = "arn:${local.partition}:iam::${local.account}:role/${var.prefix}-ticker"
  }
}

module "state" {
  source          = "./modules/state"
  prefix          = var.prefix
  account         = local.account
  region          = local.region
  partition       = local.partition
  kms_key_arn     = var.kms_key_arn
  protect         = var.protect
  cold_after_days = var.cold_after_days
  tags            = local.tags
}

module "functions" {
  source             = "./modules/functions"
  prefix             = var.prefix
  runners            = var.runners
  architecture       = var.architecture
  artifacts          = var.artifacts
  memory             = var.runner_memory
  bucket             = module.state.bucket
  bucket_arn         = module.state.bucket_arn
  table              = module.state.table
  table_arn          = module.state.table_arn
  machines           = local.machines
  kms_key_arn        = var.kms_key_arn
  log_retention_days = var.log_retention_days
  tags               = local.tags
}

module "workflow" {
  source             = "./modules/workflow"
  prefix             = var.prefix
  account            = local.account
  region             = local.region
  partition          = local.partition
  machines           = local.machines
  function_arns      = concat(module.functions.arns, [local.adopter])
  kms_key_arn        = var.kms_key_arn
  log_retention_days = var.log_retention_days
  tags               = local.tags
}

module "api" {
  source                 = "./modules/api"
  prefix                 = var.prefix
  partition              = local.partition
  artifact               = "${var.artifacts}/control-plane-${var.architecture}.zip"
  architecture           = var.architecture
  bucket                 = module.state.bucket
  bucket_arn             = module.state.bucket_arn
  table                  = module.state.table
  table_arn              = module.state.table_arn
  runners                = module.functions.runners
  builders               = module.functions.builders
  machines               = local.machines
  machine_role_arn       = module.workflow.role_arn
  machine_log_group      = module.workflow.log_group_arn
  shared_with            = var.shared_with
  sso_owners             = var.sso_owners
  triggers               = local.triggers
  trigger_buckets        = var.trigger_buckets
  kms_key_arn            = var.kms_key_arn
  reserved_concurrency   = var.reserved_concurrency
  throttle               = var.throttle
  manage_gateway_account = var.manage_gateway_account
  log_retention_days     = var.log_retention_days
  tags                   = local.tags
}

module "triggers" {
  source    = "./modules/triggers"
  count     = var.triggers ? 1 : 0
  prefix    = var.prefix
  account   = local.account
  region    = local.region
  partition = local.partition
  function  = module.api.functions.fire
  schedules = local.triggers.schedules
  buckets   = var.trigger_buckets
  tags      = local.tags
}

module "observability" {
  source          = "./modules/observability"
  count           = var.observability ? 1 : 0
  prefix          = var.prefix
  region          = local.region
  functions       = module.api.functions
  runners         = module.functions.runners
  api_name        = module.api.api_name
  dead_letters    = module.api.dead_letters
  table           = module.state.table
  log_groups      = module.api.log_groups
  alarm_topic_arn = var.alarm_topic_arn
  tags            = local.tags
}
