# What is made for executors, and what the control plane and the machines are told and allowed.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  artifacts = "tests/artifacts"
}

run "nothing_unless_asked_for" {
  assert {
    condition     = length(module.network) + length(local.more) == 0 && output.image_repository == null
    error_message = "Executors are off unless they are asked for."
  }

  assert {
    condition     = length(local.executors) == 0 && local.answers == null
    error_message = "The control plane knows of no executors, and there is no function for them."
  }

  assert {
    condition = alltrue([
      for action in flatten(values(output.permissions.machine)[*].actions) : contains(["events", "lambda", "logs", "states", "xray"], split(":", action)[0])
    ])
    error_message = "Machines may do nothing for executors that are off."
  }
}

run "batch_alone" {
  variables {
    batch = {}
  }

  assert {
    condition     = jsondecode(module.api.offers.batch).queue == "covalent-electrons" && jsondecode(module.api.offers.batch).gpu_queue == ""
    error_message = "There is one queue."
  }

  assert {
    condition     = jsondecode(module.api.offers.batch).definitions["3.12"] == "covalent-electrons-py312"
    error_message = "There is a job definition for each Python."
  }

  assert {
    condition     = jsondecode(module.api.offers.batch).is_fargate
    error_message = "Fargate is the default."
  }

  assert {
    condition     = setsubtract(keys(output.permissions), ["adopt", "api", "builder", "electron", "finish", "machine", "restart", "runner", "sweep"]) == toset(["batch", "launcher"])
    error_message = "A job has a role, and so has what starts it."
  }

  assert {
    condition     = output.permissions.batch.record_nodes.conditions[0].values == tolist(["D#*"]) && output.permissions.batch.record_nodes.conditions[1] == output.permissions.electron.record_nodes.conditions[1]
    error_message = "A job writes records of nodes of any dispatch, and the attributes that an electron writes; no triggers."
  }

  assert {
    condition     = !strcontains(output.policies.batch, "PrincipalTag")
    error_message = "Nobody sets tags for the role of a job."
  }
}

run "batch_on_machines" {
  variables {
    batch = { type = "SPOT", gpu = ["g4dn.xlarge"] }
  }

  assert {
    condition     = jsondecode(module.api.offers.batch).gpu_queue == "covalent-electrons-gpu" && !jsondecode(module.api.offers.batch).is_fargate
    error_message = "GPUs have a queue of their own."
  }
}

