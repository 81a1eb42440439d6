# Azure's managed identity becomes this role: no key of AWS is kept anywhere. See docs/operations.md, "AWS from Azure".

locals {
  # As version 1 tokens of Entra name their issuer, without the scheme; the slash at the end is part of it.
  provider = "sts.windows.net/${var.entra_tenant}/"
}

resource "aws_iam_openid_connect_provider" "entra" {
  url            = "https://${local.provider}"
  client_id_list = [var.entra_audience]
}

resource "aws_iam_role" "workflow" {
  name                 = var.name
  description          = "What the pipelines do at AWS."
  max_session_duration = 3600

  # The same document that the stand-in for STS is tested with.
  assume_role_policy = templatefile("${path.module}/trust/entra.json", {
    provider_arn = aws_iam_openid_connect_provider.entra.arn
    provider     = local.provider
    audience     = var.entra_audience
    subject      = var.entra_subject
  })
}

resource "aws_iam_role_policy" "objects" {
  name   = "objects"
  role   = aws_iam_role.workflow.id
  policy = data.aws_iam_policy_document.objects.json
}

resource "aws_iam_role_policy" "messages" {
  name   = "messages"
  role   = aws_iam_role.workflow.id
  policy = data.aws_iam_policy_document.messages.json
}

resource "aws_iam_role_policy" "tables" {
  name   = "tables"
  role   = aws_iam_role.workflow.id
  policy = data.aws_iam_policy_document.tables.json
}

resource "aws_iam_role_policy" "jobs" {
  name   = "jobs"
  role   = aws_iam_role.workflow.id
  policy = data.aws_iam_policy_document.jobs.json
}
