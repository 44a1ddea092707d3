# What bucket and table are like, with a provider that answers without an account.

mock_provider "aws" {}

variables {
  prefix    = "covalent"
  account   = "123456789012"
  region    = "eu-west-1"
  partition = "aws"
}

run "table" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.hash_key == "pk" && aws_dynamodb_table.this.range_key == "sk"
    error_message = "covalent_contracts.records has the keys."
  }

  assert {
    condition = { for index in aws_dynamodb_table.this.global_secondary_index : index.name => [index.hash_key, index.range_key, index.projection_type] } == {
      by_owner    = ["owner", "created", "ALL"]
      by_starting = ["starting", "created", "KEYS_ONLY"]
    }
    error_message = "The indexes are not those that the control plane asks."
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "A table that nobody uses must not cost."
  }

  assert {
    condition     = aws_dynamodb_table.this.ttl[0].enabled && aws_dynamodb_table.this.ttl[0].attribute_name == "ttl"
    error_message = "Drafts expire."
  }

  assert {
    condition     = aws_dynamodb_table.this.point_in_time_recovery[0].enabled
    error_message = "Records can be brought back."
  }
}

run "bucket" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "Nothing is public."
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.this.rule).object_ownership == "BucketOwnerEnforced"
    error_message = "The bucket's owner owns every object."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid => statement.Condition
      if statement.Effect == "Deny" && statement.Principal == "*" && statement.Action == "s3:*"
      } == {
      OnlyTls             = { Bool = { "aws:SecureTransport" = "false" } }
      OnlyFreshSignatures = { NumericGreaterThan = { "s3:signatureAge" = "900000" } }
    }
    error_message = "Plain HTTP and signatures older than 15 minutes are refused, to everyone."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Without a key of one's own S3 encrypts with its own."
  }
}

run "protected_unless_told" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled && !aws_s3_bucket.this.force_destroy
    error_message = "What holds results survives a mistaken destroy."
  }
}

run "unprotected" {
  command = plan

  variables {
    protect = false
  }

  assert {
    condition     = !aws_dynamodb_table.this.deletion_protection_enabled && aws_s3_bucket.this.force_destroy
    error_message = "protect = false lets both go."
  }
}

run "own_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).bucket_key_enabled
    error_message = "A bucket key, or each object costs a request to KMS."
  }

  assert {
    condition     = aws_dynamodb_table.this.server_side_encryption[0].kms_key_arn == var.kms_key_arn
    error_message = "The table is encrypted with the key too."
  }
}

run "negative_days" {
  command         = plan
  expect_failures = [var.cold_after_days]

  variables {
    cold_after_days = -1
  }
}
