# The runner and the builder: one function each for each Python minor. What users wrote runs here, with a role of its
# own. A builder has the SDK: it builds the graphs of sublattices, and runs electrons that name Covalent itself.

locals {
  # By what the names end with.
  functions = merge([
    for python in var.runners : {
      for kind, about in local.kinds : "${kind}-py${replace(python, ".", "")}" => merge(about, { kind = kind, python = python })
    }
  ]...)

  kinds = {
    runner  = { does = "Runs electrons", role = "electron" }
    builder = { does = "Builds sublattices", role = "builder" }
  }

  names = {
    for kind in keys(local.kinds) : kind => {
      for suffix, each in local.functions : each.python => aws_lambda_function.function[suffix].function_name if each.kind == kind
    }
  }

  seconds = 900 # COVALENT_RUNNER_SECONDS: what the compiler holds time limits to

  # Whose data user code reaches. With `electron` they are those that the tags of its session name (covalent_runner.
  # electron_role sets them, and nobody can after that). A job in a container or on a machine of its own has no guard that
  # could keep a stronger role from it, so there is nobody to set tags: its role is for all dispatches of the deployment.
  reach = {
    electron = {
      dispatch   = "$${aws:PrincipalTag/dispatch}"
      owner      = "$${aws:PrincipalTag/owner}"
      sublattice = "$${aws:PrincipalTag/sublattice}"
      test       = "ForAllValues:StringEquals"
    }
    job = { dispatch = "*", owner = "*", sublattice = "*", test = "ForAllValues:StringLike" }
  }

  dispatch_id = join("-", [for size in [8, 4, 4, 4, 12] : join("", [for _ in range(size) : "?"])])

  grants = {
    # The function's own role, which the guard (covalent_runner.guard) keeps from user code. Should user code get hold of it
    # all the same: it can take the role below for a dispatch whose id it knows, which is random, and listed nowhere for it.
    runner = merge(
      {
        tell_owners = {
          why       = "Whose the dispatch is stands in its sheets, which only the control plane writes"
          actions   = ["s3:GetObject"]
          resources = ["${var.bucket_arn}/dispatches/*/sheets/*"]
        }
        become_electron = {
          why       = "User code works with the role `electron`, or `builder`, tagged with its dispatch and its owner"
          actions   = ["sts:AssumeRole", "sts:TagSession"]
          resources = [for role in aws_iam_role.user_code : role.arn]
        }
        write_logs = {
          why       = "Standard output of the functions; the groups are there already"
          actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          resources = [for group in aws_cloudwatch_log_group.function : "${group.arn}:*"]
        }
      },
      var.kms_key_arn == null ? {} : {
        use_key = {
          why       = "Sheets and the function's environment are encrypted with the key"
          actions   = ["kms:Decrypt"]
          resources = [var.kms_key_arn]
        }
      },
    )
  }

  # What user code can do: covalent_runner.aws_store makes these calls and no others. Nothing is listed, scanned, queried
  # or deleted.
  of_user_code = {
    for role, reach in local.reach : role => merge(
      {
        read_sheets_and_inputs = {
          why     = "What to run (a page of sheets), with what (assets of the owner, outputs of other electrons), and for which event of a trigger"
          actions = ["s3:GetObject"]
          resources = [
            "${var.bucket_arn}/assets/${reach.owner}/*",
            "${var.bucket_arn}/dispatches/${reach.dispatch}/event.json",
            "${var.bucket_arn}/dispatches/${reach.dispatch}/sheets/*",
            "${var.bucket_arn}/dispatches/${reach.dispatch}/nodes/*/output/*",
          ]
        }
        # Not what the bridge lays beside them (remote/): the API signs what an errand there names.
        write_outputs = {
          why       = "Outputs and streams that are too large for their records, and what is left beside outputs"
          actions   = ["s3:PutObject"]
          resources = [for kind in ["attachments", "output", "stderr", "stdout"] : "${var.bucket_arn}/dispatches/${reach.dispatch}/nodes/*/${kind}/*"]
        }
        read_results = {
          why     = "What the dispatch of a sublattice gave, when the sublattice's own dispatch takes it over"
          actions = ["s3:GetObject"]
          resources = [
            "${var.bucket_arn}/dispatches/${reach.sublattice}/sheets/*",
            "${var.bucket_arn}/dispatches/${reach.sublattice}/nodes/*/output/*",
          ]
        }
        read_records = {
          why        = "Records of inputs, and whether the own try still counts; those of the sublattice that is taken over"
          actions    = ["dynamodb:BatchGetItem"]
          resources  = [var.table_arn]
          conditions = [local.records_read[role]]
        }
        record_nodes = {
          why        = "Claim, commit, gates. TransactWriteItems is allowed by what it consists of. Whose a dispatch is cannot be written"
          actions    = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
          resources  = [var.table_arn]
          conditions = [local.records_written[role], local.only_records]
        }
        release_gates = {
          why       = "Whoever arrives last at a gate sends on the one that waits there, or tells it of a failure"
          actions   = ["states:SendTaskFailure", "states:SendTaskSuccess"]
          resources = [var.machines, "${var.machines}/*"]
        }
      },
      var.kms_key_arn == null ? {} : {
        use_key = {
          why       = "Bucket and table are encrypted with the key"
          actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
          resources = [var.kms_key_arn]
        }
      },
    )
  }

  records_written = {
    for role, reach in local.reach : role => { test = reach.test, variable = "dynamodb:LeadingKeys", values = ["D#${reach.dispatch}"] }
  }

  records_read = {
    for role, reach in local.reach : role => {
      test     = reach.test
      variable = "dynamodb:LeadingKeys"
      values   = distinct(["D#${reach.dispatch}", "D#${reach.sublattice}"])
    }
  }

  # covalent_contracts.records: the attributes of nodes and gates, and those of a dispatch that the runner sets
  # (has_failed, has_cancelled). Not owner, created, starting or shared_with, so nothing appears in a listing, or as another one's.
  only_records = {
    test     = "ForAllValues:StringEquals"
    variable = "dynamodb:Attributes"
    values = [
      "pk", "sk",
      "status", "started", "ended", "attempt", "claim", "alive", "failures", "digest", "size", "kind", "output", "error",
      "stdout", "stdout_key", "stderr", "stderr_key", "attachments_key", "job_handle",
      "arrived", "needs", "token", "failed",
      "has_failed", "has_cancelled",
    ]
  }
}

