# Alarms and a dashboard over metrics that AWS counts, and those of covalent_control_plane.telemetry and
# covalent_runner.metrics.
# An alarm costs 0.10 $ a month, the dashboard nothing up to the third of an account.

locals {
  topics = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]

  all_functions = merge(var.functions, { for python, name in var.runners : "runner ${python}" => name })

  # Functions that nobody waits for: an error of theirs shows nowhere else.
  errors = {
    finisher = { function = var.functions.finish, means = "Executions have ended, and their dispatches have not" }
    restart  = { function = var.functions.restart, means = "Dispatches stay STARTING" }
    sweep    = { function = var.functions.sweep, means = "Unused state machines stay" }
  }

  # Each alarm: how many of what within five minutes are too many, and what it means.
  alarms = merge(
    {
      for name, alarm in local.errors : name => {
        means      = "${alarm.means}: see the log of ${alarm.function}"
        namespace  = "AWS/Lambda"
        metric     = "Errors"
        statistic  = "Sum"
        dimensions = { FunctionName = alarm.function }
        most       = 0
      }
    },
    {
      dead-letters = {
        means      = "Events were given up: read them in the queue ${var.dead_letters}, then send them again"
        namespace  = "AWS/SQS"
        metric     = "ApproximateNumberOfMessagesVisible"
        statistic  = "Maximum"
        dimensions = { QueueName = var.dead_letters }
        most       = 0
      }
      api-errors = {
        means      = "The API fails: see the log of ${var.functions.api}"
        namespace  = "AWS/ApiGateway"
        metric     = "5XXError"
        statistic  = "Sum"
        dimensions = { ApiName = var.api_name, Stage = "api" }
        most       = 0
      }
      table-throttles = {
        means      = "DynamoDB refuses requests: more than one table can take at once"
        namespace  = "AWS/DynamoDB"
        metric     = "ThrottledRequests"
        statistic  = "Sum"
        dimensions = { TableName = var.table }
        most       = 100 # retries bear it; many mean a hot key
      }
    },
    {
      for label, name in local.all_functions : "${replace(replace(label, " ", "-"), ".", "")}-throttles" => {
        means      = "Lambda refuses calls of ${name}: the account's concurrency, or what is reserved, is used up"
        namespace  = "AWS/Lambda"
        metric     = "Throttles"
        statistic  = "Sum"
        dimensions = { FunctionName = name }
        most       = startswith(label, "runner") ? 100 : 0 # Step Functions tries again
      }
    },
  )

  # As covalent_control_plane.telemetry and covalent_runner.metrics name themselves; the deployments of an account are
  # told apart by it.
  service = "${var.prefix}-control-plane"
  runner  = "${var.prefix}-runner"

  # Metrics with dimensions whose values nobody lists beforehand: all that there are.
  search = {
    for metric, dimensions in {
      DispatchesFinished  = "status"
      DispatchesRestarted = "outcome"
      DispatchRunSeconds  = "status"
      ElectronsFinished   = "executor,status"
      ElectronFailures    = "cause"
      TriggersFired       = "kind"
    } : metric => "SEARCH('{Covalent,service,${dimensions}} MetricName=\"${metric}\" service=\"${local.service}\"', '%s', 300)"
  }

  electron_run = "SEARCH('{Covalent,service,status} MetricName=\"ElectronRunSeconds\" service=\"${local.runner}\"', 'p95', 300)"

  widgets = [
    {
      title = "Dispatches"
      metrics = [
        ["Covalent", "DispatchesRegistered", "service", local.service],
        [".", "DispatchesStarted", ".", "."],
      ]
    },
    {
      title   = "Dispatches that ended, by status"
      metrics = [[{ expression = format(local.search.DispatchesFinished, "Sum"), label = "", id = "ended" }]]
    },
    {
      title = "Time until a dispatch started, and time it ran (s)"
      stat  = "Average"
      metrics = [
        ["Covalent", "DispatchQueueSeconds", "service", local.service],
        [{ expression = format(local.search.DispatchRunSeconds, "Average"), label = "", id = "ran" }],
      ]
    },
    {
      title   = "Dispatches that were left STARTING, and what became of them"
      metrics = [[{ expression = format(local.search.DispatchesRestarted, "Sum"), label = "", id = "restarted" }]]
    },
    {
      title   = "Triggers that have fired, by kind"
      metrics = [[{ expression = format(local.search.TriggersFired, "Sum"), label = "", id = "fired" }]]
    },
    {
      title   = "Electrons, by executor and status"
      metrics = [[{ expression = format(local.search.ElectronsFinished, "Sum"), label = "", id = "electrons" }]]
    },
    {
      title = "Time until an electron started, and time that it ran, 95 of 100 (s)"
      stat  = "p95"
      metrics = [
        ["Covalent", "ElectronQueueSeconds", "service", local.runner],
        [{ expression = local.electron_run, label = "", id = "tried" }],
      ]
    },
    {
      title   = "Failures, by cause"
      metrics = [[{ expression = format(local.search.ElectronFailures, "Sum"), label = "", id = "failures" }]]
    },
    {
      title = "Calls of the runners"
      metrics = concat(
        [for name in values(var.runners) : ["AWS/Lambda", "Invocations", "FunctionName", name]],
        [for name in values(var.runners) : ["AWS/Lambda", "Errors", "FunctionName", name]],
      )
    },
    {
      title   = "Runners at once"
      stat    = "Maximum"
      metrics = [for name in values(var.runners) : ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", name]]
    },
    {
      title   = "Time of a call, 95 of 100 (ms)"
      stat    = "p95"
      metrics = [for name in values(local.all_functions) : ["AWS/Lambda", "Duration", "FunctionName", name]]
    },
    {
      title   = "Throttled calls"
      metrics = [for name in values(local.all_functions) : ["AWS/Lambda", "Throttles", "FunctionName", name]]
    },
    {
      title = "API"
      metrics = [
        ["AWS/ApiGateway", "Count", "ApiName", var.api_name, "Stage", "api"],
        [".", "4XXError", ".", ".", ".", "."],
        [".", "5XXError", ".", ".", ".", "."],
      ]
    },
    {
      title   = "API: time to answer, 95 of 100 (ms)"
      stat    = "p95"
      metrics = [["AWS/ApiGateway", "Latency", "ApiName", var.api_name, "Stage", "api"]]
    },
    {
      title = "Table: capacity used"
      metrics = [
        ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", var.table],
        [".", "ConsumedWriteCapacityUnits", ".", "."],
      ]
    },
    {
      title = "State machines deleted, instances terminated, events given up"
      metrics = [
        ["Covalent", "MachinesDeleted", "service", local.service],
        ["Covalent", "InstancesTerminated", "service", local.service],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.dead_letters, { stat = "Maximum" }],
      ]
    },
  ]

  failures = {
    title = "What went wrong in the control plane"
    query = join("\n", concat(
      [for group in values(var.log_groups) : "SOURCE '${group}'"],
      ["| fields @timestamp, level, message, correlation_id, exception_name", "| filter level in ['ERROR', 'CRITICAL']", "| sort @timestamp desc", "| limit 50"],
    ))
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = each.value.means
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  dimensions          = each.value.dimensions
  threshold           = each.value.most
  comparison_operator = "GreaterThanThreshold"
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.topics
  ok_actions          = local.topics
  tags                = var.tags
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.prefix

  dashboard_body = jsonencode({
    widgets = concat(
      [
        for number, widget in local.widgets : {
          type   = "metric"
          x      = number % 2 * 12
          y      = floor(number / 2) * 6
          width  = 12
          height = 6
          properties = {
            title   = widget.title
            region  = var.region
            stat    = try(widget.stat, "Sum")
            period  = 300
            view    = "timeSeries"
            metrics = widget.metrics
          }
        }
      ],
      [{
        type   = "log"
        x      = 0
        y      = ceil(length(local.widgets) / 2) * 6
        width  = 24
        height = 6
        properties = {
          title  = local.failures.title
          region = var.region
          query  = local.failures.query
          view   = "table"
        }
      }],
    )
  })
}
