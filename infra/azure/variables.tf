variable "subscription_id" {
  description = "The subscription that everything is in."
  type        = string
}

variable "name" {
  description = "What everything is named after: 3 to 16 small letters and digits, unique in all of Azure."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,15}$", var.name))
    error_message = "Write 3 to 16 small letters and digits, beginning with a letter."
  }
}

variable "location" {
  description = "The region, for example westeurope."
  type        = string
  default     = "westeurope"
}

variable "containers" {
  description = "The containers of az://CONTAINER/KEY addresses."
  type        = set(string)
  default     = ["landing", "lake"]
}

variable "watched" {
  description = "Where new objects start runs: the container and prefix of each object trigger."
  type = map(object({
    container = string
    prefix    = string
  }))
  default = {
    csv = { container = "landing", prefix = "csv/" }
  }
}

variable "events_ready" {
  description = "Subscribe to events. Event Grid asks the app for its consent while it subscribes, so the program must be deployed and answer: false at the first apply, true from then on."
  type        = bool
  default     = false
}

variable "package" {
  description = "The zip of the publish output (dotnet publish of src/Workflow.App, host.json at its root). Empty where something else deploys it."
  type        = string
  default     = ""
}

variable "plan_sku" {
  description = "The App Service plan. The custom handler is a process that lives on, so a plan that may be always on: EP1 and above, B1 and above, P0v3 and above."
  type        = string
  default     = "EP1"
}

variable "database_sku" {
  description = "The size of the hub's PostgreSQL."
  type        = string
  default     = "B_Standard_B2s"
}

variable "database_storage_mb" {
  description = "The hub's disk: histories of runs, until they are purged."
  type        = number
  default     = 32768
}

variable "warehouse" {
  description = "Npgsql connection string of the warehouse; empty for a database beside the hub's on the same server."
  type        = string
  default     = ""
  sensitive   = true
}

variable "aws_role_arn" {
  description = "The role that infra/aws made for this app (its output role); empty where AWS is not used, and at the first apply."
  type        = string
  default     = ""
}

variable "aws_region" {
  description = "The region of AWS that the app works in."
  type        = string
  default     = "eu-central-1"
}

variable "application_insights" {
  description = "Keep logs and traces in Application Insights."
  type        = bool
  default     = false
}

variable "administrators" {
  description = "Object ids of the people or groups that put secrets into the vault and objects into the containers."
  type        = set(string)
  default     = []
}
