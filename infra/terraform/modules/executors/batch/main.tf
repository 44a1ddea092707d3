# AWS Batch: a queue before machines that are there while jobs are, and a job definition for each Python. GPUs have a
# queue of their own, so that no other job waits for one, or takes it.

locals {
  is_fargate = startswith(var.type, "FARGATE")
  name       = "${var.deployment.prefix}-electrons"

  # The kinds of machines; each has a queue.
  machines = merge(
    { electrons = var.instance_types },
    length(var.gpu) == 0 ? {} : { electrons-gpu = var.gpu },
  )

  home = "${var.deployment.region}:${var.deployment.account}"

  environment = {
    COVALENT_TABLE     = var.deployment.table
    COVALENT_BUCKET    = var.deployment.bucket
    AWS_REGION         = var.deployment.region
    AWS_DEFAULT_REGION = var.deployment.region
  }

  jobs        = "arn:${var.deployment.partition}:batch:${local.home}:job/*"
  queues      = [for queue in aws_batch_job_queue.this : queue.arn]
  definitions = [for definition in aws_batch_job_definition.this : definition.arn_prefix]
}

module "role" {
  source      = "../job"
  prefix      = var.deployment.prefix
  name        = "batch"
  description = "User code in jobs of AWS Batch."
  service     = "ecs-tasks.amazonaws.com"
  grants      = var.grants
  tags        = var.deployment.tags

  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
  conditions = { StringEquals = { "aws:SourceAccount" = var.deployment.account } }
}

resource "aws_cloudwatch_log_group" "jobs" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts with a key of its own, or with kms_key_arn when it is set
  #checkov:skip=CKV_AWS_338:log_retention_days decides; users' output need not be kept for a year
  name              = "/covalent/${var.deployment.prefix}/batch"
  retention_in_days = var.deployment.log_retention_days
  kms_key_id        = var.deployment.kms_key_arn
  tags              = var.deployment.tags
}

# The role of the machines themselves, which containers cannot take: it is AWS's own policy for those that run containers.
resource "aws_iam_role" "instance" {
  count       = local.is_fargate ? 0 : 1
  name        = "${var.deployment.prefix}-batch-instance"
  description = "Machines of AWS Batch register with its cluster."
  tags        = var.deployment.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "instance" {
  count      = local.is_fargate ? 0 : 1
  role       = aws_iam_role.instance[0].name
  policy_arn = "arn:${var.deployment.partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
}

resource "aws_iam_instance_profile" "instance" {
  count = local.is_fargate ? 0 : 1
  name  = "${var.deployment.prefix}-batch-instance"
  role  = aws_iam_role.instance[0].name
  tags  = var.deployment.tags
}

# A container is one hop further away than the machine: so it cannot ask for the machine's credentials.
resource "aws_launch_template" "machine" {
  count       = local.is_fargate ? 0 : 1
  name        = "${var.deployment.prefix}-batch"
  description = "Machines of AWS Batch."
  tags        = var.deployment.tags

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      encrypted             = true
      volume_size           = var.disk
      volume_type           = "gp3"
      delete_on_termination = true
    }
  }
}

# Without a service role Batch takes the one that the account has for it (AWSServiceRoleForBatch), or makes it.
resource "aws_batch_compute_environment" "this" {
  for_each                 = local.machines
  compute_environment_name = "${var.deployment.prefix}-${each.key}"
  type                     = "MANAGED"
  state                    = "ENABLED"
  tags                     = var.deployment.tags

  compute_resources {
    type                = var.type
    max_vcpus           = var.max_vcpus
    min_vcpus           = local.is_fargate ? null : 0 # nothing costs while nothing runs
    subnets             = var.network.subnet_ids
    security_group_ids  = [var.network.security_group_id]
    instance_type       = local.is_fargate ? null : each.value
    instance_role       = local.is_fargate ? null : aws_iam_instance_profile.instance[0].arn
    allocation_strategy = local.is_fargate ? null : var.type == "SPOT" ? "SPOT_PRICE_CAPACITY_OPTIMIZED" : "BEST_FIT_PROGRESSIVE"

    dynamic "launch_template" {
      for_each = aws_launch_template.machine

      content {
        launch_template_id = launch_template.value.id
        version            = "$Latest"
      }
    }
  }

  depends_on = [aws_iam_role_policy_attachment.instance]
}

resource "aws_batch_job_queue" "this" {
  for_each = local.machines
  name     = "${var.deployment.prefix}-${each.key}"
  state    = "ENABLED"
  priority = 1
  tags     = var.deployment.tags

  compute_environment_order {
    order               = 1
    compute_environment = aws_batch_compute_environment.this[each.key].arn
  }
}

locals {
  # What Fargate wants to know, and what it does not take.
  of_kind = {
    true = {
      networkConfiguration = { assignPublicIp = var.network.has_public_ip ? "ENABLED" : "DISABLED" }
      runtimePlatform      = { cpuArchitecture = upper(var.architecture), operatingSystemFamily = "LINUX" }
    }
    false = {
      linuxParameters = { initProcessEnabled = true }
    }
  }
}

# Sizes, time limits and the electron are overrides of each job (covalent_executors.awsbatch.template).
resource "aws_batch_job_definition" "this" {
  for_each              = var.images
  name                  = "${local.name}-py${replace(each.key, ".", "")}"
  type                  = "container"
  platform_capabilities = [local.is_fargate ? "FARGATE" : "EC2"]
  propagate_tags        = true
  tags                  = var.deployment.tags

  container_properties = jsonencode(merge(
    {
      image            = each.value
      command          = ["python", "-m", "covalent_runner"]
      jobRoleArn       = module.role.arn
      executionRoleArn = var.launcher
      environment      = [for name, value in local.environment : { name = name, value = value }]

      resourceRequirements = [
        { type = "VCPU", value = "1" },
        { type = "MEMORY", value = "2048" },
      ]

      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.jobs.name
          awslogs-region        = var.deployment.region
          awslogs-stream-prefix = "electron"
        }
      }
    },
    local.of_kind[local.is_fargate],
  ))
}

locals {
  # https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html#batch-iam
  grants_of_machines = {
    submit_jobs = {
      why       = "An electron is a job in the queue"
      actions   = ["batch:SubmitJob"]
      resources = concat(local.queues, flatten([for arn in local.definitions : [arn, "${arn}:*"]]), [local.jobs], var.own)
    }
    end_jobs = {
      why       = "A job goes on when its state is stopped, unless it is ended; jobs have no names of ours in their ARNs"
      actions   = ["batch:TerminateJob"]
      resources = [local.jobs]
    }
    look_at_jobs = {
      why       = "How a job stands; the action knows no resources"
      actions   = ["batch:DescribeJobs"]
      resources = ["*"]
    }
    hear_of_jobs = {
      why       = "submitJob.sync learns of the end of a job by a rule that Step Functions keeps for all machines"
      actions   = ["events:DescribeRule", "events:PutRule", "events:PutTargets"]
      resources = ["arn:${var.deployment.partition}:events:${local.home}:rule/StepFunctionsGetEventsForBatchJobsRule"]
    }
  }
}
