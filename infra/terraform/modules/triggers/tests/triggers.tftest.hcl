# Who may call the function, and who may take the roles.

mock_provider "aws" {
  mock_resource "aws_scheduler_schedule_group" {
    defaults = { arn = "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/covalent-triggers" }
  }
}

variables {
  prefix    = "covalent"
  account   = "123456789012"
  region    = "eu-west-1"
  partition = "aws"
  function  = "covalent-fire"
  schedules = "covalent-triggers"
}

run "roles" {
  assert {
    condition = alltrue([
      for grants in values(output.grants) : alltrue([
        for grant in values(grants) :
        grant.resources == tolist(["arn:aws:lambda:eu-west-1:123456789012:function:covalent-fire"]) && grant.actions == tolist(["lambda:InvokeFunction"])
      ])
    ])
    error_message = "Schedules and machines that tick may call one function and do nothing else."
  }

  assert {
    condition = jsondecode(aws_iam_role.scheduler.assume_role_policy).Statement[0].Condition.StringEquals == {
      "aws:SourceAccount" = "123456789012"
      "aws:SourceArn"     = "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/covalent-triggers"
    }
    error_message = "Only schedules of this deployment take the role."
  }

  assert {
    condition     = jsondecode(aws_iam_role.ticker.assume_role_policy).Statement[0].Condition.ArnLike["aws:SourceArn"] == "arn:aws:states:eu-west-1:123456789012:stateMachine:covalent-*"
    error_message = "Only machines of this deployment take the role."
  }

  assert {
    condition     = aws_lambda_permission.rules.source_arn == "arn:aws:events:eu-west-1:123456789012:rule/covalent-trigger-*"
    error_message = "Only rules of triggers of this deployment call the function."
  }

  assert {
    condition     = length(aws_s3_bucket_notification.this) == 0
    error_message = "No bucket is touched unless it is named."
  }
}

run "buckets" {
  variables {
    buckets = ["pictures", "sounds"]
  }

  assert {
    condition     = [for each in aws_s3_bucket_notification.this : each.eventbridge] == [true, true]
    error_message = "The events of the buckets go to EventBridge."
  }
}
