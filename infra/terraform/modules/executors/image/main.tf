# Where the image of jobs lies that `make image` builds: one repository, a tag for each Python.

locals {
  images = {
    for python in var.runners : python =>
    lookup(var.images, python, "${aws_ecr_repository.jobs.repository_url}:py${replace(python, ".", "")}")
  }

  # ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG, as ARNs. Images of other registries need no rights of this role.
  parsed = [for image in values(var.images) : regexall("^([0-9]{12})\\.dkr\\.ecr\\.([a-z0-9-]+)\\.[a-z.]+/([^:@]+)", image)]
  others = distinct([for each in flatten([for found in local.parsed : [for it in found : join(" ", it)]]) :
    format("arn:%s:ecr:%s:%s:repository/%s", var.partition, split(" ", each)[1], split(" ", each)[0], split(" ", each)[2])
  ])
}

resource "aws_ecr_repository" "jobs" {
  #checkov:skip=CKV_AWS_51:A tag is a Python version; its image is replaced when packages are added to it
  #checkov:skip=CKV_AWS_136:ECR encrypts with a key of its own, or with kms_key_arn when it is set
  name         = "${var.prefix}-runner"
  force_delete = true # it holds what can be built again
  tags         = var.tags

  encryption_configuration {
    encryption_type = var.kms_key_arn == null ? "AES256" : "KMS"
    kms_key         = var.kms_key_arn
  }

  image_scanning_configuration {
    scan_on_push = true
  }
}

# What a newer one has replaced.
resource "aws_ecr_lifecycle_policy" "jobs" {
  repository = aws_ecr_repository.jobs.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Images without a tag go after a week."
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 7 }
      action       = { type = "expire" }
    }]
  })
}

# What pulls images and writes the logs of containers, before and beside user code, which has another role.
module "policy" {
  source = "../../policy"

  grants = {
    sign_in = {
      why       = "A login for all registries that the role may read; the action knows no resources"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    }
    pull_images = {
      why       = "The image of the job"
      actions   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = concat([aws_ecr_repository.jobs.arn], local.others)
    }
    write_logs = {
      why       = "Standard output of containers; the groups are there already"
      actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      resources = ["arn:${var.partition}:logs:${var.region}:${var.account}:log-group:/covalent/${var.prefix}/*"]
    }
  }
}

resource "aws_iam_role" "launcher" {
  name        = "${var.prefix}-launcher"
  description = "Pulls the images of jobs and writes their logs."
  tags        = var.tags

  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
    }]
  })
}

resource "aws_iam_role_policy" "launcher" {
  name   = "grants"
  role   = aws_iam_role.launcher.id
  policy = module.policy.json
}
