resource "azurerm_eventgrid_system_topic" "objects" {
  name                = "${var.name}-objects"
  location            = azurerm_resource_group.workflow.location
  resource_group_name = azurerm_resource_group.workflow.name
  source_resource_id  = azurerm_storage_account.objects.id
  topic_type          = "Microsoft.Storage.StorageAccounts"

  identity {
    type = "SystemAssigned"
  }
}

# Events that the app does not take within a day, with the reason.
resource "azurerm_storage_container" "undelivered" {
  name               = "undelivered-events"
  storage_account_id = azurerm_storage_account.host.id
}

resource "azurerm_role_assignment" "undelivered" {
  scope                = azurerm_storage_container.undelivered.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_eventgrid_system_topic.objects.identity[0].principal_id
}

resource "azurerm_eventgrid_system_topic_event_subscription" "watched" {
  for_each              = var.events_ready ? var.watched : {}
  name                  = each.key
  system_topic          = azurerm_eventgrid_system_topic.objects.name
  resource_group_name   = azurerm_resource_group.workflow.name
  event_delivery_schema = "EventGridSchema"
  included_event_types  = ["Microsoft.Storage.BlobCreated"]

  subject_filter {
    subject_begins_with = "/blobServices/default/containers/${each.value.container}/blobs/${each.value.prefix}"
    case_sensitive      = true
  }

  webhook_endpoint {
    url                  = "https://${azurerm_linux_function_app.workflow.default_hostname}/api/events/eventgrid"
    max_events_per_batch = 1
  }

  # In a header, not in the address: addresses end up in logs.
  delivery_property {
    header_name = "X-Event-Key"
    type        = "Static"
    value       = random_password.eventgrid.result
    secret      = true
  }

  retry_policy {
    event_time_to_live    = 1440
    max_delivery_attempts = 30
  }

  storage_blob_dead_letter_destination {
    storage_account_id          = azurerm_storage_account.host.id
    storage_blob_container_name = azurerm_storage_container.undelivered.name
  }

  dead_letter_identity {
    type = "SystemAssigned"
  }

  depends_on = [azurerm_role_assignment.undelivered]
}
