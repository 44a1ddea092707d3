# Amazon Braket: hybrid jobs. Here are the role of user code in them, their bucket, and what they run. Braket must have
# been used in the account before: its console makes the role that the service itself works with.
# https://docs.aws.amazon.com/braket/latest/developerguide/braket-slr.html

locals {
  home  = "${var.deployment.region}:${var.deployment.account}"
  jobs  = "arn:${var.deployment.partition}:braket:${local.home}:job/*"
  tasks = "arn:${var.deployment.partition}:braket:${local.home}:quantum-task/*"
  tag   = "covalent:deployment" # covalent_executors.braket.place.TAG

  # Braket's own role may write to buckets of such names only, and a name has 63 characters at most.
  bucket     = "amazon-braket-${var.deployment.prefix}-${substr(sha256(local.home), 0, 12)}"
  bucket_arn = "arn:${var.deployment.partition}:s3:::${local.bucket}"
  logs       = "arn:${var.deployment.partition}:logs:${local.home}:log-group:/aws/braket*"
  program    = "${var.artifacts}/braket.tar.gz"

  tagged      = { test = "StringEquals", variable = "aws:RequestTag/${local.tag}", values = [var.deployment.prefix] }
  other_roles = [for name in var.roles : "arn:${var.deployment.partition}:iam::${var.deployment.account}:role/${name}"]
}

module "role" {
  source      = "../job"
  prefix      = var.deployment.prefix
  name        = "braket"
  description = "User code in hybrid jobs of Amazon Braket."
  service     = "braket.amazonaws.com"
  tags        = var.deployment.tags

  # https://docs.aws.amazon.com/braket/latest/developerguide/about-amazonbraketjobsexecution.html
  grants = merge(var.grants, {
    fetch_program = {
      why       = "The runner, which Braket fetches with the role of the job"
      actions   = ["s3:GetObject"]
      resources = ["${var.deployment.bucket_arn}/programs/*"]
    }
    say_it_lives = {
      why       = "Step Functions waits for the job, which tells that it is still there, and answers"
      actions   = ["states:SendTaskHeartbeat"]
      resources = var.grants.release_gates.resources
    }
    keep_results = {
      why       = "What quantum tasks and the job give, and checkpoints"
      actions   = ["s3:GetObject", "s3:PutObject"]
      resources = ["${local.bucket_arn}/*"]
    }
    find_results = {
      why       = "Braket looks for what is there already"
      actions   = ["s3:ListBucket"]
      resources = [local.bucket_arn]
    }
    run_quantum_tasks = {
      why       = "Circuits on simulators and quantum computers, which is what hybrid jobs are for; the action knows no resources"
      actions   = ["braket:CreateQuantumTask"]
      resources = ["*"]
    }
    follow_quantum_tasks = {
      why       = "How a circuit stands, and its end"
      actions   = ["braket:CancelQuantumTask", "braket:GetQuantumTask"]
      resources = [local.tasks]
    }
    find_devices = {
      why       = "What a device can do, and whether it is there now; these actions know no resources"
      actions   = ["braket:GetDevice", "braket:SearchDevices"]
      resources = ["*"]
    }
    look_at_itself = {
      why       = "A job asks how it stands itself"
      actions   = ["braket:GetJob"]
      resources = [local.jobs]
    }
    write_logs = {
      why       = "Standard output of the job; Braket makes the groups when the first job runs"
      actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
      resources = [local.logs]
    }
    tell_metrics = {
      why        = "Metrics that a job logs (braket.jobs.metrics); the action knows no resources"
      actions    = ["cloudwatch:PutMetricData"]
      resources  = ["*"]
      conditions = [{ test = "StringEquals", variable = "cloudwatch:namespace", values = ["/aws/braket"] }]
    }
    sign_in = {
      why       = "A login for registries of images; the action knows no resources"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    }
    pull_images = {
      why       = "Braket's own images, which lie in accounts of AWS, and those of this account that are called as Braket wants it"
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = ["arn:${var.deployment.partition}:ecr:${var.deployment.region}:*:repository/amazon-braket*"]
    }
  })
}

resource "aws_s3_object" "program" {
  #checkov:skip=CKV_AWS_186:The bucket encrypts it, with kms_key_arn when it is set
  bucket      = var.deployment.bucket
  key         = "programs/braket.tar.gz"
  source      = local.program
  source_hash = filesha256(local.program)
}

resource "aws_s3_bucket" "results" {
  #checkov:skip=CKV_AWS_18:Server access logs need a second bucket that grows for ever
  #checkov:skip=CKV_AWS_21:Each job and quantum task has objects of its own, which are not changed
  #checkov:skip=CKV_AWS_144:What jobs leave behind beside their electron's result can be computed again
  #checkov:skip=CKV_AWS_145:SSE-S3: Braket's service role writes here, and would need the key too
  #checkov:skip=CKV2_AWS_62:Nothing waits for objects
  bucket        = local.bucket
  force_destroy = !var.protect
  tags          = var.deployment.tags
}

resource "aws_s3_bucket_public_access_block" "results" {
  bucket                  = aws_s3_bucket.results.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "results" {
  bucket = aws_s3_bucket.results.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "results" {
  bucket = aws_s3_bucket.results.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "results" {
  bucket = aws_s3_bucket.results.id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.keep_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "results" {
  bucket = aws_s3_bucket.results.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.results]
}

locals {
  grants_of_machines = {
    create_jobs = {
      why        = "An electron is a hybrid job, which is tagged with the deployment; the action knows no resources"
      actions    = ["braket:CreateJob"]
      resources  = ["*"]
      conditions = [local.tagged]
    }
    tag_jobs = {
      why        = "The tag that a job is created with"
      actions    = ["braket:TagResource"]
      resources  = [local.jobs]
      conditions = [local.tagged]
    }
    pass_job_role = {
      why       = "Jobs have the role of user code, or one that the deployment was told of"
      actions   = ["iam:PassRole"]
      resources = concat([module.role.arn], local.other_roles)
      conditions = [
        { test = "StringEquals", variable = "iam:PassedToService", values = ["braket.amazonaws.com"] },
      ]
    }
  }

  # covalent_control_plane.hybrid_jobs
  grants_of_control = {
    look_at_jobs = {
      why       = "Which electron a job was that has ended, and why it ended"
      actions   = ["braket:GetJob"]
      resources = [local.jobs]
    }
  }
}