locals {
  # Where the graph of a sublattice is built, user code keeps it too. Electrons that name Covalent itself run there as well.
  building = {
    write_graphs = {
      why     = "The graph of a sublattice, and what it names: pickled functions and values, by the SHA-256 of their bytes"
      actions = ["s3:PutObject"]
      resources = [
        "${var.bucket_arn}/assets/${local.reach.electron.owner}/*",
        "${var.bucket_arn}/dispatches/${local.reach.electron.dispatch}/nodes/*/sub/manifest.json",
      ]
    }
    release_gates = {
      why       = "An electron that arrives last at a gate sends on the one that waits there; failures are reported to the runner"
      actions   = ["states:SendTaskSuccess"]
      resources = local.of_user_code.electron.release_gates.resources
    }
  }
  # The runner takes over what a sublattice's dispatch gave.
  grants_of_builder = merge({ for name, grant in local.of_user_code.electron : name => grant if name != "read_results" }, local.building)
  grants_of_job     = { for name, grant in local.of_user_code.job : name => grant if name != "read_results" } # it reads all of them
  all_grants        = merge(local.grants, { electron = local.of_user_code.electron, builder = local.grants_of_builder })

  user_code = {
    electron = "User code, for one dispatch at a time."
    builder  = "User code that makes the graph of a sublattice, for one dispatch at a time."
  }
}

module "policy" {
  source   = "../policy"
  for_each = local.all_grants
  grants   = each.value
}

resource "aws_iam_role" "runner" {
  name        = "${var.prefix}-runner"
  description = "Keeps the runner's functions: gives user code its role."
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

resource "aws_iam_role_policy" "runner" {
  name   = "grants"
  role   = aws_iam_role.runner.id
  policy = module.policy["runner"].json
}

resource "aws_iam_role" "user_code" {
  for_each             = local.user_code
  name                 = "${var.prefix}-${each.key}"
  description          = each.value
  max_session_duration = 3600 # what a role that takes another one gets at most
  tags                 = var.tags

  # These tags, and no other. They cannot hold what a policy would take for a wildcard or a variable.
  # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.runner.arn }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = {
        StringLike = {
          "aws:RequestTag/dispatch"   = local.dispatch_id
          "aws:RequestTag/owner"      = join("", [for _ in range(16) : "?"])
          "aws:RequestTag/sublattice" = local.dispatch_id
        }
        "ForAllValues:StringEquals" = { "aws:TagKeys" = ["dispatch", "owner", "sublattice"] }
      }
    }]
  })
}

resource "aws_iam_role_policy" "user_code" {
  for_each = local.user_code
  name     = "grants"
  role     = aws_iam_role.user_code[each.key].id
  policy   = module.policy[each.key].json
}

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts with a key of its own, or with kms_key_arn when it is set
  #checkov:skip=CKV_AWS_338:log_retention_days decides; users' output need not be kept for a year
  for_each          = local.functions
  name              = "/aws/lambda/${var.prefix}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_lambda_function" "function" {
  #checkov:skip=CKV_AWS_50:A trace for each electron would cost more than the electron
  #checkov:skip=CKV_AWS_115:Electrons may use the account's concurrency; Step Functions retries what is throttled
  #checkov:skip=CKV_AWS_116:Step Functions calls and waits: a failure is its own, none goes to a dead letter queue
  #checkov:skip=CKV_AWS_117:In a VPC a function reaches the internet through a NAT only, which costs when idle
  #checkov:skip=CKV_AWS_173:The environment holds names, nothing secret; encrypted with kms_key_arn when it is set
  #checkov:skip=CKV_AWS_272:The zips are built from this source, and source_code_hash holds each function to its bytes
  for_each         = local.functions
  function_name    = "${var.prefix}-${each.key}"
  description      = "${each.value.does} that were pickled by Python ${each.value.python}."
  role             = aws_iam_role.runner.arn
  runtime          = "python${each.value.python}"
  architectures    = [var.architecture]
  handler          = "covalent_runner.lambda_handler.handler"
  filename         = "${var.artifacts}/${each.key}-${var.architecture}.zip"
  source_code_hash = filebase64sha256("${var.artifacts}/${each.key}-${var.architecture}.zip")
  memory_size      = var.memory
  timeout          = local.seconds
  kms_key_arn      = var.kms_key_arn
  tags             = var.tags

  environment {
    variables = {
      COVALENT_TABLE         = var.table
      COVALENT_BUCKET        = var.bucket
      COVALENT_ELECTRON_ROLE = aws_iam_role.user_code[each.value.role].arn
    }
  }

  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.user_code, aws_iam_role_policy.runner]
}
