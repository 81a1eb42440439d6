# What the role may do: the calls that the clients make, on the resources that the pipelines use.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  arn = "arn:${data.aws_partition.current.partition}"
  own = "${var.region}:${data.aws_caller_identity.current.account_id}"
}

data "aws_iam_policy_document" "objects" {
  statement {
    sid       = "List"
    actions   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = [aws_s3_bucket.data.arn]
  }

  statement {
    sid       = "ReadWrite"
    actions   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${aws_s3_bucket.data.arn}/*"]
  }

  statement {
    sid       = "Secrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = compact(["${local.arn}:secretsmanager:${local.own}:secret:${var.secret_prefix}*", var.redshift_secret])
  }
}

data "aws_iam_policy_document" "messages" {
  statement {
    sid       = "Receive"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
    resources = [aws_sqs_queue.objects.arn]
  }

  statement {
    sid       = "SetAside"
    actions   = ["sqs:SendMessage", "sqs:GetQueueUrl"]
    resources = [aws_sqs_queue.dead.arn]
  }

  statement {
    sid       = "Tell"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.runs.arn]
  }
}

data "aws_iam_policy_document" "tables" {
  statement {
    sid = "DynamoDb"
    actions = [
      "dynamodb:DescribeTable", "dynamodb:CreateTable", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem",
    ]
    resources = [for table in var.dynamodb_tables : "${local.arn}:dynamodb:${local.own}:table/${table}"]
  }

  statement {
    sid = "Catalog"
    actions = [
      "glue:GetDatabase", "glue:CreateDatabase", "glue:GetTable", "glue:CreateTable", "glue:UpdateTable",
      "glue:GetPartitions", "glue:BatchCreatePartition", "glue:BatchDeletePartition", "glue:BatchGetPartition", "glue:BatchUpdatePartition", "glue:UpdatePartition",
    ]
    resources = concat(
      ["${local.arn}:glue:${local.own}:catalog"],
      [for database in var.glue_databases : "${local.arn}:glue:${local.own}:database/${database}"],
      [for database in var.glue_databases : "${local.arn}:glue:${local.own}:table/${database}/*"],
    )
  }
}

data "aws_iam_policy_document" "jobs" {
  statement {
    sid = "SageMaker"
    actions = [
      "sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob", "sagemaker:CreateModel", "sagemaker:DescribeModel", "sagemaker:DeleteModel",
      "sagemaker:CreateTransformJob", "sagemaker:DescribeTransformJob", "sagemaker:StopTransformJob",
    ]
    resources = [
      "${local.arn}:sagemaker:${local.own}:training-job/${var.sagemaker_prefix}*",
      "${local.arn}:sagemaker:${local.own}:model/${var.sagemaker_prefix}*",
      "${local.arn}:sagemaker:${local.own}:transform-job/${var.sagemaker_prefix}*",
    ]
  }

  # SageMaker's jobs run as a role of their own, and only SageMaker may be given it.
  statement {
    sid       = "PassToSageMaker"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.sagemaker.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["sagemaker.amazonaws.com"]
    }
  }

  dynamic "statement" {
    for_each = length(var.glue_jobs) > 0 ? [1] : []

    content {
      sid       = "GlueJobs"
      actions   = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
      resources = [for job in var.glue_jobs : "${local.arn}:glue:${local.own}:job/${job}"]
    }
  }

  dynamic "statement" {
    for_each = length(var.dms_tasks) > 0 ? [1] : []

    content {
      sid       = "StartReplication"
      actions   = ["dms:StartReplicationTask", "dms:DescribeTableStatistics"]
      resources = var.dms_tasks
    }
  }

  dynamic "statement" {
    for_each = length(var.dms_tasks) > 0 ? [1] : []

    content {
      sid       = "LookAtReplication"
      actions   = ["dms:DescribeReplicationTasks"]
      resources = ["*"] # DMS takes no resource for it.
    }
  }
}
