resource "random_password" "database" {
  length  = 48
  special = false
}

# The hub of durable runs and, where there is no other, the warehouse.
resource "azurerm_postgresql_flexible_server" "workflow" {
  name                          = "${var.name}-hub"
  location                      = azurerm_resource_group.workflow.location
  resource_group_name           = azurerm_resource_group.workflow.name
  version                       = "17"
  sku_name                      = var.database_sku
  storage_mb                    = var.database_storage_mb
  auto_grow_enabled             = true
  backup_retention_days         = 7
  administrator_login           = "workflow"
  administrator_password        = random_password.database.result
  public_network_access_enabled = true

  lifecycle {
    # Azure chooses one, and may move it.
    ignore_changes = [zone]
  }
}

resource "azurerm_postgresql_flexible_server_database" "workflow" {
  for_each  = toset(["hub", "warehouse"])
  name      = each.key
  server_id = azurerm_postgresql_flexible_server.workflow.id
  collation = "C"
  charset   = "UTF8"
}

# From within Azure only, which is what 0.0.0.0 means here; the password and TLS do the rest. Put the app and the server into one
# network, and leave this out, where that is not enough.
resource "azurerm_postgresql_flexible_server_firewall_rule" "azure" {
  name             = "from-azure"
  server_id        = azurerm_postgresql_flexible_server.workflow.id
  start_ip_address = "0.0.0.0"
  end_ip_address   = "0.0.0.0"
}

locals {
  connections = {
    for database in ["hub", "warehouse"] : database => join(";", [
      "Host=${azurerm_postgresql_flexible_server.workflow.fqdn}",
      "Database=${database}",
      "Username=${azurerm_postgresql_flexible_server.workflow.administrator_login}",
      "Password=${random_password.database.result}",
      "SSL Mode=VerifyFull",
    ])
  }
}
