# The control plane: functions, API and rules are in chalice.tf.json, which Chalice makes from the application.
# Here is what is for a person to choose: what the functions may do, logs, throttling, and where failed events go.

locals {
  # What covalent_control_plane calls: objects.py, store.py, machines.py, starting.py, sweep.py, and for triggers
  # trigger_store.py, arming.py, ticking.py, firing.py.
  grants = merge(
    local.grants_always,
    { for name, grant in { fire = local.fire } : name => grant if local.has_triggers },
    { for name, grant in { answer = local.answer } : name => grant if local.has_answers },
  )

  grants_always = {
    api = merge(local.start_dispatches, { for name, grant in local.watch : name => grant if local.has_triggers }, local.call_bridge, local.sign_programs, {
      read_and_write_dispatches = {
        why        = "Drafts, dispatches, records of nodes, triggers; a query reads dispatch and draft at once, or neighbouring nodes"
        actions    = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]
        resources  = [var.table_arn]
        conditions = [local.only_dispatches_and_triggers]
      }
      forget_triggers = local.forget_triggers
      list_dispatches = {
        why       = "The dispatches and the triggers of the caller"
        actions   = ["dynamodb:Query"]
        resources = ["${var.table_arn}/index/by_owner"]
      }
      read_and_sign_downloads = {
        why     = "Manifests and definitions; addresses of values and streams are signed by this role. HeadObject needs it too"
        actions = ["s3:GetObject"]
        resources = [
          "${var.bucket_arn}/assets/*",
          "${var.bucket_arn}/dispatches/*/machines.json",
          "${var.bucket_arn}/dispatches/*/manifest.json",
          "${var.bucket_arn}/dispatches/*/nodes/*",
        ]
      }
      write_and_sign_uploads = {
        why     = "Manifests, definitions and sheets; addresses for uploads are signed by this role"
        actions = ["s3:PutObject"]
        resources = [
          "${var.bucket_arn}/assets/*",
          "${var.bucket_arn}/dispatches/*/event.json",
          "${var.bucket_arn}/dispatches/*/machines.json",
          "${var.bucket_arn}/dispatches/*/manifest.json",
          "${var.bucket_arn}/dispatches/*/sheets/*",
        ]
      }
      stop_executions = local.stop_executions
      take_over_records = {
        why        = "A redispatch takes over the records of what it reuses, 25 at a time"
        actions    = ["dynamodb:BatchWriteItem"]
        resources  = [var.table_arn]
        conditions = [local.only_dispatches]
      }
      take_over_objects = {
        why       = "A redispatch copies the outputs and streams of what it reuses"
        actions   = ["s3:PutObject"]
        resources = ["${var.bucket_arn}/dispatches/*/nodes/*"]
      }
      tell_missing_objects = local.tell_missing_objects
    })

    adopt = {
      adopt_dispatches = {
        why        = "Finds the dispatch of a sublattice and its node, makes the dispatch that it becomes, and notes it at the node"
        actions    = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]
        resources  = [var.table_arn]
        conditions = [local.only_dispatches]
      }
      read_graphs = {
        why     = "What a builder has built; HeadObject tells whether all that it names is there"
        actions = ["s3:GetObject"]
        resources = [
          "${var.bucket_arn}/assets/*",
          "${var.bucket_arn}/dispatches/*/machines.json",
          "${var.bucket_arn}/dispatches/*/nodes/*/sub/manifest.json",
        ]
      }
      write_documents = {
        why     = "Manifest, definitions and sheets of the new dispatch"
        actions = ["s3:PutObject"]
        resources = [
          "${var.bucket_arn}/dispatches/*/machines.json",
          "${var.bucket_arn}/dispatches/*/manifest.json",
          "${var.bucket_arn}/dispatches/*/sheets/*",
        ]
      }
      make_machines        = local.start_dispatches.make_machines
      pass_machine_role    = local.start_dispatches.pass_machine_role
      tell_missing_objects = local.tell_missing_objects
    }

    finish = merge({ for name, grant in local.wake : name => grant if local.has_triggers }, local.call_bridge, {
      end_dispatches = {
        why        = "Finds the dispatch of an execution that ended, reads its failed and running nodes, and ends them"
        actions    = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"]
        resources  = [var.table_arn]
        conditions = [local.only_dispatches]
      }
      read_manifests = {
        why       = "The error of a dispatch names its failed tasks as the manifest does"
        actions   = ["s3:GetObject"]
        resources = ["${var.bucket_arn}/dispatches/*/manifest.json"]
      }
      look_at_sublattices = {
        why       = "Whether the execution of a sublattice ever began that its dispatch still waits for"
        actions   = ["states:DescribeExecution"]
        resources = local.executions
      }
      stop_executions = local.stop_executions
      bury_events     = local.bury_events
    })

    restart = merge(local.start_dispatches, {
      find_starting = {
        why       = "Dispatches that were left STARTING"
        actions   = ["dynamodb:Query"]
        resources = ["${var.table_arn}/index/by_starting"]
      }
      start_or_end_dispatches = {
        why        = "Reads each of them, and says that it runs, or why it cannot"
        actions    = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
        resources  = [var.table_arn]
        conditions = [local.only_dispatches]
      }
      read_definitions = {
        why       = "The machines to make where there are none"
        actions   = ["s3:GetObject"]
        resources = ["${var.bucket_arn}/dispatches/*/machines.json"]
      }
      stop_executions = local.stop_executions
      bury_events     = local.bury_events
    })

    sweep = {
      list_machines = {
        why       = "Finds the machines of this deployment; the action knows no resources"
        actions   = ["states:ListStateMachines"]
        resources = ["*"]
      }
      delete_unused_machines = {
        why       = "Reads what a machine starts and when it last ran, and deletes it after 30 days without use"
        actions   = ["states:DeleteStateMachine", "states:DescribeStateMachine", "states:ListExecutions"]
        resources = [var.machines]
      }
      remember = {
        why       = "Keeps what it has learnt of the machines for the next day"
        actions   = ["s3:GetObject", "s3:PutObject"]
        resources = ["${var.bucket_arn}/sweep/machines.json"]
      }
      tell_missing_objects = local.tell_missing_objects
      bury_events          = local.bury_events
    }
  }

  # Who starts a dispatch.
  start_dispatches = {
    start_machines = {
      why       = "A dispatch is an execution"
      actions   = ["states:StartExecution"]
      resources = [var.machines]
    }
    make_machines = {
      why       = "A machine for each new shape of a workflow, if it is not there"
      actions   = ["states:CreateStateMachine", "states:DescribeStateMachine"]
      resources = [var.machines]
    }
    pass_machine_role = {
      why       = "The machines work with this role and no other"
      actions   = ["iam:PassRole"]
      resources = [var.machine_role_arn]
      conditions = [
        { test = "StringEquals", variable = "iam:PassedToService", values = ["states.amazonaws.com"] },
      ]
    }
  }

  # Who cancels a dispatch, or finds that it was cancelled while it started or ended.
  stop_executions = {
    why       = "A dispatch that is cancelled is an execution that is stopped, and so are those of its sublattices; a trigger that is stopped ticks no longer"
    actions   = ["states:StopExecution"]
    resources = ["${local.execution}:*"]
  }

  # Those of a machine, and the children of a Distributed Map.
  execution  = replace(var.machines, ":stateMachine:", ":execution:")
  executions = ["${local.execution}:*", "${local.execution}/*"]

  has_triggers = var.triggers != null
  has_bridge   = var.bridge != ""
  has_answers  = var.answers != null
  answers      = [for each in [var.answers] : each if each != null]
  place        = join(":", slice(split(":", var.machines), 3, 5)) # region and account, as ARNs have them

  # Who cancels an electron, or finds that it was cancelled.
  call_bridge = {
    for name, grant in {
      end_jobs = {
        why       = "An electron that is cancelled may be a job in another place, which the bridge ends"
        actions   = ["lambda:InvokeFunction"]
        resources = ["arn:${var.partition}:lambda:${local.place}:function:${var.bridge}"]
      }
    } : name => grant if local.has_bridge
  }

  sign_programs = {
    for name, grant in {
      sign_programs = {
        why       = "Jobs in other places read the runner at an address that is signed by this role"
        actions   = ["s3:GetObject"]
        resources = ["${var.bucket_arn}/programs/*.pyz"]
      }
    } : name => grant if local.has_bridge
  }

  # What answers for jobs that have ended without a word.
  answer = merge(one(local.answers[*].grants), {
    look_at_electrons = {
      why        = "Whether the electron still runs, of which a job or an instance is"
      actions    = ["dynamodb:GetItem", "dynamodb:Query"]
      resources  = [var.table_arn]
      conditions = [local.only_dispatches]
    }
    fail_tasks = {
      why       = "Lets the state fail that waits for a job which has ended without an answer"
      actions   = ["states:SendTaskFailure"]
      resources = [var.machines, "${var.machines}/*"]
    }
    bury_events = local.bury_events
  })

  # What a trigger sets off.
  fire = merge(local.start_dispatches, {
    record_events_and_runs = {
      why        = "Which events a trigger has seen, what runs, what waits; and the dispatches that it starts"
      actions    = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]
      resources  = [var.table_arn]
      conditions = [local.only_dispatches_and_triggers]
    }
    forget_triggers = local.forget_triggers
    read_the_workflow = {
      why     = "The manifest of the registered dispatch, and whether its assets are still there"
      actions = ["s3:GetObject"]
      resources = [
        "${var.bucket_arn}/assets/*",
        "${var.bucket_arn}/dispatches/*/machines.json",
        "${var.bucket_arn}/dispatches/*/manifest.json",
      ]
    }
    write_the_run = {
      why     = "The documents of a run, and the event that it is for"
      actions = ["s3:PutObject"]
      resources = [
        "${var.bucket_arn}/dispatches/*/event.json",
        "${var.bucket_arn}/dispatches/*/machines.json",
        "${var.bucket_arn}/dispatches/*/manifest.json",
        "${var.bucket_arn}/dispatches/*/sheets/*",
      ]
    }
    pass_ticker_role     = local.pass_ticker_role
    stop_executions      = local.stop_executions
    tell_missing_objects = local.tell_missing_objects
    bury_events          = local.bury_events
  })

  # Who has AWS watch for triggers, and has it stop.
  watch = merge(
    {
      schedule_triggers = {
        why       = "A trigger in time is a schedule in the group of the deployment"
        actions   = ["scheduler:CreateSchedule", "scheduler:DeleteSchedule"]
        resources = [for group in local.trigger_names[*].schedules : "arn:${var.partition}:scheduler:${local.place}:schedule/${group}/*"]
      }
      make_rules = {
        why       = "A trigger on events is a rule on the account's default bus"
        actions   = ["events:DeleteRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets"]
        resources = ["arn:${var.partition}:events:${local.place}:rule/${var.prefix}-trigger-*"]
      }
      pass_scheduler_role = {
        why       = "Schedules call the function with this role and no other"
        actions   = ["iam:PassRole"]
        resources = local.trigger_names[*].scheduler_role
        conditions = [
          { test = "StringEquals", variable = "iam:PassedToService", values = ["scheduler.amazonaws.com"] },
        ]
      }
      pass_ticker_role = local.pass_ticker_role
    },
    length(var.trigger_buckets) == 0 ? {} : {
      look_at_buckets = {
        why       = "Whether a bucket tells EventBridge of its objects"
        actions   = ["s3:GetBucketNotification"]
        resources = [for bucket in var.trigger_buckets : "arn:${var.partition}:s3:::${bucket}"]
      }
    },
  )

  wake = {
    wake_queues = {
      why       = "When a run of a trigger with a queue ends, the next one begins"
      actions   = ["lambda:InvokeFunction"]
      resources = local.trigger_names[*].function
    }
  }

  pass_ticker_role = {
    why       = "The machine that ticks works with this role and no other"
    actions   = ["iam:PassRole"]
    resources = local.trigger_names[*].ticker_role
    conditions = [
      { test = "StringEquals", variable = "iam:PassedToService", values = ["states.amazonaws.com"] },
    ]
  }

  forget_triggers = {
    why        = "A trigger that could not be set up, and what waits no longer in its queue"
    actions    = ["dynamodb:DeleteItem"]
    resources  = [var.table_arn]
    conditions = [{ test = "ForAllValues:StringLike", variable = "dynamodb:LeadingKeys", values = ["T#*"] }]
  }

  trigger_names = var.triggers == null ? [] : [var.triggers]

  only_dispatches_and_triggers = {
    test     = "ForAllValues:StringLike"
    variable = "dynamodb:LeadingKeys"
    values   = ["D#*", "T#*"]
  }

  only_dispatches = { test = "ForAllValues:StringLike", variable = "dynamodb:LeadingKeys", values = ["D#*"] }

  tell_missing_objects = {
    why       = "Without it S3 answers 403 for an object that is not there, and not 404; nothing is listed"
    actions   = ["s3:ListBucket"]
    resources = [var.bucket_arn]
  }

  bury_events = {
    why       = "Lambda puts an event that failed three times into the queue, with the function's role"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letters.arn]
  }

  # What every function here needs.
  common = {
    for name in keys(local.descriptions) : name => merge(
      {
        write_logs = {
          why       = "Structured logs, and metrics in them; the group is there already"
          actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          resources = ["${aws_cloudwatch_log_group.function[name].arn}:*"]
        }
        trace = {
          why       = "X-Ray traces; these actions know no resources"
          actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
          resources = ["*"]
        }
      },
      var.kms_key_arn == null ? {} : {
        use_key = {
          why       = "Bucket, table and the function's environment are encrypted with the key"
          actions   = concat(["kms:Decrypt", "kms:GenerateDataKey"], name == "sweep" ? [] : ["kms:DescribeKey", "kms:Encrypt"])
          resources = [var.kms_key_arn]
        }
      },
    )
  }

  descriptions = merge(
    {
      adopt   = "Makes dispatches of sublattices."
      api     = "Answers requests: the API of Covalent."
      finish  = "Ends dispatches whose executions have ended."
      restart = "Starts dispatches that were left STARTING."
      sweep   = "Deletes state machines that nobody uses."
    },
    local.has_triggers ? { fire = "Runs the dispatches of triggers." } : {},
    local.has_answers ? { answer = "Answers for jobs that have ended without a word, and ends what is left of them." } : {},
  )
}

