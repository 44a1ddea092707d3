# Everything on: every executor, a network and a key of one's own, alarms that mail, a dashboard, reserved concurrency,
# longer logs.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name
}

resource "aws_kms_key" "covalent" {
  description             = "Bucket, table, logs and environments of ${var.prefix}."
  enable_key_rotation     = true
  deletion_window_in_days = 7

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # The account's IAM policies decide: those of the roles name this key.
        Sid       = "Account"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
        Sid       = "Logs"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account}:*" }
        }
      },
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
    ]
  })
}

resource "aws_kms_alias" "covalent" {
  name          = "alias/${var.prefix}"
  target_key_id = aws_kms_key.covalent.key_id
}

# Subscribe to it: aws sns subscribe --protocol email --notification-endpoint you@example.org --topic-arn ...
resource "aws_sns_topic" "alarms" {
  name              = "${var.prefix}-alarms"
  kms_master_key_id = aws_kms_key.covalent.arn
}

module "covalent" {
  source                 = "../.."
  artifacts              = var.artifacts
  prefix                 = var.prefix
  protect                = var.protect
  manage_gateway_account = var.manage_gateway_account
  kms_key_arn            = aws_kms_key.covalent.arn
  observability          = true
  triggers               = true
  trigger_buckets        = var.trigger_buckets
  alarm_topic_arn        = aws_sns_topic.alarms.arn
  log_retention_days     = 365
  runner_memory          = 3538
  network                = { cidr = "10.77.0.0/24" }
  batch                  = { type = "SPOT", max_vcpus = 1024, gpu = ["g4dn.xlarge", "g5.xlarge"] }
  ecs                    = {}
  ec2                    = {}
  braket                 = { keep_days = 365 }
  bridge                 = true
  throttle               = { rate = 500, burst = 1000 }
  reserved_concurrency   = { finish = 50, sweep = 1 }
  tags                   = { project = "covalent" }
}
