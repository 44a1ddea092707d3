# A policy as a table: the modules beside this one write rows, this one renders them. It makes no resources.

locals {
  statements = [
    for name, grant in var.grants : merge(
      {
        Sid      = join("", [for word in split("_", name) : title(word)])
        Effect   = "Allow"
        Action   = sort(grant.actions)
        Resource = grant.resources
      },
      length(grant.conditions) == 0 ? {} : {
        Condition = {
          for test in distinct(grant.conditions[*].test) : test => {
            for each in grant.conditions : each.variable => each.values if each.test == test
          }
        }
      },
    )
  ]
}
