output "app" {
  description = "Where the app answers."
  value       = "https://${azurerm_linux_function_app.workflow.default_hostname}"
}

output "storage_account" {
  description = "The account behind az:// addresses."
  value       = azurerm_storage_account.objects.name
}

output "key_vault" {
  description = "Where secrets go: orders/database is the secret orders--database."
  value       = azurerm_key_vault.workflow.vault_uri
}

output "aws_trust" {
  description = "Whose tokens AWS is to take: the variables of the same names of infra/aws."
  value = {
    entra_tenant   = data.azurerm_client_config.current.tenant_id
    entra_audience = local.audience
    entra_subject  = azurerm_user_assigned_identity.workflow.principal_id
  }
}
