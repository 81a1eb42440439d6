using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Workflow.Cloud.Local;

/// <summary>The jobs and models of the stand-in for Amazon SageMaker, and what is refused.</summary>
internal sealed partial class LocalSageMakerState
{
    private const int LongestRuntime = 2_419_200;

    public Dictionary<string, LocalSageMakerJob> Training { get; init; } = [];

    public Dictionary<string, LocalSageMakerJob> Transforms { get; init; } = [];

    /// <summary>By name: where the artifacts are.</summary>
    public Dictionary<string, string> Models { get; init; } = [];

    /// <summary>By operation: why the next job it starts will fail.</summary>
    public Dictionary<string, string> Failures { get; init; } = [];

    public JsonObject Call(string operation, JsonObject input, DateTimeOffset now) => operation switch
    {
        "CreateTrainingJob" => CreateTraining(input, now),
        "StopTrainingJob" => Stop(Training, LocalAwsInput.Text(input, "TrainingJobName")),
        "CreateModel" => CreateModel(input),
        "CreateTransformJob" => CreateTransform(input, now),
        "StopTransformJob" => Stop(Transforms, LocalAwsInput.Text(input, "TransformJobName")),
        _ => throw new LocalAwsException("UnknownOperationException", $"The stand-in does not do {operation}."),
    };

    public static LocalSageMakerJob Find(Dictionary<string, LocalSageMakerJob> jobs, string name) =>
        jobs.GetValueOrDefault(name) ?? throw new LocalAwsException("ValidationException", "Requested resource not found.");

    public static string TrainingInput(LocalSageMakerJob job) => (string)job.Input["InputDataConfig"]![0]!["DataSource"]!["S3DataSource"]!["S3Uri"]!;

    public static string TransformInput(LocalSageMakerJob job) => (string)job.Input["TransformInput"]!["DataSource"]!["S3DataSource"]!["S3Uri"]!;

    public static string Artifacts(LocalSageMakerJob job) => $"{((string)job.Input["OutputDataConfig"]!["S3OutputPath"]!).TrimEnd('/')}/{job.Name}/output/model.tar.gz";

    public static JsonObject DescribeTraining(LocalSageMakerJob job) => new()
    {
        ["TrainingJobName"] = job.Name,
        ["TrainingJobArn"] = Arn("training-job", job.Name),
        ["TrainingJobStatus"] = job.Status,
        ["SecondaryStatus"] = job.HasEnded() || job.Status == "Stopping" ? job.Status : "Starting",
        ["FailureReason"] = job.Status == "Failed" ? job.FailureReason : null,
        ["ModelArtifacts"] = job.Status == "Completed" ? new JsonObject { ["S3ModelArtifacts"] = Artifacts(job) } : null,
    };

    public static JsonObject DescribeTransform(LocalSageMakerJob job) => new()
    {
        ["TransformJobName"] = job.Name,
        ["TransformJobArn"] = Arn("transform-job", job.Name),
        ["TransformJobStatus"] = job.Status,
        ["FailureReason"] = job.Status == "Failed" ? job.FailureReason : null,
        ["ModelName"] = job.Input["ModelName"]!.DeepClone(),
    };

    private JsonObject CreateTraining(JsonObject input, DateTimeOffset now)
    {
        var name = Name(input, "TrainingJobName");
        Match(Roles(), LocalAwsInput.Text(input, "RoleArn"), "roleArn");
        LocalAwsInput.Text(LocalAwsInput.Structure(input, "AlgorithmSpecification"), "TrainingImage");
        OneOf(LocalAwsInput.Text(LocalAwsInput.Structure(input, "AlgorithmSpecification"), "TrainingInputMode"), "trainingInputMode", "Pipe", "File", "FastFile");
        foreach (var channel in LocalAwsInput.Structures(input, "InputDataConfig", 20))
        {
            LocalAwsInput.Text(channel, "ChannelName");
            CheckSource(LocalAwsInput.Structure(channel, "DataSource"));
        }

        Address(LocalAwsInput.Text(LocalAwsInput.Structure(input, "OutputDataConfig"), "S3OutputPath"), "s3OutputPath");
        CheckInstances(LocalAwsInput.Structure(input, "ResourceConfig"));
        Range(LocalAwsInput.Structure(input, "ResourceConfig"), "VolumeSizeInGB", int.MaxValue);
        Range(LocalAwsInput.Structure(input, "StoppingCondition"), "MaxRuntimeInSeconds", LongestRuntime);
        Add(Training, name, "Training job", input, "CreateTrainingJob", now);
        return new() { ["TrainingJobArn"] = Arn("training-job", name) };
    }