module "policy" {
  source   = "../policy"
  for_each = local.grants
  grants   = merge(each.value, local.common[each.key])
}

resource "aws_iam_role" "function" {
  for_each    = local.grants
  name        = "${var.prefix}-${each.key}"
  description = local.descriptions[each.key]
  tags        = var.tags

  # Lambda gives no source when it assumes a role, so there is no condition to set.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.grants
  name     = "grants"
  role     = aws_iam_role.function[each.key].id
  policy   = module.policy[each.key].json
}

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts with a key of its own, or with kms_key_arn when it is set
  #checkov:skip=CKV_AWS_338:log_retention_days decides
  for_each          = local.descriptions
  name              = "/aws/lambda/${var.prefix}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

# Events that finish or sweep could not work off, or that never reached them. 14 days to look at them.
resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.prefix}-dead-letters"
  message_retention_seconds = 14 * 24 * 3600
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "UndeliveredEvents"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.dead_letters.arn
        Condition = {
          ArnEquals = {
            "aws:SourceArn" = concat(
              [
                aws_cloudwatch_event_rule.finish.arn,
                aws_cloudwatch_event_rule.restart.arn,
                aws_cloudwatch_event_rule.sweep.arn,
              ],
              [for rule in aws_cloudwatch_event_rule.answer : rule.arn],
            )
          }
        }
      },
      {
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = aws_sqs_queue.dead_letters.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

# What `answer` is called for; each executor that needs it brings a rule.
resource "aws_cloudwatch_event_rule" "answer" {
  for_each            = merge(local.answers[*].rules...)
  name                = "${var.prefix}-${each.key}"
  description         = each.value.description
  event_pattern       = each.value.pattern
  schedule_expression = each.value.schedule
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "answer" {
  for_each  = aws_cloudwatch_event_rule.answer
  rule      = each.value.name
  target_id = "answer"
  arn       = aws_lambda_function.answer[0].arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_lambda_permission" "answer" {
  for_each      = aws_cloudwatch_event_rule.answer
  statement_id  = each.key
  function_name = aws_lambda_function.answer[0].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = each.value.arn
}

resource "aws_cloudwatch_log_group" "access" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts with a key of its own, or with kms_key_arn when it is set
  #checkov:skip=CKV_AWS_338:log_retention_days decides
  name              = "/aws/apigateway/${var.prefix}-api"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

# Paths of the API are without /api, because the stage is called so (chalice.tf.json).
resource "aws_api_gateway_stage" "api" {
  #checkov:skip=CKV_AWS_120:A cache costs by the hour, and almost no answer holds for two callers
  #checkov:skip=CKV2_AWS_29:A firewall costs when idle; every route but health needs a signature
  #checkov:skip=CKV2_AWS_4:Execution logs repeat headers and bodies; the access log and the function's own tell what happened
  #checkov:skip=CKV2_AWS_51:Callers prove who they are by signature (SigV4), not by certificate
  rest_api_id          = aws_api_gateway_rest_api.api.id
  deployment_id        = aws_api_gateway_deployment.api.id
  stage_name           = "api"
  xray_tracing_enabled = true
  tags                 = var.tags

  # Who asked for what and how it went. No bodies, no headers, no query strings.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn

    format = jsonencode({
      requestId    = "$context.requestId"
      time         = "$context.requestTime"
      principal    = "$context.identity.userArn"
      address      = "$context.identity.sourceIp"
      method       = "$context.httpMethod"
      resource     = "$context.resourcePath"
      status       = "$context.status"
      milliseconds = "$context.responseLatency"
      bytes        = "$context.responseLength"
      error        = "$context.error.message"
      trace        = "$context.xrayTraceId"
    })
  }

  depends_on = [aws_api_gateway_account.this]
}

resource "aws_api_gateway_method_settings" "all" {
  #checkov:skip=CKV_AWS_225:No cache, see the stage
  rest_api_id = aws_api_gateway_rest_api.api.id
  stage_name  = aws_api_gateway_stage.api.stage_name
  method_path = "*/*"

  settings {
    throttling_rate_limit  = var.throttle.rate
    throttling_burst_limit = var.throttle.burst
    metrics_enabled        = false # per method they cost; those of the stage are free
    logging_level          = "OFF"
    data_trace_enabled     = false
  }
}

# API Gateway writes logs with one role for all APIs of an account in a region.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
resource "aws_iam_role" "gateway" {
  count       = var.manage_gateway_account ? 1 : 0
  name        = "${var.prefix}-gateway-logs"
  description = "API Gateway writes logs."
  tags        = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# AWS's own policy: API Gateway checks that the role has all of it, and the logs of other APIs go through it as well.
resource "aws_iam_role_policy_attachment" "gateway" {
  count      = var.manage_gateway_account ? 1 : 0
  role       = aws_iam_role.gateway[0].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "this" {
  count               = var.manage_gateway_account ? 1 : 0
  cloudwatch_role_arn = aws_iam_role.gateway[0].arn
  reset_on_delete     = true # what version 6 of the provider always does

  depends_on = [aws_iam_role_policy_attachment.gateway]
}
