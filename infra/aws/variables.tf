variable "name" {
  description = "Goes in front of the names of what is made here."
  type        = string
  default     = "workflow"
}

variable "region" {
  description = "Where everything is."
  type        = string
}

variable "entra_tenant" {
  description = "The Entra tenant whose tokens are taken, by its id."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.entra_tenant))
    error_message = "Give the tenant's id, a UUID in small letters."
  }
}

variable "entra_audience" {
  description = "The application ID URI that the managed identity asks its token for; Aws:WebIdentity:Audience of the settings."
  type        = string
}

variable "entra_subject" {
  description = "The object id of the managed identity's service principal: the token's sub."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.entra_subject))
    error_message = "Give the object id, a UUID in small letters, and not a pattern: whoever matches it has the role."
  }
}

variable "landing_prefix" {
  description = "Objects that arrive below it are told to the queue."
  type        = string
  default     = "landing/"
}

variable "secret_prefix" {
  description = "Secrets whose names begin with it may be read."
  type        = string
  default     = "workflow/"
}

variable "redshift_secret" {
  description = "The ARN of the secret that Redshift itself keeps of a user, where Warehouse:Secret names it: its name begins otherwise."
  type        = string
  default     = null
}

variable "dynamodb_tables" {
  description = "Tables that pipelines write, the status table among them."
  type        = list(string)
  default     = ["ingestion_status", "operacoes"]
}

variable "glue_databases" {
  description = "Databases of the catalog that pipelines keep."
  type        = list(string)
  default     = ["lake"]
}

variable "glue_jobs" {
  description = "Jobs that pipelines start."
  type        = list(string)
  default     = []
}

variable "dms_tasks" {
  description = "ARNs of the replication tasks that pipelines watch and start."
  type        = list(string)
  default     = []
}

variable "sagemaker_prefix" {
  description = "Training jobs, models and transforms have names that begin with it."
  type        = string
  default     = "segment-customers-"
}