    private JsonObject CreateModel(JsonObject input)
    {
        var name = Name(input, "ModelName");
        Match(Roles(), LocalAwsInput.Text(input, "ExecutionRoleArn"), "executionRoleArn");
        var container = LocalAwsInput.Structure(input, "PrimaryContainer");
        LocalAwsInput.Text(container, "Image");
        var artifacts = LocalAwsInput.Text(container, "ModelDataUrl");
        if (!Training.Values.Any(job => job.Status == "Completed" && Artifacts(job) == artifacts))
        {
            throw new LocalAwsException("ValidationException", $"Could not find model data at {artifacts}.");
        }

        return Models.TryAdd(name, artifacts) ? new() { ["ModelArn"] = Arn("model", name) }
            : throw new LocalAwsException("ValidationException", $"Cannot create already existing model \"{Arn("model", name)}\".");
    }

    private JsonObject CreateTransform(JsonObject input, DateTimeOffset now)
    {
        var name = Name(input, "TransformJobName");
        var model = LocalAwsInput.Text(input, "ModelName");
        var transform = LocalAwsInput.Structure(input, "TransformInput");
        CheckSource(LocalAwsInput.Structure(transform, "DataSource"));
        OneOf((string?)transform["SplitType"] ?? "None", "splitType", "None", "Line", "RecordIO", "TFRecord");
        Address(LocalAwsInput.Text(LocalAwsInput.Structure(input, "TransformOutput"), "S3OutputPath"), "s3OutputPath");
        CheckInstances(LocalAwsInput.Structure(input, "TransformResources"));
        if (!Models.ContainsKey(model))
        {
            throw new LocalAwsException("ValidationException", $"Could not find model \"{Arn("model", model)}\".");
        }

        Add(Transforms, name, "Transform job", input, "CreateTransformJob", now);
        return new() { ["TransformJobArn"] = Arn("transform-job", name) };
    }

    private void Add(Dictionary<string, LocalSageMakerJob> jobs, string name, string what, JsonObject input, string operation, DateTimeOffset now)
    {
        Failures.Remove(operation, out var failure);
        if (!jobs.TryAdd(name, new(name, (JsonObject)input.DeepClone(), now, FailureReason: failure)))
        {
            throw new LocalAwsException("ResourceInUse", $"{what} names must be unique within an AWS account and region, and a job with this name already exists ({name})");
        }
    }

    private static JsonObject Stop(Dictionary<string, LocalSageMakerJob> jobs, string name)
    {
        var job = Find(jobs, name);
        jobs[name] = !job.HasEnded() ? job with { Status = "Stopping" }
            : throw new LocalAwsException("ValidationException", $"The request was rejected because the job is in status {job.Status}.");
        return [];
    }

    private static void CheckSource(JsonObject source)
    {
        var s3 = LocalAwsInput.Structure(source, "S3DataSource");
        OneOf(LocalAwsInput.Text(s3, "S3DataType"), "s3DataType", "ManifestFile", "S3Prefix", "AugmentedManifestFile");
        Address(LocalAwsInput.Text(s3, "S3Uri"), "s3Uri");
    }

    private static void CheckInstances(JsonObject resources)
    {
        Match(InstanceTypes(), LocalAwsInput.Text(resources, "InstanceType"), "instanceType");
        Range(resources, "InstanceCount", int.MaxValue);
    }

    private static string Name(JsonObject input, string field)
    {
        var name = LocalAwsInput.Text(input, field);
        Match(Names(), name, char.ToLowerInvariant(field[0]) + field[1..]);
        return name;
    }

    private static void Address(string value, string field) => Match(Addresses(), value, field);

    private static void Range(JsonObject input, string field, int most)
    {
        if (input[field] is not JsonValue value || !value.TryGetValue<int>(out var number) || number < 1 || number > most)
        {
            throw Invalid(input[field]?.ToJsonString() ?? "null", field, string.Create(CultureInfo.InvariantCulture, $"Member must be between 1 and {most}"));
        }
    }

    private static void OneOf(string value, string field, params string[] values)
    {
        if (!values.Contains(value))
        {
            throw Invalid($"'{value}'", field, $"Member must satisfy enum value set: [{string.Join(", ", values)}]");
        }
    }

    private static void Match(Regex pattern, string value, string field)
    {
        if (!pattern.IsMatch(value))
        {
            throw Invalid($"'{value}'", field, $"Member must satisfy regular expression pattern: {pattern}");
        }
    }

    private static LocalAwsException Invalid(string value, string field, string constraint) =>
        new("ValidationException", $"1 validation error detected: Value {value} at '{field}' failed to satisfy constraint: {constraint}");

    private static string Arn(string kind, string name) => $"arn:aws:sagemaker:{LocalAws.Region}:{LocalAws.Account}:{kind}/{name}";

    [GeneratedRegex("^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")]
    private static partial Regex Names();

    [GeneratedRegex("^arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+$")]
    private static partial Regex Roles();

    [GeneratedRegex("^ml\\.[a-z0-9]+\\.[a-z0-9]+$")]
    private static partial Regex InstanceTypes();

    // The real one has no local://.
    [GeneratedRegex("^(https|s3|local)://([^/]+)/?(.*)$")]
    private static partial Regex Addresses();
}
