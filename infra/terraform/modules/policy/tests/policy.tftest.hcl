# No provider, no account: the module only renders.

variables {
  grants = {
    read_values = {
      why       = "Values are read by those who need them"
      actions   = ["s3:GetObject"]
      resources = ["arn:aws:s3:::values/*"]
    }
    record_nodes = {
      why       = "Records of what has run"
      actions   = ["dynamodb:UpdateItem", "dynamodb:PutItem"]
      resources = ["arn:aws:dynamodb:eu-west-1:123456789012:table/records"]
      conditions = [
        { test = "StringLike", variable = "dynamodb:LeadingKeys", values = ["D#*"] },
        { test = "StringLike", variable = "aws:PrincipalArn", values = ["*"] },
        { test = "Bool", variable = "aws:SecureTransport", values = ["true"] },
      ]
    }
  }
}

run "renders_every_row" {
  command = plan

  assert {
    condition = jsondecode(output.json) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "ReadValues"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = ["arn:aws:s3:::values/*"]
        },
        {
          Sid      = "RecordNodes"
          Effect   = "Allow"
          Action   = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
          Resource = ["arn:aws:dynamodb:eu-west-1:123456789012:table/records"]
          Condition = {
            Bool       = { "aws:SecureTransport" = ["true"] }
            StringLike = { "aws:PrincipalArn" = ["*"], "dynamodb:LeadingKeys" = ["D#*"] }
          }
        },
      ]
    }
    error_message = "The policy is not what the table says: ${output.json}"
  }
}

run "refuses_a_row_without_reason" {
  command = plan

  variables {
    grants = { all = { why = "", actions = ["s3:GetObject"], resources = ["*"] } }
  }

  expect_failures = [var.grants]
}

run "refuses_actions_with_a_star" {
  command = plan

  variables {
    grants = { all = { why = "It is easier that way", actions = ["s3:Get*"], resources = ["*"] } }
  }

  expect_failures = [var.grants]
}

run "refuses_a_row_about_nothing" {
  command = plan

  variables {
    grants = { none = { why = "Forgotten resources", actions = ["s3:GetObject"], resources = [] } }
  }

  expect_failures = [var.grants]
}
