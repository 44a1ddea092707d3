# The role that user code has in a job: in a container, on an instance, in a hybrid job. One for all jobs of a kind.

module "policy" {
  source = "../../policy"
  grants = var.grants
}

resource "aws_iam_role" "this" {
  name        = "${var.prefix}-${var.name}"
  description = var.description
  tags        = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [merge(
      {
        Effect    = "Allow"
        Principal = { Service = var.service }
        Action    = "sts:AssumeRole"
      },
      length(var.conditions) == 0 ? {} : { Condition = var.conditions },
    )]
  })
}

resource "aws_iam_role_policy" "this" {
  name   = "grants"
  role   = aws_iam_role.this.id
  policy = module.policy.json
}
