# The bridge: one function that submits jobs where Step Functions cannot (SSH, Slurm, Azure, Google), and looks after them.
# It runs nothing that a user wrote, and reads the secrets of the deployment.

locals {
  home    = "${var.deployment.region}:${var.deployment.account}"
  zip     = "${var.artifacts}/bridge-${var.architecture}.zip"
  seconds = 300

  only_dispatches = { test = "ForAllValues:StringLike", variable = "dynamodb:LeadingKeys", values = ["D#*"] }

  # covalent_bridge.errands, covalent_runner.aws_store. TransactWriteItems is allowed by what it consists of.
  grants = merge(
    {
      record_nodes = {
        why        = "Claims an electron, tells by which name its job is known, records what became of it, and opens gates"
        actions    = ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        resources  = [var.deployment.table_arn]
        conditions = [local.only_dispatches]
      }
      read_and_sign_downloads = {
        why     = "What a job has to do, and what it hands in; addresses that a job reads from are signed by this role"
        actions = ["s3:GetObject"]
        resources = [
          "${var.deployment.bucket_arn}/assets/*",
          "${var.deployment.bucket_arn}/dispatches/*/event.json",
          "${var.deployment.bucket_arn}/dispatches/*/nodes/*",
          "${var.deployment.bucket_arn}/dispatches/*/sheets/*",
          "${var.deployment.bucket_arn}/programs/*.pyz",
        ]
      }
      write_and_sign_uploads = {
        why     = "What a job has to do; the address to which it hands in, and outputs that are too large for a record"
        actions = ["s3:PutObject"]
        resources = [
          "${var.deployment.bucket_arn}/dispatches/*/nodes/*",
          "${var.deployment.bucket_arn}/programs/*.pyz",
        ]
      }
      tell_missing_objects = {
        why       = "Without it S3 answers 403 for an object that is not there, and not 404; nothing is listed"
        actions   = ["s3:ListBucket"]
        resources = [var.deployment.bucket_arn]
      }
      release_gates = {
        why       = "Whoever arrives last at a gate sends on the one that waits there, or tells it of a failure"
        actions   = ["states:SendTaskFailure", "states:SendTaskSuccess"]
        resources = [var.deployment.machines, "${var.deployment.machines}/*"]
      }
      read_secrets = {
        why       = "Keys and passwords of users, which `covalent secret put` has stored under the deployment's name"
        actions   = ["secretsmanager:GetSecretValue"]
        resources = ["arn:${var.deployment.partition}:secretsmanager:${local.home}:secret:${var.deployment.prefix}/*"]
      }
      write_logs = {
        why       = "Standard output of the function; the group is there already"
        actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        resources = ["${aws_cloudwatch_log_group.bridge.arn}:*"]
      }
      bury_events = {
        why       = "Lambda puts a cancellation that failed three times into the queue, with the function's role"
        actions   = ["sqs:SendMessage"]
        resources = [var.dead_letters_arn]
      }
    },
    var.deployment.kms_key_arn == null ? {} : {
      use_key = {
        why       = "Bucket, table and the function's environment are encrypted with the key"
        actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        resources = [var.deployment.kms_key_arn]
      }
    },
  )
}

module "policy" {
  source = "../../policy"
  grants = local.grants
}

resource "aws_iam_role" "bridge" {
  name        = "${var.deployment.prefix}-bridge"
  description = "Submits jobs in places that are not AWS, and records what became of them."
  tags        = var.deployment.tags

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

resource "aws_iam_role_policy" "bridge" {
  name   = "grants"
  role   = aws_iam_role.bridge.id
  policy = module.policy.json
}

resource "aws_cloudwatch_log_group" "bridge" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts with a key of its own, or with kms_key_arn when it is set
  #checkov:skip=CKV_AWS_338:log_retention_days decides
  name              = "/aws/lambda/${var.deployment.prefix}-bridge"
  retention_in_days = var.deployment.log_retention_days
  kms_key_id        = var.deployment.kms_key_arn
  tags              = var.deployment.tags
}

resource "aws_lambda_function" "bridge" {
  #checkov:skip=CKV_AWS_50:A trace for each look at a job would cost more than the look
  #checkov:skip=CKV_AWS_115:It may use the account's concurrency; Step Functions retries what is throttled
  #checkov:skip=CKV_AWS_116:It has one (dead_letter_config), whose ARN a plan does not know yet
  #checkov:skip=CKV_AWS_117:In a VPC a function reaches the internet through a NAT only, which costs when idle
  #checkov:skip=CKV_AWS_173:The environment holds names, nothing secret; encrypted with kms_key_arn when it is set
  #checkov:skip=CKV_AWS_272:The zip is built from this source, and source_code_hash holds the function to its bytes
  function_name    = "${var.deployment.prefix}-bridge"
  description      = "Submits jobs where Step Functions cannot, and looks after them."
  role             = aws_iam_role.bridge.arn
  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = "covalent_bridge.handler.handler"
  filename         = local.zip
  source_code_hash = filebase64sha256(local.zip)
  memory_size      = 1024
  timeout          = local.seconds
  kms_key_arn      = var.deployment.kms_key_arn
  tags             = var.deployment.tags

  dead_letter_config {
    target_arn = var.dead_letters_arn
  }

  environment {
    variables = {
      COVALENT_TABLE   = var.deployment.table
      COVALENT_BUCKET  = var.deployment.bucket
      COVALENT_TICKETS = "${var.endpoint}/api/v1/tickets/renew" # covalent_contracts.ticket.TICKETS
    }
  }

  depends_on = [aws_cloudwatch_log_group.bridge, aws_iam_role_policy.bridge]
}
