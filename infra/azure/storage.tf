# The objects behind az:// addresses. Nobody has a key of it: the identity's tokens are the only way in.
resource "azurerm_storage_account" "objects" {
  name                            = "${var.name}objects"
  location                        = azurerm_resource_group.workflow.location
  resource_group_name             = azurerm_resource_group.workflow.name
  account_kind                    = "StorageV2"
  account_tier                    = "Standard"
  account_replication_type        = "ZRS"
  min_tls_version                 = "TLS1_2"
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  allow_nested_items_to_be_public = false

  blob_properties {
    delete_retention_policy {
      days = 7
    }
  }
}

resource "azurerm_storage_container" "objects" {
  for_each           = var.containers
  name               = each.key
  storage_account_id = azurerm_storage_account.objects.id
}

resource "azurerm_role_assignment" "objects" {
  scope                = azurerm_storage_account.objects.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_user_assigned_identity.workflow.principal_id
}

resource "azurerm_role_assignment" "objects_people" {
  for_each             = local.people
  scope                = azurerm_storage_account.objects.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = each.key
}

# What the Functions host keeps for itself: locks, timers, keys. Apart from the objects, so that neither fills or locks the other.
resource "azurerm_storage_account" "host" {
  name                            = "${var.name}host"
  location                        = azurerm_resource_group.workflow.location
  resource_group_name             = azurerm_resource_group.workflow.name
  account_kind                    = "StorageV2"
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  min_tls_version                 = "TLS1_2"
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  allow_nested_items_to_be_public = false
}

# What the host asks for where it has no key of its account; the Durable extension keeps its queues and tables there.
resource "azurerm_role_assignment" "host" {
  for_each = toset([
    "Storage Blob Data Owner",
    "Storage Queue Data Contributor",
    "Storage Table Data Contributor",
  ])
  scope                = azurerm_storage_account.host.id
  role_definition_name = each.key
  principal_id         = azurerm_user_assigned_identity.workflow.principal_id
}
