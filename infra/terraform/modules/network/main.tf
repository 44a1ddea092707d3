# Where jobs run: a VPC that is there, the account's default one, or a small one of the deployment's own. Nothing here
# costs while nothing runs: no NAT, no interface endpoints.

locals {
  is_own = var.cidr != null
  vpc_id = local.is_own ? aws_vpc.own[0].id : data.aws_vpc.found[0].id
  zones  = local.is_own ? slice(data.aws_availability_zones.here[0].names, 0, 2) : []
}

data "aws_vpc" "found" {
  count   = local.is_own ? 0 : 1
  id      = var.vpc_id
  default = var.vpc_id == null ? true : null
}

# In the default VPC every subnet of a zone gives public addresses; others that were made there may not.
data "aws_subnets" "found" {
  count = local.is_own || var.subnet_ids != null ? 0 : 1

  filter {
    name   = "vpc-id"
    values = [local.vpc_id]
  }

  filter {
    name   = "default-for-az"
    values = ["true"]
  }
}

data "aws_availability_zones" "here" {
  #checkov:skip=CKV_AWS_394:Any two zones will do; the names of an account's zones stay as they are
  count = local.is_own ? 1 : 0
  state = "available"
}

resource "aws_vpc" "own" {
  #checkov:skip=CKV2_AWS_11:Flow logs cost by the gigabyte; who needs them turns them on for this VPC
  count                = local.is_own ? 1 : 0
  cidr_block           = var.cidr
  enable_dns_hostnames = true
  tags                 = merge(var.tags, { Name = var.prefix })
}

# Whatever is started without a group of its own can talk to nobody.
resource "aws_default_security_group" "own" {
  count  = local.is_own ? 1 : 0
  vpc_id = aws_vpc.own[0].id
  tags   = var.tags
}

resource "aws_internet_gateway" "own" {
  count  = local.is_own ? 1 : 0
  vpc_id = aws_vpc.own[0].id
  tags   = merge(var.tags, { Name = var.prefix })
}

resource "aws_subnet" "own" {
  #checkov:skip=CKV_AWS_130:The way to AWS is the internet gateway, for which an address is needed; a NAT costs when idle. Nothing gets in
  count                   = length(local.zones)
  vpc_id                  = aws_vpc.own[0].id
  availability_zone       = local.zones[count.index]
  cidr_block              = cidrsubnet(var.cidr, 1, count.index)
  map_public_ip_on_launch = true
  tags                    = merge(var.tags, { Name = "${var.prefix}-${local.zones[count.index]}" })
}

resource "aws_route_table" "own" {
  count  = local.is_own ? 1 : 0
  vpc_id = aws_vpc.own[0].id
  tags   = merge(var.tags, { Name = var.prefix })
}

resource "aws_route" "internet" {
  count                  = local.is_own ? 1 : 0
  route_table_id         = aws_route_table.own[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.own[0].id
}

resource "aws_route_table_association" "own" {
  count          = length(local.zones)
  subnet_id      = aws_subnet.own[count.index].id
  route_table_id = aws_route_table.own[0].id
}

# Values and records do not take the way through the internet, and these cost nothing. A VPC that is there has its own
# routes, which may have such endpoints already.
resource "aws_vpc_endpoint" "own" {
  for_each          = local.is_own ? toset(["dynamodb", "s3"]) : toset([])
  vpc_id            = aws_vpc.own[0].id
  service_name      = "com.amazonaws.${var.region}.${each.value}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.own[0].id]
  tags              = merge(var.tags, { Name = "${var.prefix}-${each.value}" })
}

# Nobody calls a job: it fetches what it has to do, and tells what became of it.
resource "aws_security_group" "jobs" {
  #checkov:skip=CKV2_AWS_5:The modules of executors attach it, or Step Functions when it starts a job
  name        = "${var.prefix}-jobs"
  description = "Jobs of ${var.prefix}: nothing comes in."
  vpc_id      = local.vpc_id
  tags        = merge(var.tags, { Name = "${var.prefix}-jobs" })
}

resource "aws_vpc_security_group_egress_rule" "jobs" {
  security_group_id = aws_security_group.jobs.id
  description       = "Electrons may call whatever they need: AWS, package indexes, databases."
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
  tags              = var.tags
}
