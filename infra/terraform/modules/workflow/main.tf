# What state machines need. The machines themselves are made by the API, one for each shape of a workflow.

locals {
  states = "arn:${var.partition}:states:${var.region}:${var.account}"

  # Those of a machine, and the children of a Distributed Map.
  execution  = replace(var.machines, ":stateMachine:", ":execution:")
  executions = ["${local.execution}:*", "${local.execution}/*"]

  # https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
  grants = merge(var.grants, {
    call_runners = {
      why       = "Each electron, gate and report is a call of a runner function, or of a version of it; a sublattice has two more; the bridge is called, too"
      actions   = ["lambda:InvokeFunction"]
      resources = flatten([for arn in var.function_arns : [arn, "${arn}:*"]])
    }
    start_parts = {
      why       = "A large workflow is divided: a machine starts its parts, and a Distributed Map executions of its own"
      actions   = ["states:StartExecution"]
      resources = [var.machines]
    }
    follow_parts = {
      why       = "A machine looks at its parts, and stops them when it is stopped itself"
      actions   = ["states:DescribeExecution", "states:StopExecution"]
      resources = local.executions
    }
    hear_of_parts = {
      why       = "startExecution.sync:2 learns of the end of a part by a rule that Step Functions keeps for all machines"
      actions   = ["events:DescribeRule", "events:PutRule", "events:PutTargets"]
      resources = ["arn:${var.partition}:events:${var.region}:${var.account}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"]
    }
    trace = {
      why       = "X-Ray traces of machines, with the sampling that the account has; these actions know no resources"
      actions   = ["xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      resources = ["*"]
    }
    deliver_logs = {
      why = "Step Functions sets up the delivery of a machine's log with its role; these actions know no resources"
      actions = [
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
      ]
      resources = ["*"]
    }
  })
}

module "policy" {
  source = "../policy"
  grants = local.grants
}

resource "aws_iam_role" "machine" {
  name        = "${var.prefix}-machine"
  description = "What the state machines of this deployment may do."
  tags        = var.tags

  # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "states.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account }
        ArnLike      = { "aws:SourceArn" = "${local.states}:stateMachine:${var.prefix}-*" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "machine" {
  name   = "grants"
  role   = aws_iam_role.machine.id
  policy = module.policy.json
}

# The prefix /aws/vendedlogs/ keeps the account's resource policy from growing with each machine:
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
resource "aws_cloudwatch_log_group" "machines" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts with a key of its own, or with kms_key_arn when it is set
  #checkov:skip=CKV_AWS_338:log_retention_days decides; Step Functions itself keeps histories for 90 days
  name              = "/aws/vendedlogs/states/${var.prefix}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_cloudwatch_log_resource_policy" "machines" {
  policy_name = "${var.prefix}-machines"

  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DeliverMachineLogs"
      Effect    = "Allow"
      Principal = { Service = "delivery.logs.amazonaws.com" }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource  = "${aws_cloudwatch_log_group.machines.arn}:log-stream:*"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account }
        ArnLike      = { "aws:SourceArn" = "arn:${var.partition}:logs:${var.region}:${var.account}:*" }
      }
    }]
  })
}
