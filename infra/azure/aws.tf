# What the identity's tokens for AWS are for. AWS (infra/aws) takes tokens of this tenant with this audience and this identity as
# subject, and no others; nothing is stored on either side.
resource "azuread_application" "aws" {
  display_name    = "${var.name} on AWS"
  identifier_uris = ["api://${data.azurerm_client_config.current.tenant_id}/${var.name}-aws"]

  api {
    # Tokens of version 1, whose issuer is https://sts.windows.net/TENANT/: that of all managed identities.
    requested_access_token_version = 1
  }
}

# Without it no token is issued for the application.
resource "azuread_service_principal" "aws" {
  client_id = azuread_application.aws.client_id
}

locals {
  audience = one(azuread_application.aws.identifier_uris)

  aws_settings = var.aws_role_arn == "" ? {} : {
    Aws__Region                = var.aws_region
    Aws__Roles__0__Arn         = var.aws_role_arn
    Aws__WebIdentity__Source   = "Azure"
    Aws__WebIdentity__Audience = local.audience
  }
}
