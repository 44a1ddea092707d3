# What a deployment remembers: one bucket for values and documents, one table for records.
# localstack/covalent_localstack/bootstrap.py makes the same shapes offline; tests/terraform compares them.

locals {
  bucket     = "${var.prefix}-${var.account}-${var.region}"
  bucket_arn = "arn:${var.partition}:s3:::${local.bucket}"

  presigned_ms = 15 * 60 * 1000 # covalent_control_plane.objects.ADDRESS_LIFETIME
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:Server access logs need a second bucket that grows for ever; CloudTrail data events can be turned on for this one
  #checkov:skip=CKV_AWS_19:Encrypted by the resource below, which the check does not find in a plan
  #checkov:skip=CKV_AWS_21:Objects are never changed: their keys hold their digests, so old versions would only cost
  #checkov:skip=CKV_AWS_144:Results can be computed again; a copy in another region is a choice for those who need it
  #checkov:skip=CKV_AWS_145:SSE-S3 without a key, SSE-KMS with a bucket key when kms_key_arn is set
  #checkov:skip=CKV2_AWS_62:Nothing waits for objects: the client says when it has uploaded everything
  bucket        = local.bucket
  force_destroy = !var.protect
  tags          = var.tags
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    # A bucket key asks KMS once for many objects; without it each read and write is a request of its own.
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "abort-incomplete-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # Versioning is off. Where someone turns it on, what was replaced or deleted must not stay for ever.
  rule {
    id     = "expire-noncurrent"
    status = "Enabled"

    filter {}

    expiration {
      expired_object_delete_marker = true
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  # Assets are shared by all dispatches of an owner, so their age does not tell whether something needs them.
  # They are not deleted; S3 moves between tiers what nobody reads. Objects under 128 KiB stay where they are.
  rule {
    id     = "tier-what-nobody-reads"
    status = var.cold_after_days == null ? "Disabled" : "Enabled"

    filter {}

    transition {
      days          = coalesce(var.cold_after_days, 30)
      storage_class = "INTELLIGENT_TIERING"
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # Whatever lifetime a presigned address names, it ends 15 minutes after it was signed.
        Sid       = "OnlyFreshSignatures"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = "${local.bucket_arn}/*"
        Condition = { NumericGreaterThan = { "s3:signatureAge" = tostring(local.presigned_ms) } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119:Encrypted with a key that AWS owns, or with kms_key_arn when it is set
  name                        = var.prefix
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.protect
  tags                        = var.tags

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  attribute {
    name = "owner"
    type = "S"
  }

  attribute {
    name = "created"
    type = "N"
  }

  attribute {
    name = "starting"
    type = "S"
  }

  # The dispatches of an owner, newest first.
  global_secondary_index {
    name            = "by_owner"
    hash_key        = "owner"
    range_key       = "created"
    projection_type = "ALL"
  }

  # Dispatches that are about to start: `starting` is there only until then.
  global_secondary_index {
    name            = "by_starting"
    hash_key        = "starting"
    range_key       = "created"
    projection_type = "KEYS_ONLY"
  }

  ttl {
    enabled        = true
    attribute_name = "ttl"
  }

  point_in_time_recovery {
    enabled = true
  }

  dynamic "server_side_encryption" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]

    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value
    }
  }
}
