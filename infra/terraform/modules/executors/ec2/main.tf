# EC2: an instance for each electron, which Step Functions starts with what it has to do in its user data, and which
# ends itself. Here are its role, what it fetches to run electrons, and who may start and end such instances.

locals {
  home    = "${var.deployment.region}:${var.deployment.account}"
  start   = "arn:${var.deployment.partition}:ec2:${local.home}"
  subnet  = var.network.subnet_ids[0]
  tag     = "covalent:deployment" # covalent_executors.ec2.place.TAG
  pythons = { for python in var.runners : python => replace(python, ".", "") }

  # What an instance of each Python and architecture fetches.
  programs = merge([
    for architecture in keys(var.images) : {
      for python, digits in local.pythons : "job-py${digits}-${architecture}" => "${var.artifacts}/job-py${digits}-${architecture}.zip"
    }
  ]...)

  parameters = [
    for image in values(var.images) : trimprefix(image, "resolve:ssm:") if startswith(image, "resolve:ssm:")
  ]

  tagged = { test = "StringEquals", variable = "aws:RequestTag/${local.tag}", values = [var.deployment.prefix] }
}

module "role" {
  source      = "../job"
  prefix      = var.deployment.prefix
  name        = "ec2"
  description = "User code on instances of EC2."
  service     = "ec2.amazonaws.com"
  tags        = var.deployment.tags

  grants = merge(var.grants, {
    fetch_program = {
      why       = "The runner, which an instance fetches when it has started"
      actions   = ["s3:GetObject"]
      resources = ["${var.deployment.bucket_arn}/programs/*"]
    }
    say_it_lives = {
      why       = "Step Functions waits for the instance, which tells that it is still there, and answers"
      actions   = ["states:SendTaskHeartbeat"]
      resources = var.grants.release_gates.resources
    }
  })
}

resource "aws_iam_instance_profile" "this" {
  name = "${var.deployment.prefix}-ec2"
  role = module.role.name
  tags = var.deployment.tags
}

resource "aws_s3_object" "program" {
  #checkov:skip=CKV_AWS_186:The bucket encrypts it, with kms_key_arn when it is set
  for_each    = local.programs
  bucket      = var.deployment.bucket
  key         = "programs/${each.key}.zip"
  source      = each.value
  source_hash = filesha256(each.value)
}

locals {
  # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html#iam-example-runinstances
  grants_of_machines = merge(
    {
      start_instances = {
        why        = "An electron is an instance; it and its disk are tagged with the deployment"
        actions    = ["ec2:RunInstances"]
        resources  = ["${local.start}:instance/*", "${local.start}:volume/*"]
        conditions = [local.tagged]
      }
      start_instances_with = {
        why     = "What an instance is made of: images of whomever, keys, networks and groups of this account"
        actions = ["ec2:RunInstances"]
        resources = concat(
          ["arn:${var.deployment.partition}:ec2:${var.deployment.region}::image/*"],
          [for kind in ["key-pair", "network-interface", "security-group", "subnet"] : "${local.start}:${kind}/*"],
        )
      }
      tag_instances = {
        why       = "Tags are given when an instance starts, and never later"
        actions   = ["ec2:CreateTags"]
        resources = ["${local.start}:instance/*", "${local.start}:volume/*"]
        conditions = [
          local.tagged,
          { test = "StringEquals", variable = "ec2:CreateAction", values = ["RunInstances"] },
        ]
      }
      pass_instance_role = {
        why       = "Instances have the role of user code; the machines pass no other"
        actions   = ["iam:PassRole"]
        resources = [module.role.arn]
        conditions = [
          { test = "StringEquals", variable = "iam:PassedToService", values = ["ec2.amazonaws.com"] },
        ]
      }
    },
    length(local.parameters) == 0 ? {} : {
      find_images = {
        why       = "RunInstances looks up which image AWS names there, with the rights of the caller"
        actions   = ["ssm:GetParameters"]
        resources = [for name in local.parameters : "arn:${var.deployment.partition}:ssm:${var.deployment.region}:${startswith(name, "/aws/") ? "" : var.deployment.account}:parameter${name}"]
      }
    },
  )

  # covalent_control_plane.instances
  grants_of_control = {
    end_instances = {
      why        = "An instance that cannot end itself when its electron has ended is ended; only those of this deployment"
      actions    = ["ec2:TerminateInstances"]
      resources  = ["${local.start}:instance/*"]
      conditions = [{ test = "StringEquals", variable = "aws:ResourceTag/${local.tag}", values = [var.deployment.prefix] }]
    }
    find_instances = {
      why       = "Which instances of the deployment are still there; the action knows no resources"
      actions   = ["ec2:DescribeInstances"]
      resources = ["*"]
    }
  }
}
