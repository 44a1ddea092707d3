# What triggers need that is not made for each of them: a group for schedules, the role with which they call the function
# `fire`, that of the machine that ticks, and leave for rules of EventBridge. The API makes schedules and rules at run time.

locals {
  function = "arn:${var.partition}:lambda:${var.region}:${var.account}:function:${var.function}"
  states   = "arn:${var.partition}:states:${var.region}:${var.account}"
  rules    = "arn:${var.partition}:events:${var.region}:${var.account}:rule/${var.prefix}-trigger-*"

  grants = {
    scheduler = {
      call_fire = {
        why       = "A schedule that is due calls the function"
        actions   = ["lambda:InvokeFunction"]
        resources = [local.function]
      }
    }
    ticker = {
      call_fire = {
        why       = "Each tick calls the function"
        actions   = ["lambda:InvokeFunction"]
        resources = [local.function]
      }
    }
  }
}

module "policy" {
  source   = "../policy"
  for_each = local.grants
  grants   = each.value
}

resource "aws_scheduler_schedule_group" "this" {
  name = var.schedules
  tags = var.tags
}

resource "aws_iam_role" "scheduler" {
  name        = "${var.prefix}-scheduler"
  description = "Schedules of triggers call the function that runs their dispatches."
  tags        = var.tags

  # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = var.account
          "aws:SourceArn"     = aws_scheduler_schedule_group.this.arn
        }
      }
    }]
  })
}

resource "aws_iam_role" "ticker" {
  name        = "${var.prefix}-ticker"
  description = "The state machine that ticks calls the function that runs dispatches of triggers."
  tags        = var.tags

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

resource "aws_iam_role_policy" "scheduler" {
  name   = "grants"
  role   = aws_iam_role.scheduler.id
  policy = module.policy["scheduler"].json
}

resource "aws_iam_role_policy" "ticker" {
  name   = "grants"
  role   = aws_iam_role.ticker.id
  policy = module.policy["ticker"].json
}

# Rules have no role when they call a function: the function says who may call it.
resource "aws_lambda_permission" "rules" {
  function_name  = var.function
  action         = "lambda:InvokeFunction"
  principal      = "events.amazonaws.com"
  source_arn     = local.rules
  source_account = var.account
}

resource "aws_s3_bucket_notification" "this" {
  for_each    = toset(var.buckets)
  bucket      = each.value
  eventbridge = true
}
