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

  # The function is told the address of the API, and the API and the machines may call it: so these know its name only.
  bridge     = "${var.prefix}-bridge"
  bridge_arn = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${local.bridge}"

  # Made of names, because the function has to know them before they are there.
  triggers = !var.triggers ? null : {
    function       = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.prefix}-fire"
    schedules      = "${var.prefix}-triggers"
    scheduler_role = "arn:${local.partition}:iam::${local.account}:role/${var.prefix}-scheduler"
    ticker_role    = "arn:${local.partition}:iam::${local.account}:role/${var.prefix}-ticker"
  }
}

locals {
  # What the modules of executors are told of the deployment.
  deployment = {
    prefix             = var.prefix
    account            = local.account
    region             = local.region
    partition          = local.partition
    bucket             = module.state.bucket
    bucket_arn         = module.state.bucket_arn
    table              = module.state.table
    table_arn          = module.state.table_arn
    machines           = local.machines
    kms_key_arn        = var.kms_key_arn
    log_retention_days = var.log_retention_days
    tags               = local.tags
  }

  has_containers = var.batch != null || var.ecs != null
  has_network    = local.has_containers || var.ec2 != null

  network = one([for network in module.network : {
    vpc_id            = network.vpc_id
    subnet_ids        = network.subnet_ids
    security_group_id = network.security_group_id
    has_public_ip     = var.network.public_ip
  }])

  # Modules of executors that are turned on: each may let the machines do more, and the control plane.
  executors = merge(
    { for each in module.batch : "batch" => each },
    { for each in module.ecs : "ecs" => each },
    { for each in module.ec2 : "ec2" => each },
    { for each in module.braket : "braket" => each },
  )
  more      = concat(module.triggers, module.image, module.batch, module.ecs, module.ec2, module.braket, module.bridge)
  answering = concat(module.ec2, module.braket)

  answers = length(local.answering) == 0 ? null : {
    grants = merge(local.answering[*].grants_of_control...)
    rules  = merge(local.answering[*].rules...)
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
  function_arns      = concat(module.functions.arns, [local.adopter], var.bridge ? [local.bridge_arn] : [])
  grants             = merge([for executor in values(local.executors) : executor.grants_of_machines]...)
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
  offers                 = { for name, executor in local.executors : name => jsonencode(executor.offer) }
  bridge                 = var.bridge ? local.bridge : ""
  answers                = local.answers
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

module "network" {
  source     = "./modules/network"
  count      = local.has_network ? 1 : 0
  prefix     = var.prefix
  region     = local.region
  cidr       = var.network.cidr
  vpc_id     = var.network.vpc_id
  subnet_ids = var.network.subnet_ids
  tags       = local.tags
}

module "image" {
  source      = "./modules/executors/image"
  count       = local.has_containers ? 1 : 0
  prefix      = var.prefix
  account     = local.account
  region      = local.region
  partition   = local.partition
  runners     = var.runners
  images      = var.images
  kms_key_arn = var.kms_key_arn
  tags        = local.tags
}

module "batch" {
  source         = "./modules/executors/batch"
  count          = var.batch == null ? 0 : 1
  deployment     = local.deployment
  network        = local.network
  grants         = module.functions.job_grants
  images         = module.image[0].images
  launcher       = module.image[0].role_arn
  architecture   = var.architecture
  type           = var.batch.type
  max_vcpus      = var.batch.max_vcpus
  instance_types = var.batch.instance_types
  gpu            = var.batch.gpu
  disk           = var.batch.disk
  own            = var.batch.own
}

module "ecs" {
  source       = "./modules/executors/ecs"
  count        = var.ecs == null ? 0 : 1
  deployment   = local.deployment
  network      = local.network
  grants       = module.functions.job_grants
  images       = module.image[0].images
  launcher     = module.image[0].role_arn
  architecture = var.architecture
  insights     = var.ecs.insights
  own          = var.ecs.own
}

module "ec2" {
  source     = "./modules/executors/ec2"
  count      = var.ec2 == null ? 0 : 1
  deployment = local.deployment
  network    = local.network
  grants     = module.functions.job_grants
  runners    = var.runners
  artifacts  = var.artifacts
  images     = var.ec2.images
  heartbeat  = var.ec2.heartbeat
}

module "braket" {
  source     = "./modules/executors/braket"
  count      = var.braket == null ? 0 : 1
  deployment = local.deployment
  grants     = module.functions.job_grants
  artifacts  = var.artifacts
  images     = var.braket.images
  roles      = var.braket.roles
  keep_days  = var.braket.keep_days
  protect    = var.protect
}

module "bridge" {
  source           = "./modules/executors/bridge"
  count            = var.bridge ? 1 : 0
  deployment       = local.deployment
  artifacts        = var.artifacts
  architecture     = var.architecture
  endpoint         = module.api.endpoint
  dead_letters_arn = module.api.dead_letters_arn
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
