output "role" {
  description = "Aws:Roles:0:Arn of the settings."
  value       = aws_iam_role.workflow.arn
}

output "bucket" {
  value = aws_s3_bucket.data.bucket
}

output "queue" {
  description = "Where objects that arrive are told."
  value       = aws_sqs_queue.objects.url
}

output "dead_letter_queue" {
  value = aws_sqs_queue.dead.url
}

output "topic" {
  value = aws_sns_topic.runs.arn
}

output "redshift_role" {
  description = "Warehouse:IamRole of the settings."
  value       = aws_iam_role.redshift.arn
}

output "sagemaker_role" {
  value = aws_iam_role.sagemaker.arn
}
