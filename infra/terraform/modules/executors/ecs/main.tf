# ECS on Fargate: a cluster, which is only a name, and a task definition for each Python.

locals {
  name  = "${var.deployment.prefix}-electrons"
  home  = "${var.deployment.region}:${var.deployment.account}"
  start = "arn:${var.deployment.partition}:ecs:${local.home}"

  environment = {
    COVALENT_TABLE     = var.deployment.table
    COVALENT_BUCKET    = var.deployment.bucket
    AWS_REGION         = var.deployment.region
    AWS_DEFAULT_REGION = var.deployment.region
  }

  families     = [for python in keys(var.images) : "${local.start}:task-definition/${local.name}-py${replace(python, ".", "")}:*"]
  own_tasks    = [for arn in var.own : arn if strcontains(arn, ":task-definition/")]
  own_clusters = [for arn in var.own : arn if strcontains(arn, ":cluster/")]
  own_roles    = [for arn in var.own : arn if strcontains(arn, ":role/")]
  clusters     = concat([aws_ecs_cluster.this.arn], local.own_clusters)
}

module "role" {
  source      = "../job"
  prefix      = var.deployment.prefix
  name        = "ecs"
  description = "User code in tasks of ECS."
  service     = "ecs-tasks.amazonaws.com"
  grants      = var.grants
  tags        = var.deployment.tags

  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
  conditions = {
    StringEquals = { "aws:SourceAccount" = var.deployment.account }
    ArnLike      = { "aws:SourceArn" = "${local.start}:*" }
  }
}

resource "aws_cloudwatch_log_group" "tasks" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts with a key of its own, or with kms_key_arn when it is set
  #checkov:skip=CKV_AWS_338:log_retention_days decides; users' output need not be kept for a year
  name              = "/covalent/${var.deployment.prefix}/ecs"
  retention_in_days = var.deployment.log_retention_days
  kms_key_id        = var.deployment.kms_key_arn
  tags              = var.deployment.tags
}

resource "aws_ecs_cluster" "this" {
  #checkov:skip=CKV_AWS_65:Container Insights costs for each metric; turn it on with insights
  name = var.deployment.prefix
  tags = var.deployment.tags

  setting {
    name  = "containerInsights"
    value = var.insights ? "enabled" : "disabled"
  }
}

# The size of a task is an override (covalent_executors.ecs.template), so the container has none of its own.
resource "aws_ecs_task_definition" "this" {
  #checkov:skip=CKV_AWS_336:Electrons write to their own folder, and install packages (deps_pip)
  for_each                 = var.images
  family                   = "${local.name}-py${replace(each.key, ".", "")}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  task_role_arn            = module.role.arn
  execution_role_arn       = var.launcher
  tags                     = var.deployment.tags

  runtime_platform {
    cpu_architecture        = upper(var.architecture)
    operating_system_family = "LINUX"
  }

  container_definitions = jsonencode([{
    name        = "electron"
    image       = each.value
    command     = ["python", "-m", "covalent_runner"]
    essential   = true
    environment = [for name, value in local.environment : { name = name, value = value }]

    linuxParameters = { initProcessEnabled = true }

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.tasks.name
        awslogs-region        = var.deployment.region
        awslogs-stream-prefix = "electron"
      }
    }
  }])
}

locals {
  # https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html#ecs-iam
  grants_of_machines = {
    run_tasks = {
      why        = "An electron is a task in the cluster"
      actions    = ["ecs:RunTask"]
      resources  = concat(local.families, local.own_tasks)
      conditions = [{ test = "ArnEquals", variable = "ecs:cluster", values = local.clusters }]
    }
    follow_tasks = {
      why       = "A machine looks at its tasks, and stops them when it is stopped itself"
      actions   = ["ecs:DescribeTasks", "ecs:StopTask"]
      resources = [for arn in local.clusters : "${replace(arn, ":cluster/", ":task/")}/*"]
    }
    pass_task_roles = {
      why       = "Tasks have the role of user code, and that which pulls the image; the machines pass no other"
      actions   = ["iam:PassRole"]
      resources = concat([module.role.arn, var.launcher], local.own_roles)
      conditions = [
        { test = "StringEquals", variable = "iam:PassedToService", values = ["ecs-tasks.amazonaws.com"] },
      ]
    }
    hear_of_tasks = {
      why       = "runTask.sync learns of the end of a task by a rule that Step Functions keeps for all machines"
      actions   = ["events:DescribeRule", "events:PutRule", "events:PutTargets"]
      resources = ["arn:${var.deployment.partition}:events:${local.home}:rule/StepFunctionsGetEventsForECSTaskRule"]
    }
  }
}
