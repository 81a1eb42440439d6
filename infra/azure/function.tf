resource "azurerm_service_plan" "workflow" {
  name                = var.name
  location            = azurerm_resource_group.workflow.location
  resource_group_name = azurerm_resource_group.workflow.name
  os_type             = "Linux"
  sku_name            = var.plan_sku
}

resource "azurerm_linux_function_app" "workflow" {
  name                            = var.name
  location                        = azurerm_resource_group.workflow.location
  resource_group_name             = azurerm_resource_group.workflow.name
  service_plan_id                 = azurerm_service_plan.workflow.id
  storage_account_name            = azurerm_storage_account.host.name
  storage_uses_managed_identity   = true
  https_only                      = true
  functions_extension_version     = "~4"
  key_vault_reference_identity_id = azurerm_user_assigned_identity.workflow.id
  zip_deploy_file                 = var.package == "" ? null : var.package

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.workflow.id]
  }

  site_config {
    always_on                = !startswith(var.plan_sku, "EP")
    minimum_tls_version      = "1.2"
    ftps_state               = "Disabled"
    http2_enabled            = true
    elastic_instance_minimum = startswith(var.plan_sku, "EP") ? 1 : null

    application_stack {
      # The handler brings its own runtime: published self-contained.
      use_custom_runtime = true
    }
  }

  app_settings = merge(local.settings, local.host_settings, local.aws_settings, local.insights_settings)

  lifecycle {
    # Deployments set these.
    ignore_changes = [app_settings["WEBSITE_RUN_FROM_PACKAGE"], tags["hidden-link: /app-insights-resource-id"]]
  }

  depends_on = [azurerm_role_assignment.host, azurerm_role_assignment.secrets]
}

locals {
  # Settings of the program: docs/operations.md.
  settings = {
    Access__Hosts__0             = "${var.name}.azurewebsites.net"
    Azure__Identity__Kind        = "ManagedIdentity"
    Azure__Identity__ClientId    = azurerm_user_assigned_identity.workflow.client_id
    Azure__Storage__Account      = azurerm_storage_account.objects.name
    Azure__KeyVault              = azurerm_key_vault.workflow.vault_uri
    Secrets__Store               = "KeyVault"
    ConnectionStrings__Hub       = "@Microsoft.KeyVault(SecretUri=${azurerm_key_vault_secret.connection["hub"].versionless_id})"
    ConnectionStrings__Warehouse = "@Microsoft.KeyVault(SecretUri=${azurerm_key_vault_secret.connection["warehouse"].versionless_id})"
    Events__EventGrid__Secret    = "events/eventgrid"
    Events__EventGrid__Topics__0 = azurerm_storage_account.objects.id
  }

  # Settings of the Functions host: its own storage, without a key.
  host_settings = {
    FUNCTIONS_WORKER_RUNTIME         = "custom"
    WEBSITE_RUN_FROM_PACKAGE         = "1"
    AzureWebJobsStorage__accountName = azurerm_storage_account.host.name
    AzureWebJobsStorage__credential  = "managedidentity"
    AzureWebJobsStorage__clientId    = azurerm_user_assigned_identity.workflow.client_id
  }
}
