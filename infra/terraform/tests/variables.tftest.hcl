# What a mistyped variable is answered, before anything is made.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  artifacts = "tests/artifacts"
}

run "prefix_in_capitals" {
  command         = plan
  expect_failures = [var.prefix]

  variables {
    prefix = "Covalent"
  }
}

run "prefix_of_31_characters" {
  command         = plan
  expect_failures = [var.prefix]

  variables {
    prefix = "abcdefghijabcdefghijabcdefghija"
  }
}

run "prefix_with_a_hyphen_at_its_end" {
  command         = plan
  expect_failures = [var.prefix]

  variables {
    prefix = "covalent-"
  }
}

run "prefix_that_s3_reserves" {
  command         = plan
  expect_failures = [var.prefix]

  variables {
    prefix = "xn--covalent"
  }
}

run "no_runner" {
  command         = plan
  expect_failures = [var.runners]

  variables {
    runners = []
  }
}

run "a_runner_twice" {
  command         = plan
  expect_failures = [var.runners]

  variables {
    runners = ["3.12", "3.12"]
  }
}

run "a_python_without_runner" {
  command         = plan
  expect_failures = [var.runners]

  variables {
    runners = ["3.9"]
  }
}

run "unknown_processor" {
  command         = plan
  expect_failures = [var.architecture]

  variables {
    architecture = "riscv"
  }
}

run "zips_not_made_yet" {
  command         = plan
  expect_failures = [var.artifacts]

  variables {
    artifacts = "tests/nowhere"
    runners   = ["3.12"]
  }
}

run "too_little_memory" {
  command         = plan
  expect_failures = [var.runner_memory]

  variables {
    runner_memory = 64
  }
}

run "retention_that_cloudwatch_has_not" {
  command         = plan
  expect_failures = [var.log_retention_days]

  variables {
    log_retention_days = 31
  }
}

run "throttled_to_nothing" {
  command         = plan
  expect_failures = [var.throttle]

  variables {
    throttle = { rate = 0 }
  }
}

run "an_alias_for_a_key" {
  command         = plan
  expect_failures = [var.kms_key_arn]

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/covalent"
  }
}

run "a_queue_for_a_topic" {
  command         = plan
  expect_failures = [var.alarm_topic_arn]

  variables {
    alarm_topic_arn = "arn:aws:sqs:us-east-1:123456789012:alarms"
  }
}

run "buckets_without_triggers" {
  command         = plan
  expect_failures = [var.trigger_buckets]

  variables {
    trigger_buckets = ["pictures"]
  }
}
