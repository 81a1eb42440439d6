resource "azurerm_log_analytics_workspace" "workflow" {
  count               = var.application_insights ? 1 : 0
  name                = var.name
  location            = azurerm_resource_group.workflow.location
  resource_group_name = azurerm_resource_group.workflow.name
  retention_in_days   = 30
}

resource "azurerm_application_insights" "workflow" {
  count               = var.application_insights ? 1 : 0
  name                = var.name
  location            = azurerm_resource_group.workflow.location
  resource_group_name = azurerm_resource_group.workflow.name
  workspace_id        = azurerm_log_analytics_workspace.workflow[0].id
  application_type    = "web"
}

locals {
  insights_settings = var.application_insights ? { APPLICATIONINSIGHTS_CONNECTION_STRING = azurerm_application_insights.workflow[0].connection_string } : {}
}