run "everything_on" {
  variables {
    prefix      = "a-deployment-with-a-name-of-30"
    batch       = {}
    ecs         = {}
    ec2         = {}
    braket      = {}
    bridge      = true
    triggers    = true
    network     = { cidr = "10.77.0.0/24" }
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
  assert {
    condition     = length(jsonencode(module.api.environment)) < 4096
    error_message = "Lambda allows 4 KB for all variables together."
  }

  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
  assert {
    condition     = alltrue([for policy in values(output.policies) : length(policy) < 10240])
    error_message = "IAM allows 10,240 characters for the inline policies of a role."
  }

  assert {
    condition     = output.permissions.bridge.read_secrets.resources == tolist(["arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-deployment-with-a-name-of-30/*"])
    error_message = "The bridge reads secrets of its deployment and no others."
  }

  assert {
    condition     = output.permissions.api.end_jobs.resources == tolist(["arn:aws:lambda:eu-west-1:123456789012:function:a-deployment-with-a-name-of-30-bridge"])
    error_message = "The API has the bridge end jobs."
  }

  assert {
    condition = alltrue([
      for grant in [output.permissions.machine.start_instances, output.permissions.machine.tag_instances, output.permissions.machine.create_jobs] :
      contains(grant.conditions, { test = "StringEquals", variable = "aws:RequestTag/covalent:deployment", values = tolist(["a-deployment-with-a-name-of-30"]) })
    ])
    error_message = "What machines start is tagged with the deployment."
  }

  assert {
    condition = alltrue([
      for name, services in { pass_task_roles = "ecs-tasks", pass_instance_role = "ec2", pass_job_role = "braket" } :
      output.permissions.machine[name].conditions[0].values == tolist(["${services}.amazonaws.com"]) && !anytrue([for arn in output.permissions.machine[name].resources : strcontains(arn, "*")])
    ])
    error_message = "Each role is passed to its service only."
  }

  assert {
    condition     = one(output.permissions.answer.end_instances.conditions).variable == "aws:ResourceTag/covalent:deployment"
    error_message = "Only instances of the deployment are ended."
  }

  assert {
    condition     = length(jsondecode(module.api.offers.braket).bucket) <= 63 && startswith(jsondecode(module.api.offers.braket).bucket, "amazon-braket-")
    error_message = "Braket writes to buckets of such names only, and S3 takes 63 characters."
  }

  assert {
    condition = !anytrue(flatten([
      for role in ["batch", "braket", "ec2", "ecs"] : [
        for grant in values(output.permissions[role]) : [for action in grant.actions : can(regex("^(dynamodb|states|iam|ec2|batch|ecs|secretsmanager|lambda):(List|Delete|Scan|Query|Describe|Run|Start|Stop|Pass|Get|Invoke|Submit)", action))]
      ]
    ]))
    error_message = "What users wrote may start nothing on AWS, read no secrets and look for no dispatches."
  }
}

run "executors_of_users_own" {
  variables {
    batch  = { own = ["arn:aws:batch:eu-west-1:123456789012:job-queue/mine"] }
    ecs    = { own = ["arn:aws:ecs:eu-west-1:123456789012:cluster/mine", "arn:aws:ecs:eu-west-1:123456789012:task-definition/mine:*", "arn:aws:iam::123456789012:role/mine"] }
    braket = { roles = ["CovalentBraketJobsExecutionRole"] }
    images = { "3.12" = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/chemistry/runner:py312" }
  }

  assert {
    condition     = contains(output.permissions.machine.submit_jobs.resources, "arn:aws:batch:eu-west-1:123456789012:job-queue/mine")
    error_message = "A queue of the user's own takes jobs."
  }

  assert {
    condition = (
      contains(one(output.permissions.machine.run_tasks.conditions).values, "arn:aws:ecs:eu-west-1:123456789012:cluster/mine")
      && contains(output.permissions.machine.follow_tasks.resources, "arn:aws:ecs:eu-west-1:123456789012:task/mine/*")
      && contains(output.permissions.machine.pass_task_roles.resources, "arn:aws:iam::123456789012:role/mine")
    )
    error_message = "A cluster, tasks and roles of the user's own."
  }

  assert {
    condition     = contains(output.permissions.machine.pass_job_role.resources, "arn:aws:iam::123456789012:role/CovalentBraketJobsExecutionRole")
    error_message = "A role of the user's own for hybrid jobs."
  }

  assert {
    condition     = contains(output.permissions.launcher.pull_images.resources, "arn:aws:ecr:eu-west-1:210987654321:repository/chemistry/runner")
    error_message = "An image of the user's own is pulled."
  }
}

run "unknown_type_of_machines" {
  command         = plan
  expect_failures = [var.batch]

  variables {
    batch = { type = "FARGET" }
  }
}

run "gpus_on_fargate" {
  command         = plan
  expect_failures = [var.batch]

  variables {
    batch = { gpu = ["g4dn.xlarge"] }
  }
}

run "two_networks" {
  command         = plan
  expect_failures = [var.network]

  variables {
    network = { cidr = "10.77.0.0/24", vpc_id = "vpc-1", subnet_ids = ["subnet-1"] }
  }
}

run "a_network_without_subnets" {
  command         = plan
  expect_failures = [var.network]

  variables {
    network = { vpc_id = "vpc-1" }
  }
}

run "an_unknown_processor" {
  command         = plan
  expect_failures = [var.ec2]

  variables {
    ec2 = { images = { x86 = "ami-1" } }
  }
}

run "an_image_for_no_runner" {
  command         = plan
  expect_failures = [var.images]

  variables {
    runners = ["3.12"]
    images  = { "3.13" = "somewhere/image:py313" }
  }
}
