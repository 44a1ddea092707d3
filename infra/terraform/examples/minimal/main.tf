# A deployment that costs nothing while nobody uses it: Lambda runs the electrons, nothing else is on.

module "covalent" {
  source                 = "../.."
  artifacts              = var.artifacts
  prefix                 = var.prefix
  protect                = var.protect
  manage_gateway_account = var.manage_gateway_account
}
