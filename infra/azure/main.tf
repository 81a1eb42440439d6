data "azurerm_client_config" "current" {}

resource "azurerm_resource_group" "workflow" {
  name     = var.name
  location = var.location
}

# Who the app is: to the storage account, to the vault, and (through infra/aws) to AWS. It outlives the app.
resource "azurerm_user_assigned_identity" "workflow" {
  name                = var.name
  location            = azurerm_resource_group.workflow.location
  resource_group_name = azurerm_resource_group.workflow.name
}

locals {
  people = setunion(var.administrators, [data.azurerm_client_config.current.object_id])
}
