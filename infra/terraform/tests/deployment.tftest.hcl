# What a deployment consists of, with a provider that answers without an account.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  artifacts = "tests/artifacts"
}

run "defaults" {
  assert {
    condition     = output.bucket == "covalent-123456789012-eu-west-1"
    error_message = "The bucket's name must be unique in the world: prefix, account, region."
  }

  assert {
    condition     = output.table == "covalent" && output.prefix == "covalent" && output.region == "eu-west-1"
    error_message = "Table, prefix or region are not as the contract has them."
  }

  assert {
    condition = output.runners == {
      "3.11" = "covalent-runner-py311"
      "3.12" = "covalent-runner-py312"
      "3.13" = "covalent-runner-py313"
    }
    error_message = "There is a runner for each Python minor."
  }

  assert {
    condition     = output.endpoint == "https://mock.execute-api.eu-west-1.amazonaws.com"
    error_message = "The endpoint is the stage's address without the stage, whose name the SDK's paths begin with."
  }

  assert {
    condition     = output.dashboard_url == null
    error_message = "Nothing that costs is made unless asked for."
  }

  assert {
    condition     = sort(keys(output.permissions)) == tolist(["adopt", "api", "builder", "electron", "finish", "machine", "restart", "runner", "sweep"])
    error_message = "Each role shows what it may do."
  }
}

run "two_deployments_in_one_account" {
  variables {
    prefix  = "covalent-test"
    runners = ["3.12"]
  }

  assert {
    condition     = output.bucket == "covalent-test-123456789012-eu-west-1" && output.table == "covalent-test"
    error_message = "Every name begins with the prefix."
  }

  # `covalent-*` would match machines of `covalent-test` as well.
  assert {
    condition = alltrue([
      for resource in output.permissions.api.start_machines.resources :
      length(regexall("\\?", resource)) == 40 && !strcontains(resource, "*") && strcontains(resource, ":covalent-test-?")
    ])
    error_message = "The API may start machines of its own deployment only."
  }
}

run "everything_on" {
  variables {
    architecture    = "arm64"
    kms_key_arn     = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    observability   = true
    alarm_topic_arn = "arn:aws:sns:eu-west-1:123456789012:alarms"
    cold_after_days = null
  }

  assert {
    condition     = startswith(output.dashboard_url, "https://eu-west-1.console.aws.amazon.com/")
    error_message = "The dashboard has an address."
  }

  assert {
    condition = alltrue([
      for role in ["adopt", "api", "builder", "electron", "finish", "restart", "sweep", "runner"] :
      output.permissions[role].use_key.resources == tolist([var.kms_key_arn])
    ])
    error_message = "Whoever reads what is encrypted may use the key, and no other one."
  }
}

run "triggers" {
  variables {
    triggers        = true
    trigger_buckets = ["pictures"]
  }

  assert {
    condition     = sort(keys(output.permissions)) == tolist(["adopt", "api", "builder", "electron", "finish", "fire", "machine", "restart", "runner", "scheduler", "sweep", "ticker"])
    error_message = "With triggers there are a function and two roles more."
  }

  assert {
    condition     = output.permissions.api.look_at_buckets.resources == tolist(["arn:aws:s3:::pictures"])
    error_message = "The API looks at the named buckets only."
  }

  assert {
    condition = [
      for name in ["pass_scheduler_role", "pass_ticker_role"] : one(output.permissions.api[name].conditions).values
    ] == [tolist(["scheduler.amazonaws.com"]), tolist(["states.amazonaws.com"])]
    error_message = "Each role is passed to its service only."
  }

  assert {
    condition     = one(output.permissions.fire.forget_triggers.conditions).values == tolist(["T#*"])
    error_message = "What is deleted belongs to triggers; dispatches stay."
  }
}

run "roles" {
  assert {
    condition = alltrue(flatten([
      for role, grants in output.permissions : [
        for name, grant in grants : !contains(grant.resources, "*") || contains(["deliver_logs", "list_machines", "trace"], name)
      ]
    ]))
    error_message = "Only actions that know no resources are allowed on all of them."
  }

  assert {
    condition = output.permissions.api.pass_machine_role.conditions == tolist([
      { test = "StringEquals", variable = "iam:PassedToService", values = tolist(["states.amazonaws.com"]) },
    ])
    error_message = "The machines' role is passed to Step Functions only."
  }

  assert {
    condition = !anytrue(flatten([
      for grants in [output.permissions.builder, output.permissions.electron, output.permissions.runner] : [
        for grant in values(grants) : [for action in grant.actions : can(regex(":(List|Delete|Scan|Query|Describe)", action))]
      ]
    ]))
    error_message = "What users wrote may not look for dispatches of others, nor delete anything."
  }

  assert {
    condition = alltrue([
      for arn in concat(output.permissions.electron.read_sheets_and_inputs.resources, output.permissions.electron.write_outputs.resources) :
      can(regex("/(dispatches/[$]{aws:PrincipalTag/dispatch}|assets/[$]{aws:PrincipalTag/owner})/", arn))
    ])
    error_message = "User code sees objects of its dispatch, and assets of its owner."
  }

  assert {
    condition = alltrue([
      for role in ["builder", "electron"] :
      contains(output.permissions[role].record_nodes.conditions[*].values, tolist(["D#$${aws:PrincipalTag/dispatch}"]))
    ])
    error_message = "User code writes items of its dispatch."
  }

  assert {
    condition = alltrue([
      for role in ["builder", "electron"] :
      one(output.permissions[role].read_records.conditions).values == tolist(["D#$${aws:PrincipalTag/dispatch}", "D#$${aws:PrincipalTag/sublattice}"])
    ])
    error_message = "User code reads items of its dispatch, and of the sublattice that it takes over."
  }

  assert {
    condition     = !contains(keys(output.permissions.builder), "read_results") && !contains(keys(output.permissions.electron), "write_graphs")
    error_message = "A builder takes no results over, and only a builder writes graphs."
  }
}
