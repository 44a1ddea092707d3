# The runner: one function for each Python minor, with one role. What users wrote runs here, so the role is for them.

locals {
  functions = {
    for python in var.runners : python => {
      name   = "${var.prefix}-runner-py${replace(python, ".", "")}"
      python = "python${python}"
      zip    = "${var.artifacts}/runner-py${replace(python, ".", "")}-${var.architecture}.zip"
    }
  }

  seconds = 900 # COVALENT_RUNNER_SECONDS: what the compiler holds time limits to

  # covalent_runner.aws_store makes these calls and no others. User code can make them too, for any dispatch of this
  # deployment, so nothing is listed, scanned, queried or deleted: who does not know an id does not find it.
  grants = merge(
    {
      read_sheets_and_inputs = {
        why     = "What to run (a page of sheets), with what (assets, outputs of other electrons), and for which event of a trigger"
        actions = ["s3:GetObject"]
        resources = [
          "${var.bucket_arn}/assets/*",
          "${var.bucket_arn}/dispatches/*/event.json",
          "${var.bucket_arn}/dispatches/*/sheets/*",
          "${var.bucket_arn}/dispatches/*/nodes/*/output/*",
        ]
      }
      write_outputs = {
        why       = "Outputs and streams that are too large for their records"
        actions   = ["s3:PutObject"]
        resources = ["${var.bucket_arn}/dispatches/*/nodes/*"]
      }
      record_nodes = {
        why       = "Claim, commit and records of inputs; gates. TransactWriteItems is allowed by what it consists of"
        actions   = ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        resources = [var.table_arn]
        conditions = [
          { test = "ForAllValues:StringLike", variable = "dynamodb:LeadingKeys", values = ["D#*"] },
        ]
      }
      release_gates = {
        why       = "Whoever arrives last at a gate sends on the one that waits there, or tells it of a failure"
        actions   = ["states:SendTaskFailure", "states:SendTaskSuccess"]
        resources = [var.machines, "${var.machines}/*"]
      }
      write_logs = {
        why       = "Standard output of the function; the groups are there already"
        actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        resources = [for group in aws_cloudwatch_log_group.runner : "${group.arn}:*"]
      }
    },
    var.kms_key_arn == null ? {} : {
      use_key = {
        why       = "Bucket, table and the function's environment are encrypted with the key"
        actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        resources = [var.kms_key_arn]
      }
    },
  )
}

module "policy" {
  source = "../policy"
  grants = local.grants
}

resource "aws_iam_role" "runner" {
  name        = "${var.prefix}-runner"
  description = "Runs electrons: what users wrote."
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
  policy = module.policy.json
}

resource "aws_cloudwatch_log_group" "runner" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts with a key of its own, or with kms_key_arn when it is set
  #checkov:skip=CKV_AWS_338:log_retention_days decides; users' output need not be kept for a year
  for_each          = local.functions
  name              = "/aws/lambda/${each.value.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_lambda_function" "runner" {
  #checkov:skip=CKV_AWS_50:A trace for each electron would cost more than the electron
  #checkov:skip=CKV_AWS_115:Electrons may use the account's concurrency; Step Functions retries what is throttled
  #checkov:skip=CKV_AWS_116:Step Functions calls and waits: a failure is its own, none goes to a dead letter queue
  #checkov:skip=CKV_AWS_117:A VPC costs when idle (NAT); it comes with the network module
  #checkov:skip=CKV_AWS_173:The environment holds two names, nothing secret; encrypted with kms_key_arn when it is set
  #checkov:skip=CKV_AWS_272:The zips are built from this source, and source_code_hash holds each function to its bytes
  for_each         = local.functions
  function_name    = each.value.name
  description      = "Runs electrons that were pickled by Python ${each.key}."
  role             = aws_iam_role.runner.arn
  runtime          = each.value.python
  architectures    = [var.architecture]
  handler          = "covalent_runner.lambda_handler.handler"
  filename         = each.value.zip
  source_code_hash = filebase64sha256(each.value.zip)
  memory_size      = var.memory
  timeout          = local.seconds
  kms_key_arn      = var.kms_key_arn
  tags             = var.tags

  environment {
    variables = {
      COVALENT_TABLE  = var.table
      COVALENT_BUCKET = var.bucket
    }
  }

  depends_on = [aws_cloudwatch_log_group.runner, aws_iam_role_policy.runner]
}
