resource "azurerm_key_vault" "workflow" {
  name                       = "${var.name}-secrets"
  location                   = azurerm_resource_group.workflow.location
  resource_group_name        = azurerm_resource_group.workflow.name
  tenant_id                  = data.azurerm_client_config.current.tenant_id
  sku_name                   = "standard"
  rbac_authorization_enabled = true
  purge_protection_enabled   = true
}

resource "azurerm_role_assignment" "secrets" {
  scope                = azurerm_key_vault.workflow.id
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.workflow.principal_id
}

resource "azurerm_role_assignment" "secrets_people" {
  for_each             = local.people
  scope                = azurerm_key_vault.workflow.id
  role_definition_name = "Key Vault Secrets Officer"
  principal_id         = each.key
}

# The secret events/eventgrid: what Event Grid brings along, so that nobody else's events are taken.
resource "random_password" "eventgrid" {
  length  = 48
  special = false
}

resource "azurerm_key_vault_secret" "eventgrid" {
  name         = "events--eventgrid"
  key_vault_id = azurerm_key_vault.workflow.id
  content_type = "application/json"
  value        = jsonencode({ key = random_password.eventgrid.result })
  depends_on   = [azurerm_role_assignment.secrets_people]
}

# Connection strings are settings of the app, and it gets them from here by reference.
resource "azurerm_key_vault_secret" "connection" {
  for_each     = toset(["hub", "warehouse"])
  name         = "connection-${each.key}"
  key_vault_id = azurerm_key_vault.workflow.id
  value        = each.key == "warehouse" && var.warehouse != "" ? var.warehouse : local.connections[each.key]
  depends_on   = [azurerm_role_assignment.secrets_people]
}
